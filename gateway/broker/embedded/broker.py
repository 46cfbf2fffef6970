"""The embedded broker: queues in the store's own MongoDB, for an installation that has no RabbitMQ.

Every process that uses the database is an equal: each may publish and consume. A publication is safe on disk
when `publish` returns; a process that is killed loses nothing, and what it held comes to others again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

from gateway.broker.embedded.consumer import EmbeddedConsumer
from gateway.broker.embedded.upkeep import Session, Upkeep, end
from gateway.broker.port import Judge, Publication, StoredMessage, Take
from gateway.broker.topology import QUEUES
from gateway.errors import BrokerUnavailable, StoreUnavailable, Unroutable
from gateway.store.connect import Database
from gateway.store.queue_instances import Instances
from gateway.store.queue_messages import Message, Taken, Wait
from gateway.store.queues import QueueStore

_SIFT_AT_ONCE = 50
_WAIT_SECONDS = {queue.name: queue.wait_seconds for queue in QUEUES if queue.wait_seconds is not None}


class EmbeddedBroker:
    """gateway.broker.port.Broker over MongoDB."""

    def __init__(self, database: Database) -> None:
        self._store = QueueStore(database)
        self._upkeep = Upkeep(self._store, Instances(database, self._store), self._hungry, self._wake)
        self._consumers: list[EmbeddedConsumer] = []

    async def start(self) -> None:
        with _as_broker_errors():
            await self._upkeep.start()

    async def close(self) -> None:
        if self._consumers:
            await asyncio.wait([asyncio.create_task(consumer.cancel()) for consumer in self._consumers])
        await self._upkeep.stop()
        await end([consumer.task for consumer in self._consumers])

    @property
    def trouble(self) -> str | None:
        return self._upkeep.trouble

    async def publish(self, publication: Publication) -> None:
        self._upkeep.require()
        with _as_broker_errors():
            queues = await self._queues_for(publication)
            await self._store.put([_message(queue, publication) for queue in queues])
        self._wake(queues)

    async def consume(self, queue: str, prefetch: int, take: Take) -> EmbeddedConsumer:
        await self._must_exist(queue)
        consumer = EmbeddedConsumer(queue, prefetch, take, self._store, self._upkeep, wake=self._wake)
        consumer.task.add_done_callback(lambda _: self._consumers.remove(consumer))
        self._consumers.append(consumer)
        return consumer

    async def depth(self, queue: str) -> int:
        await self._must_exist(queue)
        with _as_broker_errors():
            return await self._store.depth(queue)

    async def declare_queue(
        self, queue: str, bindings: Mapping[str, str], *, single_active_consumer: bool = False
    ) -> None:
        # One process at a time owns the embedded store and works; it has one consumer a queue. So there is
        # nothing to do for `single_active_consumer`.
        self._upkeep.require()
        for exchange in bindings.values():
            if not self._upkeep.routes.has_exchange(exchange):
                raise BrokerUnavailable(f"queue {queue} cannot be bound: there is no exchange {exchange}")
        with _as_broker_errors():
            await self._store.declare(queue, bindings)
            await self._upkeep.refresh_routes()

    async def sift(self, queue: str, judge: Judge) -> int:
        await self._must_exist(queue)
        session = self._upkeep.require()
        removed = 0
        try:
            last = await self._store.last(queue)
            after = None
            while last is not None and (
                page := await self._store.take(
                    queue, session.instance, _SIFT_AT_ONCE, after=after, until=last
                )
            ):
                after = page[-1].place
                removed += await self._sift_page(page, judge, session)
        except StoreUnavailable as error:
            self._upkeep.doubt(session, error)
            raise BrokerUnavailable(str(error)) from error
        finally:
            self._wake([queue])
        return removed

    async def _sift_page(self, page: list[Taken], judge: Judge, session: Session) -> int:
        kept = list(page)
        try:
            for taken in page:
                if not await judge(_stored(taken.message)):
                    continue
                if session.lost:
                    raise BrokerUnavailable("the store was away: some of what was judged may still be there")
                await self._store.settle(taken, remove=True)
                kept.remove(taken)
        finally:
            await asyncio.gather(*(self._store.settle(taken, remove=False) for taken in kept))
        return len(page) - len(kept)

    async def _queues_for(self, publication: Publication) -> list[str]:
        exchange, routing_key = publication.exchange, publication.routing_key
        queues = self._upkeep.routes.queues_for(exchange, routing_key)
        if not queues:  # another process may have declared one since the last round
            await self._upkeep.refresh_routes()
            queues = self._upkeep.routes.queues_for(exchange, routing_key)
        if not queues:
            raise Unroutable(f"no queue is bound to exchange {exchange!r} for routing key {routing_key!r}")
        return queues

    async def _must_exist(self, queue: str) -> None:
        self._upkeep.require()
        if self._upkeep.routes.has_queue(queue):
            return
        with _as_broker_errors():
            await self._upkeep.refresh_routes()
        if not self._upkeep.routes.has_queue(queue):
            raise BrokerUnavailable(f"there is no queue {queue}")

    def _hungry(self) -> set[str]:
        return {consumer.queue for consumer in self._consumers if consumer.hungry}

    def _wake(self, queues: Collection[str]) -> None:
        for consumer in self._consumers:
            if consumer.queue in queues:
                consumer.wake()


def _message(queue: str, publication: Publication) -> Message:
    seconds = _WAIT_SECONDS.get(queue)
    return Message(
        queue=queue,
        body=publication.body,
        type=publication.type,
        message_id=publication.message_id,
        headers=publication.headers,
        wait=None if seconds is None else Wait(seconds, then=publication.routing_key),
    )


def _stored(message: Message) -> StoredMessage:
    return StoredMessage(message.body, message.headers, message.type, message.message_id)


@contextmanager
def _as_broker_errors() -> Iterator[None]:
    try:
        yield
    except StoreUnavailable as error:
        raise BrokerUnavailable(str(error)) from error
