"""A loop over a fake broker, with a processor that does as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.broker.port import Delivery, Headers, Publication
from gateway.errors import BrokerUnavailable, StoreUnavailable
from processors.loop import Loop
from processors.outcome import Done, Outcome
from tests.processors.fake_broker import FakeBroker

SECRET = "the text of a message"
HEADERS: Headers = {"traceparent": "00-1", "x-attempt": 2}
FOLLOWS = Publication("imgw.out", "dr.shop.submitted", b"{}", "imgw.dr.v1", "e-1")


@dataclass
class Settled:
    """What was done with a delivery. What is given back comes again, as from a broker."""

    broker: FakeBroker
    lost: bool = False
    gone: bool = False  # the connection is, so nothing can be settled
    done: list[str] = field(default_factory=list)
    delivery: Delivery | None = None

    async def ack(self) -> None:
        self._settle("ack")

    async def requeue(self) -> None:
        self._settle("requeue")
        await asyncio.sleep(0)
        assert self.delivery is not None
        self.broker.put(replace(self.delivery, redelivered=True))

    def _settle(self, how: str) -> None:
        self.done.append(how)
        if self.gone:
            raise BrokerUnavailable("the connection is gone")


@dataclass
class World:
    """A loop over a fake broker. `process` and `store_is_away` can be changed while it runs."""

    broker: FakeBroker = field(default_factory=FakeBroker)
    process: Callable[[Delivery], Awaitable[Outcome]] | None = None
    store_is_away: bool = False
    asked: int = 0  # how often whether the servers answer
    begun: list[Delivery] = field(default_factory=list)
    loops: list[Loop] = field(default_factory=list)

    async def start(self, *, workers: int = 2, grace_seconds: float = 10.0) -> Loop:
        loop = Loop(
            self.broker,
            "imgw.test",
            self._process,
            workers=workers,
            grace_seconds=grace_seconds,
            available=self._available,
        )
        self.loops.append(loop)
        loop.start()
        await turn()
        return loop

    async def put(self, body: str = SECRET, *, lost: bool = False, gone: bool = False) -> Settled:
        settled = Settled(self.broker, lost=lost, gone=gone)
        settled.delivery = Delivery("imgw.test", body.encode(), HEADERS, settled, "imgw.mt.v1", "m-1")
        self.broker.put(settled.delivery)
        await turn()
        return settled

    async def _process(self, delivery: Delivery) -> Outcome:
        self.begun.append(delivery)
        return Done([FOLLOWS]) if self.process is None else await self.process(delivery)

    async def _available(self) -> None:
        self.asked += 1
        if self.broker.trouble is not None:
            raise BrokerUnavailable(self.broker.trouble)
        if self.store_is_away:
            raise StoreUnavailable("MongoDB: no answer in time")


async def turn() -> None:
    """Let every task go as far as it can without time passing."""
    for _ in range(30):
        await asyncio.sleep(0)


def answering(*outcomes: Outcome | Exception) -> Callable[[Delivery], Awaitable[Outcome]]:
    """A processor that answers with these, one after the other, and the last one from then on."""
    left = list(outcomes)

    async def process(delivery: Delivery) -> Outcome:
        outcome = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return process


class Gate:
    """A processor whose work takes until the gate is opened."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.within = 0
        self.most = 0
        self.cancelled = 0

    async def process(self, delivery: Delivery) -> Outcome:
        self.within += 1
        self.most = max(self.most, self.within)
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.within -= 1
        return Done()


def refusing(error: Exception, *, key: str = "dr.shop.submitted") -> Callable[[Publication], None]:
    def refuse(publication: Publication) -> None:
        if publication.routing_key == key:
            raise error

    return refuse


def letters(broker: FakeBroker) -> list[tuple[bytes, Any, Any, Any, Any, str, str | None]]:
    """The dead letters: body, then what they say of themselves, then what the delivery was."""
    return [
        (
            letter.body,
            letter.headers["x-dead-reason"],
            letter.headers["x-dead-detail"],
            letter.headers["x-dead-queue"],
            {name: value for name, value in letter.headers.items() if not name.startswith("x-dead")},
            letter.type,
            letter.message_id,
        )
        for letter in broker.published
        if letter.routing_key == "imgw.dead"
    ]


def dead(reason: str, detail: str) -> tuple[bytes, Any, Any, Any, Any, str, str | None]:
    return (SECRET.encode(), reason, detail, "imgw.test", HEADERS, "imgw.mt.v1", "m-1")
