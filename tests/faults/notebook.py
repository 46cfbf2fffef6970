"""What the platform knows: what was confirmed to it, and what it was told. The second and third ledger."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.faults.poison import POISON
from tests.faults.traffic import Key

# What a repetition of the same news must say just as the first did.
_SAME_DR = ("app_id", "message_id", "status", "final", "late")
_SAME_MO = ("app_id", "account", "provider_message_id", "mo_id", "content", "from")


@dataclass(slots=True)
class Notebook:
    """`dr` and `mo` are by event id, as a receiver that drops repetitions has them."""

    confirmed: Counter[Key] = field(default_factory=Counter)
    dr: dict[str, dict[str, Any]] = field(default_factory=dict)
    mo: dict[str, dict[str, Any]] = field(default_factory=dict)
    repetitions: int = 0
    contradictions: list[str] = field(default_factory=list)
    finals: dict[Key, dict[str, dict[str, Any]]] = field(default_factory=dict)  # by event id
    refusals: dict[str, dict[str, Any]] = field(default_factory=dict)  # of poison: by app_id and event id
    provider_ids: set[str] = field(default_factory=set)

    def take_dr(self, body: bytes) -> None:
        dr = json.loads(body)
        if dr["app_id"].startswith(POISON):
            if dr["final"]:
                self.refusals.setdefault(dr["app_id"], {})[dr["event_id"]] = dr
            return
        self._note(self.dr, dr, _SAME_DR)
        self.provider_ids.update(dr.get("provider_message_ids", ()))
        if dr["final"]:
            self.finals.setdefault((dr["app_id"], dr["message_id"]), {})[dr["event_id"]] = dr

    def take_mo(self, body: bytes) -> None:
        self._note(self.mo, json.loads(body), _SAME_MO)

    def _note(self, known: dict[str, dict[str, Any]], news: dict[str, Any], same: tuple[str, ...]) -> None:
        first = known.setdefault(news["event_id"], news)
        if first is news:
            return
        self.repetitions += 1
        differing = [name for name in same if first.get(name) != news.get(name)]
        if differing:
            self.contradictions.append(f"event {news['event_id']}: {', '.join(differing)} differ")
