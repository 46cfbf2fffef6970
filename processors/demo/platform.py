"""The platform of the demonstration: publishes MT, reads DR and MO, and keeps its own account of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.broker.port import Broker, Delivery, Publication
from gateway.broker.topology import DR, MO, MT, TYPE_MT


@dataclass(slots=True)
class Ledger:
    """What the platform knows of its messages: only what it published and what it was told."""

    published: set[tuple[str, str]] = field(default_factory=set)  # (app_id, message_id)
    statuses: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    finals: dict[tuple[str, str], dict[str, dict[str, Any]]] = field(default_factory=dict)  # by event_id
    mo: dict[str, dict[str, Any]] = field(default_factory=dict)  # by event_id

    @property
    def unaccounted(self) -> set[tuple[str, str]]:
        """Messages without exactly one final status."""
        return {key for key in self.published if len(self.finals.get(key, {})) != 1}

    @property
    def invented(self) -> set[tuple[str, str]]:
        """Messages that were told about though nobody published them."""
        return set(self.statuses) - self.published

    def add_dr(self, dr: dict[str, Any]) -> None:
        key = (dr["app_id"], dr["message_id"])
        self.statuses.setdefault(key, set()).add(dr["status"])
        if dr["final"]:
            self.finals.setdefault(key, {})[dr["event_id"]] = dr

    def counts(self) -> dict[str, int]:
        """How many messages are known to have come so far, by status, and what came of them."""
        reached = Counter(status for statuses in self.statuses.values() for status in statuses)
        return {
            "published": len(self.published),
            **{status: reached[status] for status in ("submitted", "delivered", "read")},
            **{status: reached[status] for status in ("failed", "expired", "rejected")},
            "MO received": len(self.mo),
        }

    def ends(self) -> dict[str, Any]:
        """What became of the messages, in the form of the samples' mt.expected.json."""
        finals = Counter(dr["status"] for finals in self.finals.values() for dr in finals.values())
        return {
            "delivered_or_read": finals["delivered"],
            "submitted": finals["submitted"],
            "failed": dict(self.reasons("failed")),
            "expired": finals["expired"],
            "rejected": dict(self.reasons("rejected")),
            "mo": len(self.mo),
        }

    def reasons(self, status: str) -> Counter[str]:
        finals = [dr for finals in self.finals.values() for dr in finals.values()]
        return Counter(dr["reason"]["code"] for dr in finals if dr["status"] == status and "reason" in dr)


class Platform:
    """Uses the gateway as any platform does: through its queues."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._settling: set[asyncio.Task[None]] = set()
        self.ledger = Ledger()

    async def listen(self) -> None:
        await self._broker.consume(DR, 200, lambda delivery: self._take(delivery, self._on_dr))
        await self._broker.consume(MO, 200, lambda delivery: self._take(delivery, self._on_mo))

    async def publish(self, bodies: Sequence[bytes]) -> int:
        """Publish these MT as they are; returns how many."""
        for body in bodies:
            document = orjson.loads(body)
            self.ledger.published.add((document["app_id"], document["message_id"]))
        publications = [Publication("", MT, body, TYPE_MT) for body in bodies]
        await asyncio.gather(*(self._broker.publish(publication) for publication in publications))
        return len(bodies)

    def _take(self, delivery: Delivery, note: Any) -> None:
        note(orjson.loads(delivery.body))
        task = asyncio.create_task(delivery.settlement.ack())
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)

    def _on_dr(self, dr: dict[str, Any]) -> None:
        self.ledger.add_dr(dr)

    def _on_mo(self, mo: dict[str, Any]) -> None:
        self.ledger.mo[mo["event_id"]] = mo
