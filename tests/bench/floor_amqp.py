"""The floor's queues, on the two layers of the AMQP library: aio-pika's own, and aiormq beneath it.

The gateway works on the lower one, which costs less; so that is the floor it is measured against, and the
other one is shown beside it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import aio_pika
from aiormq.abc import DeliveredMessage
from pamqp.commands import Basic

from gateway.broker.topology import SAFE_ARGUMENTS

_PERSISTENT = 2


@dataclass(frozen=True, slots=True)
class Message:
    """One message, and what its acknowledgement needs."""

    body: bytes
    tag: Any


Take = Callable[[Message], Awaitable[None]]


class Queues(Protocol):
    """One queue to take from and one to publish to, both made as the gateway makes its own."""

    async def consume(self, take: Take, prefetch: int) -> None: ...

    async def publish(self, body: bytes) -> None:
        """Returns once it is confirmed."""

    async def acknowledge(self, message: Message) -> None: ...

    async def close(self) -> None: ...


class AiormqQueues:
    """On aiormq's channels."""

    name: ClassVar[str] = "aiormq"

    def __init__(self, connection: Any, consuming: Any, publishing: Any, names: tuple[str, str]) -> None:
        self._connection = connection
        self._consuming = consuming
        self._publishing = publishing
        self._in, self._out = names

    @classmethod
    async def open(cls, url: str, in_queue: str, out_queue: str) -> AiormqQueues:
        connection = await aio_pika.connect(url)
        if connection.transport is None:
            raise RuntimeError("not connected to RabbitMQ")
        inner = connection.transport.connection
        consuming = await inner.channel(publisher_confirms=False)
        publishing = await inner.channel(publisher_confirms=True, on_return_raises=True)
        for name in (in_queue, out_queue):
            await consuming.queue_declare(name, durable=True, arguments=dict(SAFE_ARGUMENTS))
        return cls(connection, consuming, publishing, (in_queue, out_queue))

    async def consume(self, take: Take, prefetch: int) -> None:
        async def on_message(message: DeliveredMessage) -> None:
            await take(Message(message.body, message.delivery_tag))

        await self._consuming.basic_qos(prefetch_count=prefetch)
        await self._consuming.basic_consume(self._in, on_message)

    async def publish(self, body: bytes) -> None:
        properties = Basic.Properties(content_type="application/json", delivery_mode=_PERSISTENT)
        # Not waiting for the socket: the confirm comes after it anyway.
        await self._publishing.basic_publish(
            body, routing_key=self._out, properties=properties, mandatory=True, wait=False
        )

    async def acknowledge(self, message: Message) -> None:
        await self._consuming.basic_ack(message.tag, wait=False)

    async def close(self) -> None:
        await self._connection.close()


class AioPikaQueues:
    """On aio-pika's channels, queues and messages."""

    name: ClassVar[str] = "aio-pika"

    def __init__(self, connection: Any, incoming: Any, exchange: Any, out_queue: str) -> None:
        self._connection = connection
        self._incoming = incoming
        self._exchange = exchange
        self._out = out_queue

    @classmethod
    async def open(cls, url: str, in_queue: str, out_queue: str) -> AioPikaQueues:
        connection: Any = await aio_pika.connect(url)
        consuming = await connection.channel(publisher_confirms=False)
        publishing = await connection.channel(on_return_raises=True)
        arguments: dict[str, Any] = dict(SAFE_ARGUMENTS)
        incoming = await consuming.declare_queue(in_queue, durable=True, arguments=arguments)
        await consuming.declare_queue(out_queue, durable=True, arguments=arguments)
        return cls(connection, (consuming, incoming), publishing.default_exchange, out_queue)

    async def consume(self, take: Take, prefetch: int) -> None:
        async def on_message(message: aio_pika.abc.AbstractIncomingMessage) -> None:
            await take(Message(message.body, message))

        channel, queue = self._incoming
        await channel.set_qos(prefetch_count=prefetch)
        await queue.consume(on_message)

    async def publish(self, body: bytes) -> None:
        message = aio_pika.Message(body, content_type="application/json", delivery_mode=_PERSISTENT)
        await self._exchange.publish(message, routing_key=self._out)

    async def acknowledge(self, message: Message) -> None:
        await message.tag.ack()

    async def close(self) -> None:
        await self._connection.close()


CLIENTS: dict[str, type[AiormqQueues] | type[AioPikaQueues]] = {
    queues.name: queues for queues in (AiormqQueues, AioPikaQueues)
}
