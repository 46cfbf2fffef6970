"""One AMQP connection to RabbitMQ.

The connections are aio-pika's plain ones. Channels are taken from the layer below it (aiormq), because
aio-pika 10.2.1 keeps 33 objects of every closed channel for as long as the connection lives (measured
2026-11). The frames of messages on their usual way are read and written here (transport.py says why).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aio_pika
from aiormq.abc import AbstractChannel, AbstractConnection
from yarl import URL

from gateway.broker.rabbitmq.errors import broker_errors, connection_refusals, in_words
from gateway.broker.rabbitmq.transport import Tap, Transport
from gateway.errors import BrokerUnavailable

# How long RabbitMQ may take to answer one question: a declaration may wait for a leader to be elected.
ANSWER_SECONDS = 15.0


class Link:
    """An open connection. `lost` is set when it is no longer."""

    def __init__(self, outer: aio_pika.Connection, inner: AbstractConnection, transport: Transport) -> None:
        self.lost = asyncio.Event()
        self.reason = "closed"
        self._outer = outer
        self._inner = inner
        self._transport = transport
        inner.closing.add_done_callback(self._on_closing)

    @classmethod
    async def open(cls, url: URL, name: str, timeout_seconds: float) -> Link:
        """Connect; `name` is what RabbitMQ's tools show of the connection.

        Raises ConfigurationError when RabbitMQ refuses the user or the virtual host, or its certificate is
        not accepted; BrokerUnavailable when it cannot be reached.
        """
        _quieten_library()
        outer = aio_pika.Connection(url, client_properties={"connection_name": name})
        outer.kwargs["transport_factory"] = transport = Transport()  # aio-pika hands these down
        try:
            with broker_errors("connecting"), connection_refusals(transport):
                await outer.connect(timeout=timeout_seconds)
            if outer.transport is None:
                raise BrokerUnavailable("connecting: closed at once")
            return cls(outer, outer.transport.connection, transport)
        except BaseException:
            await outer.close()
            raise

    @property
    def is_blocked(self) -> bool:
        """Whether RabbitMQ has stopped reading from it, being short of memory or disk space."""
        ready = self._inner.ready()
        try:
            ready.send(None)  # ends at once unless it has to wait for connection.unblocked
        except StopIteration:
            return False
        finally:
            ready.close()
        return True

    async def open_channel(self, *, confirms: bool = False) -> AbstractChannel:
        """A new channel; with `confirms`, publications on it are answered."""
        return await self._inner.channel(publisher_confirms=confirms, timeout=ANSWER_SECONDS)

    def tap(self, channel: AbstractChannel, tap: Tap) -> None:
        """Hand deliveries, returns and confirms on this channel to `tap` from now on."""
        self._transport.tap(channel.number, tap)

    def write(self, frame: bytes) -> None:
        """Send whole frames, without waiting for the socket."""
        self._transport.write(frame)

    @property
    def frame_max(self) -> int:
        """The largest frame that RabbitMQ takes, in bytes."""
        return self._inner.connection_tune.frame_max

    @asynccontextmanager
    async def channel(self) -> AsyncIterator[AbstractChannel]:
        """A channel for a few questions; RabbitMQ closes it on any error, so others do not share it."""
        channel = await self.open_channel()
        try:
            yield channel
        finally:
            await close_channel(channel)

    async def close(self) -> None:
        """Disconnect, or clear up after the connection was lost."""
        with suppress(BrokerUnavailable), broker_errors("disconnecting"):
            await self._outer.close()
        # Whoever waits to write to a connection that is gone would wait forever (aiormq 7.2.4).
        while not self._inner.write_queue.empty():
            self._inner.write_queue.get_nowait()
            await asyncio.sleep(0)

    def _on_closing(self, closing: asyncio.Future[None]) -> None:
        error = None if closing.cancelled() else closing.exception()
        if error is not None:
            self.reason = in_words(error)
        self.lost.set()


def _quieten_library() -> None:
    """Its lines are unbounded while the server is away, and one of them holds a returned message's body.

    All that they tell is in the errors, and in the broker.* events of this folder.
    """
    for name in ("aiormq.channel", "aiormq.connection"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


async def close_channel(channel: AbstractChannel) -> None:
    """Close it; everything sent on it before has then reached RabbitMQ. Nothing when it is closed already.

    Nothing may be sent on it meanwhile: RabbitMQ answers that by closing the whole connection (504).
    """
    if channel.is_closed:
        return
    with suppress(BrokerUnavailable), broker_errors("closing a channel"):
        async with asyncio.timeout(ANSWER_SECONDS):
            await channel.close()
