"""A broker in memory: one queue to take from, and a list of what was published and confirmed."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gateway.broker.port import Delivery, Publication, Take
from gateway.errors import BrokerUnavailable


class FakeBroker:
    """While `trouble` is set nothing works; `refuse` may raise for a publication; none is confirmed while
    `confirms` is not set."""

    def __init__(self) -> None:
        self.trouble: str | None = None
        self.refuse: Callable[[Publication], None] = lambda _: None
        self.confirms = asyncio.Event()
        self.confirms.set()
        self.published: list[Publication] = []
        self.waiting: deque[Delivery] = deque()
        self.consumers: list[FakeConsumer] = []  # all there ever were

    async def publish(self, publication: Publication) -> None:
        await self.confirms.wait()
        if self.trouble is not None:
            raise BrokerUnavailable(self.trouble)
        self.refuse(publication)
        self.published.append(publication)

    async def consume(self, queue: str, prefetch: int, take: Take) -> FakeConsumer:
        self.consumers.append(FakeConsumer(prefetch, take))
        if self.trouble is not None:
            raise BrokerUnavailable(self.trouble)
        self.put()
        return self.consumers[-1]

    def put(self, *deliveries: Delivery) -> None:
        """Hand out as many as a consumer will have, the others later."""
        self.waiting.extend(deliveries)
        for consumer in self.consumers:
            while consumer.active and self.waiting:
                consumer.take(self.waiting.popleft())

    async def _unused(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError

    start = close = depth = declare_queue = sift = _unused


@dataclass
class FakeConsumer:
    prefetch: int
    take: Take
    active: bool = field(default=True)

    async def cancel(self) -> None:
        self.active = False
