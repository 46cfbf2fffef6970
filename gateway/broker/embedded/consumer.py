"""A subscription to one queue of the embedded broker, and how what it delivered is settled."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection

from gateway.broker.embedded.upkeep import Session, Upkeep
from gateway.broker.port import Delivery, Take
from gateway.errors import BrokerUnavailable, StoreUnavailable
from gateway.store.queue_messages import Taken
from gateway.store.queues import QueueStore

_CANCEL_WITHIN_SECONDS = 1.0


class EmbeddedConsumer:
    """Fetches as much as is free and unsettled deliveries leave room for.

    It sleeps when there is neither until it is woken; `wake` wakes every consumer of the queues that it gets.
    """

    def __init__(
        self,
        queue: str,
        prefetch: int,
        take: Take,
        store: QueueStore,
        upkeep: Upkeep,
        wake: Callable[[Collection[str]], None],
    ) -> None:
        self.queue = queue
        self._prefetch = prefetch
        self._take = take
        self._store = store
        self._upkeep = upkeep
        self._wake_others = wake
        self._session: Session | None = None
        self._unsettled = 0
        self._cancelled = False
        self._awake = asyncio.Event()
        self.task = upkeep.run(self._run(), f"consumer of {queue}")

    @property
    def hungry(self) -> bool:
        """Whether it would take more."""
        return not self._cancelled and (self._session_is_over() or self._unsettled < self._prefetch)

    def wake(self) -> None:
        """There may be something new in the queue, or room for it."""
        self._awake.set()

    async def cancel(self) -> None:
        """Take no more. What has been fetched and not handed out goes back."""
        self._cancelled = True
        self.wake()
        # A fetch under way is not cut off. With the store away it ends later, and hands out nothing then.
        await asyncio.wait([self.task], timeout=_CANCEL_WITHIN_SECONDS)

    async def settle(self, taken: Taken, session: Session, *, remove: bool) -> None:
        """Settle one delivery. Raises BrokerUnavailable when that cannot be done: then it comes again."""
        if session.lost:
            raise BrokerUnavailable(f"a delivery of {self.queue} was lost with its session; it comes again")
        try:
            await self._store.settle(taken, remove=remove)
        except StoreUnavailable as error:
            self._upkeep.doubt(session, error)
            raise BrokerUnavailable(str(error)) from error
        finally:
            if session is self._session:
                self._unsettled -= 1
                self.wake()
        if not remove:
            self._wake_others([self.queue])

    def _session_is_over(self) -> bool:
        return self._session is not None and self._session.lost

    async def _run(self) -> None:
        while True:
            session = await self._upkeep.session()
            if self._cancelled:
                return
            if session is not self._session:
                self._session, self._unsettled = session, 0
            self._awake.clear()
            room = self._prefetch - self._unsettled
            if room and await self._fetch(session, room):
                continue
            await self._awake.wait()

    async def _fetch(self, session: Session, room: int) -> bool:
        """Whether there was anything."""
        try:
            fetched = await self._store.take(self.queue, session.instance, room)
        except StoreUnavailable as error:
            self._upkeep.doubt(session, error)
            return True
        for taken in fetched:
            if session.lost:
                break
            self._unsettled += 1
            if self._cancelled:
                with contextlib.suppress(BrokerUnavailable):
                    await self.settle(taken, session, remove=False)
            else:
                self._take(self._delivery(taken, session))
        return bool(fetched)

    def _delivery(self, taken: Taken, session: Session) -> Delivery:
        return Delivery(
            queue=self.queue,
            body=taken.message.body,
            headers=taken.message.headers,
            settlement=_Settlement(self, taken, session),
            type=taken.message.type,
            message_id=taken.message.message_id,
            redelivered=taken.redelivered,
        )


class _Settlement:
    def __init__(self, consumer: EmbeddedConsumer, taken: Taken, session: Session) -> None:
        self._consumer = consumer
        self._taken = taken
        self._session = session

    @property
    def lost(self) -> bool:
        return self._session.lost

    async def ack(self) -> None:
        await self._consumer.settle(self._taken, self._session, remove=True)

    async def requeue(self) -> None:
        await self._consumer.settle(self._taken, self._session, remove=False)
