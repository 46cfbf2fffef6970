"""What one stay on RabbitMQ consists of: two connections, the topology declared, a publisher.

Two connections, because RabbitMQ stops reading from one that publishes too fast, and acknowledgements on
the same one would wait with the publications.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from aiormq.abc import AbstractChannel
from structlog.typing import FilteringBoundLogger
from yarl import URL

from gateway.broker.rabbitmq.errors import broker_errors
from gateway.broker.rabbitmq.link import Link
from gateway.broker.rabbitmq.publisher import Publisher
from gateway.broker.rabbitmq.trying import end
from gateway.errors import GatewayError

Declare = Callable[[AbstractChannel], Awaitable[None]]


class Session:
    """Open from `open` until `lost` returns or `close` is called; not opened again."""

    def __init__(
        self, publishing: Link, consuming: Link, declare: Declare, confirm_timeout_seconds: float
    ) -> None:
        self.publishing = publishing
        self.consuming = consuming
        self._declare = declare
        self._confirm_timeout_seconds = confirm_timeout_seconds
        self._publisher: Publisher | None = None
        self._log: FilteringBoundLogger = structlog.get_logger()

    @classmethod
    async def open(
        cls,
        url: URL,
        name: str,
        declare: Declare,
        *,
        connect_timeout_seconds: float,
        confirm_timeout_seconds: float,
    ) -> Session:
        """Raises BrokerUnavailable, or ConfigurationError where repeating it changes nothing."""
        publishing = await Link.open(url, f"{name} publishing", connect_timeout_seconds)
        try:
            consuming = await Link.open(url, f"{name} consuming", connect_timeout_seconds)
        except BaseException:
            await publishing.close()
            raise
        session = cls(publishing, consuming, declare, confirm_timeout_seconds)
        try:
            await session._begin()
        except BaseException:
            await session.close()
            raise
        return session

    @property
    def publisher(self) -> Publisher:
        if self._publisher is None:
            raise RuntimeError("the session has not begun")
        return self._publisher

    @property
    def trouble(self) -> str | None:
        if self.publishing.is_blocked:
            return "RabbitMQ takes no publications: it is short of memory or disk space"
        return None

    async def declare(self) -> None:
        """Declare the topology, whatever of it is there already."""
        with broker_errors("declaring the topology"):
            async with self.consuming.channel() as channel:
                await self._declare(channel)

    async def lost(self) -> str:
        """Wait until one of the connections is lost; says why. A publisher that failed alone is replaced."""
        while True:
            await self._until_something_ends()
            for link in (self.publishing, self.consuming):
                if link.lost.is_set():
                    return link.reason
            try:
                await self._begin()
            except GatewayError as error:
                return str(error)
            self._log.warning("broker.publisher_replaced")

    async def close(self) -> None:
        await asyncio.gather(self.publishing.close(), self.consuming.close())

    async def _begin(self) -> None:
        await self.declare()
        with broker_errors("opening a channel to publish on"):
            channel = await self.publishing.open_channel(confirms=True)
        self._publisher = Publisher(self.publishing, channel, self._confirm_timeout_seconds)

    async def _until_something_ends(self) -> None:
        ends = (self.publishing.lost, self.consuming.lost, self.publisher.gone)
        waiting = [asyncio.create_task(event.wait()) for event in ends]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end(waiting)
