"""What the gateway asks of a message broker. Two implementations: rabbitmq and embedded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

HeaderValue = str | int | bool
Headers = Mapping[str, HeaderValue]


@dataclass(frozen=True, slots=True)
class Publication:
    """A message to publish: persistent, confirmed, and an error when no queue would receive it.

    `exchange` "" is the default exchange, which routes to the queue named by `routing_key`.
    """

    exchange: str
    routing_key: str
    body: bytes = field(repr=False)
    type: str = ""
    message_id: str | None = None
    headers: Headers = field(default_factory=dict)


class Settlement(Protocol):
    """How one delivery is given back to the broker. Raises BrokerUnavailable when its connection is gone."""

    @property
    def lost(self) -> bool:
        """Whether it can no longer be settled, because it comes again as another delivery."""

    async def ack(self) -> None:
        """Remove it from its queue for good."""

    async def requeue(self) -> None:
        """Put it back, near where it was, marked as redelivered."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message taken from a queue; exactly one of its settlement's methods is called exactly once.

    `redelivered` is true when it may have been delivered before, to anyone. `headers` holds only strings,
    integers and booleans: what else a publisher put there (nested tables, bytes) is left out. `routing_key`
    is what it was published with, where the broker tells; the embedded one does not.
    """

    queue: str
    body: bytes = field(repr=False)
    headers: Headers
    settlement: Settlement
    type: str = ""
    message_id: str | None = None
    redelivered: bool = False
    routing_key: str = ""


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message looked at in its queue. `died_in` is the queue that the broker itself has taken it from last,
    where it did: because it came too often, or its time there was over."""

    body: bytes = field(repr=False)
    headers: Headers
    type: str = ""
    message_id: str | None = None
    died_in: str = ""


Take = Callable[[Delivery], None]
Judge = Callable[[StoredMessage], Awaitable[bool]]


class Consumer(Protocol):
    """A running subscription to one queue."""

    async def cancel(self) -> None:
        """Take no more. What was delivered and is not settled yet can still be settled."""


class Broker(Protocol):
    """A message broker. All methods raise BrokerUnavailable while it cannot be reached.

    A broker that loses its connection gets it back by itself, declares its topology anew and resumes its
    consumers; what was delivered before and not settled comes again, redelivered.
    """

    async def start(self) -> None:
        """Connect and declare the topology."""

    async def close(self) -> None:
        """Give back what is unsettled and disconnect. The object is not used again."""

    @property
    def trouble(self) -> str | None:
        """Why the broker cannot be used right now, in words for an operator; None when it can."""

    async def publish(self, publication: Publication) -> None:
        """Publish and wait until the broker has made it safe. Raises Unroutable when no queue is bound for
        it."""

    async def consume(self, queue: str, prefetch: int, take: Take) -> Consumer:
        """Hand deliveries of `queue` to `take`, at most `prefetch` unsettled at once, in the queue's
        order."""

    async def depth(self, queue: str) -> int:
        """How many messages are ready in `queue`; those delivered and unsettled are not counted."""

    async def declare_queue(
        self, queue: str, bindings: Mapping[str, str], *, single_active_consumer: bool = False
    ) -> None:
        """Make a durable queue beside the fixed ones, bound by {routing pattern: exchange}. Idempotent.

        With `single_active_consumer`, only one of its consumers at a time gets deliveries, wherever they are.
        """

    async def sift(self, queue: str, judge: Judge) -> int:
        """Show every message now in `queue`, in order, to `judge`; remove those it says True to.

        The others stay, in their order. Returns how many were removed.
        """
