"""A platform that knows AMQP and nothing of ours, through plain aio-pika; it connects again by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from yarl import URL

from gateway.broker.rabbitmq.errors import broker_errors
from gateway.broker.topology import DEAD, DR, MO
from gateway.errors import BrokerUnavailable
from tests.faults.notebook import Notebook
from tests.faults.platform import QUEUE_NAMES, Letter

_PAUSE_SECONDS = 0.2
_ANSWER_SECONDS = 5.0


class AmqpPlatform:
    """tests.faults.platform.Platform. `url` is of the broker itself, past every proxy."""

    def __init__(self, url: str) -> None:
        self.notebook = Notebook()
        self._url = f"{url}?heartbeat=10"
        self._opening = asyncio.Lock()
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None

    async def close(self) -> None:
        if self._connection is not None:
            await _close(self._connection)

    async def publish(self, queue: str, letter: Letter) -> None:
        while True:
            channel = await self._publishing()
            with suppress(BrokerUnavailable), broker_errors("publishing"):
                await channel.default_exchange.publish(
                    _message(letter), routing_key=queue, timeout=_ANSWER_SECONDS
                )
                return
            await asyncio.sleep(_PAUSE_SECONDS)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        reading = asyncio.create_task(self._read())
        try:
            yield
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading  # if it has ended by itself, it says why

    async def depths(self) -> dict[str, int]:
        depths = {}
        connection = await self._connect()
        try:
            for name in QUEUE_NAMES:
                depths[name] = await _depth(connection, name)
        finally:
            await _close(connection)
        return {name: depth for name, depth in depths.items() if depth}

    async def take_dead(self) -> list[Letter]:
        letters = []
        connection = await self._connect()
        try:
            queue = await (await connection.channel()).get_queue(DEAD)
            while (message := await queue.get(fail=False)) is not None:
                letters.append(_letter(message))
                await message.ack()
        finally:
            await _close(connection)
        return letters

    async def _publishing(self) -> AbstractChannel:
        """The channel for publishing; a new one when the last one is gone, however long that takes."""
        async with self._opening:
            while self._channel is None or self._channel.is_closed:
                if self._connection is not None:
                    await _close(self._connection)
                with suppress(BrokerUnavailable):
                    self._connection = await self._connect()
                    with broker_errors("opening a channel"):
                        self._channel = await self._connection.channel(on_return_raises=True)
                        break
                await asyncio.sleep(_PAUSE_SECONDS)
            return self._channel

    async def _connect(self) -> AbstractConnection:
        connection = aio_pika.Connection(URL(self._url))
        try:
            with broker_errors("connecting"):
                await connection.connect(timeout=_ANSWER_SECONDS)
        except BaseException:
            # Or it closes itself when it is forgotten, perhaps without an event loop.
            await connection.close()
            raise
        return connection

    async def _read(self) -> None:
        while True:
            with suppress(BrokerUnavailable):
                connection = await self._connect()
                try:
                    await self._read_until_lost(connection)
                finally:
                    await _close(connection)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _read_until_lost(self, connection: AbstractConnection) -> None:
        with broker_errors("reading"):
            channel = await connection.channel()
            await channel.set_qos(prefetch_count=200)
            for name, note in ((DR, self.notebook.take_dr), (MO, self.notebook.take_mo)):
                queue = await channel.get_queue(name)
                await queue.consume(_noted(note))
            while not (channel.is_closed or connection.is_closed):  # noqa: ASYNC110  two things may end it
                await asyncio.sleep(_PAUSE_SECONDS)


def _noted(
    note: Callable[[bytes], None],
) -> Callable[[AbstractIncomingMessage], Coroutine[Any, Any, None]]:
    async def take(message: AbstractIncomingMessage) -> None:
        note(message.body)
        with suppress(BrokerUnavailable), broker_errors("acknowledging"):
            await message.ack()  # if it cannot be said, the message comes again

    return take


def _message(letter: Letter) -> aio_pika.Message:
    return aio_pika.Message(
        letter.body,
        content_type="application/json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=letter.message_id,
        type=letter.type or None,
        headers=dict(letter.headers),
    )


def _letter(message: AbstractIncomingMessage) -> Letter:
    headers = {
        name: value for name, value in (message.headers or {}).items() if isinstance(value, str | int | bool)
    }
    return Letter(message.body, message.type or "", message.message_id, headers)


async def _depth(connection: AbstractConnection, name: str) -> int:
    """0 as well when there is no such queue; asking for one costs the channel."""
    channel = await connection.channel()
    try:
        queue = await channel.declare_queue(name, passive=True)
        return queue.declaration_result.message_count or 0
    except aio_pika.exceptions.ChannelNotFoundEntity:
        return 0
    finally:
        await channel.close()


async def _close(connection: AbstractConnection) -> None:
    """Bounded in time: a connection whose other end is silent cannot be closed in order."""
    with suppress(BrokerUnavailable), broker_errors("closing"):
        await asyncio.wait_for(connection.close(), _ANSWER_SECONDS)
