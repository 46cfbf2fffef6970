"""The bench's own hands on RabbitMQ: fill a queue quickly, see how much is in it, empty it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aio_pika
from aiormq.abc import DeliveredMessage
from pamqp.commands import Basic

from gateway.broker.rabbitmq.topology import declare_topology
from gateway.broker.topology import SAFE_ARGUMENTS
from tests.waiting import eventually

_SAFE_WITHIN_SECONDS = 60.0
_PERSISTENT = 2


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to be put on a queue."""

    body: bytes
    type: str = ""
    message_id: str | None = None
    headers: Mapping[str, Any] = field(default_factory=dict)

    def properties(self) -> Basic.Properties:
        return Basic.Properties(
            content_type="application/json",
            delivery_mode=_PERSISTENT,
            message_type=self.type or None,
            message_id=self.message_id,
            headers=dict(self.headers) or None,
        )


class BenchQueues:
    """One connection to a virtual host."""

    def __init__(self, publishing: Any, asking: Any) -> None:
        self._publishing = publishing
        self._asking = asking

    async def declare(self, *names: str) -> None:
        """The gateway's topology, and further queues of the same kind."""
        await declare_topology(self._asking)
        for name in names:
            await self._asking.queue_declare(name, durable=True, arguments=dict(SAFE_ARGUMENTS))

    async def depth(self, queue: str) -> int:
        answer = await self._asking.queue_declare(queue, passive=True)
        return answer.message_count or 0

    async def purge(self, *queues: str) -> None:
        for queue in queues:
            await self._asking.queue_purge(queue)

    async def publish(self, queue: str, letter: Letter) -> None:
        """Returns once it is written to the socket; not confirmed."""
        await self._publishing.basic_publish(
            letter.body, routing_key=queue, properties=letter.properties(), wait=False
        )

    async def fill(self, queue: str, letters: Iterable[Letter]) -> float:
        """Put all on a queue that nobody consumes; returns once they are there, with the seconds it took."""
        began_at, before, count = time.monotonic(), await self.depth(queue), 0
        for letter in letters:
            await self.publish(queue, letter)
            count += 1
            if count % 500 == 0:
                await asyncio.sleep(0)

        async def there() -> bool:
            return await self.depth(queue) >= before + count

        await eventually(there, within_seconds=_SAFE_WITHIN_SECONDS)
        return time.monotonic() - began_at

    @asynccontextmanager
    async def taking(self, queue: str, take: Callable[[bytes], None]) -> AsyncIterator[None]:
        """Hand every body that comes to `take`, and let go of it at once."""

        async def on_message(message: DeliveredMessage) -> None:
            take(message.body)

        answer = await self._asking.basic_consume(queue, on_message, no_ack=True)
        try:
            yield
        finally:
            await self._asking.basic_cancel(answer.consumer_tag)


@asynccontextmanager
async def bench_queues(url: str) -> AsyncIterator[BenchQueues]:
    connection = await aio_pika.connect(url)
    async with connection:
        if connection.transport is None:
            raise RuntimeError("not connected to RabbitMQ")
        inner = connection.transport.connection
        yield BenchQueues(
            await inner.channel(publisher_confirms=False), await inner.channel(publisher_confirms=False)
        )
