"""A subscription to one queue that outlives the connections that it is served on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from gateway.broker.port import Take
from gateway.broker.rabbitmq.link import Link
from gateway.broker.rabbitmq.subscription import Subscription
from gateway.broker.rabbitmq.trying import Complaint, end, until_it_works
from gateway.errors import BrokerUnavailable, GatewayError


class RabbitConsumer:
    """gateway.broker.port.Consumer.

    `link` waits for a usable connection; `repair` declares the topology on it once more, in case the queue
    was deleted.
    """

    def __init__(
        self,
        queue: str,
        prefetch: int,
        take: Take,
        *,
        link: Callable[[], Awaitable[Link]],
        repair: Callable[[], Awaitable[None]],
    ) -> None:
        self.trouble: str | None = None
        self._queue = queue
        self._prefetch = prefetch
        self._take = take
        self._link = link
        self._repair = repair
        self._current: Subscription | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._leaving: dict[Subscription, asyncio.Task[None]] = {}

    @property
    def is_over(self) -> bool:
        """Whether it was cancelled and everything that it delivered has been settled."""
        return self._current is None and not self._leaving

    async def start(self, link: Link) -> None:
        """Subscribe. Raises BrokerUnavailable when the queue does not exist."""
        self._current = await Subscription.open(link, self._queue, self._prefetch, self._take)
        self._keeper = asyncio.create_task(self._keep(self._current))

    async def cancel(self) -> None:
        await self._stop_keeping()
        if self._current is None:
            return
        current, self._current = self._current, None
        try:
            await current.stop()
        finally:
            self._leave(current)

    async def close(self) -> None:
        """Give back everything that is not settled."""
        await self._stop_keeping()
        subscriptions = [*self._leaving, *([self._current] if self._current else [])]
        self._current = None
        await end(self._leaving.values())
        await asyncio.gather(*(subscription.close() for subscription in subscriptions))

    async def _keep(self, current: Subscription) -> None:
        complaint = Complaint("broker.consume_failed", queue=self._queue)
        while True:
            await current.over.wait()
            self.trouble = f"no messages are taken from {self._queue} at the moment"
            self._leave(current)
            self._current = current = await until_it_works(self._open, complaint.say, (GatewayError,))
            self.trouble = None

    async def _open(self) -> Subscription:
        link = await self._link()
        try:
            return await Subscription.open(link, self._queue, self._prefetch, self._take)
        except BrokerUnavailable:
            with suppress(GatewayError):
                await self._repair()
            raise

    def _leave(self, subscription: Subscription) -> None:
        """What it has delivered can still be settled, if its channel is alive."""
        task = asyncio.create_task(subscription.drain())
        self._leaving[subscription] = task
        task.add_done_callback(lambda _: self._leaving.pop(subscription, None))

    async def _stop_keeping(self) -> None:
        if self._keeper is not None:
            await end([self._keeper])
        self.trouble = None
