"""A platform on the embedded broker, in a process of its own: this one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from gateway.broker.embedded import EmbeddedBroker
from gateway.broker.port import Delivery, Publication, StoredMessage
from gateway.broker.topology import DEAD, DR, MO
from gateway.errors import BrokerUnavailable
from gateway.store.connect import Database
from tests.faults.notebook import Notebook
from tests.faults.platform import QUEUE_NAMES, Letter

_PAUSE_SECONDS = 0.2


class EmbeddedPlatform:
    """tests.faults.platform.Platform on the store of `database`, which may go away and come back."""

    def __init__(self, database: Database) -> None:
        self.notebook = Notebook()
        self._broker = EmbeddedBroker(database)
        self._settling: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        await self._broker.start()

    async def close(self) -> None:
        await self._broker.close()

    async def publish(self, queue: str, letter: Letter) -> None:
        publication = Publication("", queue, letter.body, letter.type, letter.message_id, letter.headers)
        while True:
            try:
                await self._broker.publish(publication)
            except BrokerUnavailable:
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                return

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        consumers = [
            await self._broker.consume(DR, 200, self._noted(self.notebook.take_dr)),
            await self._broker.consume(MO, 200, self._noted(self.notebook.take_mo)),
        ]
        try:
            yield
        finally:
            for consumer in consumers:
                await consumer.cancel()
            if self._settling:
                await asyncio.wait(self._settling)

    async def depths(self) -> dict[str, int]:
        depths = {}
        for name in QUEUE_NAMES:
            with suppress(BrokerUnavailable):  # there is no such queue
                depths[name] = await self._broker.depth(name)
        return {name: depth for name, depth in depths.items() if depth}

    async def take_dead(self) -> list[Letter]:
        letters = []

        async def take(message: StoredMessage) -> bool:
            letters.append(Letter(message.body, message.type, message.message_id, message.headers))
            return True

        await self._broker.sift(DEAD, take)
        return letters

    def _noted(self, note: Callable[[bytes], None]) -> Callable[[Delivery], None]:
        async def settle(delivery: Delivery) -> None:
            with suppress(BrokerUnavailable):  # then it comes again
                await delivery.settlement.ack()

        def take(delivery: Delivery) -> None:
            note(delivery.body)
            task = asyncio.create_task(settle(delivery))
            self._settling.add(task)
            task.add_done_callback(self._settling.discard)

        return take
