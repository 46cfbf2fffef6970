"""Which instance of the rtm daemon has which of the sessions at an MQTT broker.

A broker keeps what a session has not acknowledged for whoever connects under its client id again. So client
ids are numbered slots, of which each instance holds one for as long as it renews it; the slot of one that was
killed is taken over by another, and with it what the killed one had not put on the queues.

A process knows by itself which slots it uses, also while it cannot renew them. One that it has claimed and
uses no more, because it failed at emptying its session, say, is found when its time is over, as those of
others are.

All times are the database server's, so that the clocks of the machines do not matter.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pymongo.errors import DuplicateKeyError

from gateway.store.connect import Database, store_errors

COLLECTION = "bridge_slots"

_ENDED = {"$expr": {"$lte": ["$until", "$$NOW"]}}


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot of an account. The account may have another name by now, or be gone."""

    account: str
    number: int


class BridgeSlots:
    """The slots of one process, `holder`. A `place` is an MQTT broker, as its accounts name it."""

    def __init__(self, database: Database, holder: str) -> None:
        self._collection = database.db[COLLECTION]
        self._holder = holder
        self._in_use: set[Slot] = set()

    async def claim(self, account: str, seconds: float, *, place: str = "") -> int:
        """The lowest slot of this account that nobody holds, or whose holder has not renewed it in time; held
        for `seconds` from now, for a session at `place`. In use until it is let go, or released. Slots count
        from 0."""
        for number in itertools.count():
            slot, at = Slot(account, number), {"place": {"$literal": place}}
            if slot in self._in_use:
                continue
            with store_errors():
                if await self._take(slot, seconds, at) or await self._make(slot, seconds, at):
                    self._in_use.add(slot)
                    return number
        raise AssertionError("unreachable")

    async def renew(self, account: str, slot: int, seconds: float) -> bool:
        """False when somebody else has it by now, or nobody: it is let go."""
        mine = {"_id": _key(account, slot), "holder": self._holder}
        with store_errors():
            result = await self._collection.update_one(mine, self._held(Slot(account, slot), seconds))
        if not result.matched_count:
            self.let_go(account, slot)
        return bool(result.matched_count)

    async def abandoned(self, account: str, seconds: float, *, place: str = "") -> Slot | None:
        """Claim a slot whose holder has not renewed it in time, to empty its session; None when there is
        none. It is of this account, or of any other that had a session at this `place`: one that got another
        name, say. One that this process uses is not among them: it may yet be renewed. In use until it is let
        go, or released."""
        query = {"$or": [{"account": account}, *([{"place": place}] if place else [])], **_ENDED}
        with store_errors():
            rows = await self._collection.find(query).sort([("account", 1), ("slot", 1)]).to_list(None)
            for row in rows:
                slot = Slot(row["account"], row["slot"])
                if slot not in self._in_use and await self._take(slot, seconds):
                    self._in_use.add(slot)
                    return slot
        return None

    def let_go(self, account: str, slot: int) -> None:
        """This process uses it no more, and does not renew it; its session is kept, for whoever finds it."""
        self._in_use.discard(Slot(account, slot))

    async def release(self, account: str, slot: int) -> None:
        """Its session is ended: the slot is forgotten. Nothing happens when somebody else has it."""
        self.let_go(account, slot)
        with store_errors():
            await self._collection.delete_one({"_id": _key(account, slot), "holder": self._holder})

    async def leave(self, account: str, slot: int) -> bool:
        """This process is going to give its slot up. True when somebody who stays holds another slot of this
        account: then its session is to be ended, and the slot released. False when nobody does, also when all
        leave at once: then the session has to be kept for who comes next, and the slot's time ends now: it is
        let go. False also when somebody else has the slot by now."""
        mine = {"_id": _key(account, slot), "holder": self._holder}
        staying = {
            "account": account,
            "holder": {"$ne": self._holder},
            "leaving": {"$ne": True},
            "$expr": {"$gt": ["$until", "$$NOW"]},
        }
        with store_errors():
            # First said and then looked, so that of two who leave at once none counts on the other.
            said = await self._collection.update_one(mine, {"$set": {"leaving": True}})
            if said.matched_count and await self._collection.find_one(staying, {"_id": 1}) is not None:
                return True
            await self._collection.update_one(mine, [{"$set": {"until": "$$NOW"}}])
        self.let_go(account, slot)
        return False

    async def _take(self, slot: Slot, seconds: float, more: Mapping[str, Any] | None = None) -> bool:
        """Whether there is this slot, and its time had ended."""
        query = {"_id": _key(slot.account, slot.number), **_ENDED}
        result = await self._collection.update_one(query, self._held(slot, seconds, more))
        return bool(result.matched_count)

    async def _make(self, slot: Slot, seconds: float, more: Mapping[str, Any]) -> bool:
        """Whether there was no such slot. The filter matches none that there is; then the key is taken."""
        query = {"_id": _key(slot.account, slot.number), "holder": {"$exists": False}}
        try:
            result = await self._collection.update_one(query, self._held(slot, seconds, more), upsert=True)
        except DuplicateKeyError:
            return False
        return result.upserted_id is not None

    def _held(
        self, slot: Slot, seconds: float, more: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        until = {"$add": ["$$NOW", round(seconds * 1_000)]}
        whose = {"account": slot.account, "slot": slot.number, "holder": {"$literal": self._holder}}
        return [{"$set": {**whose, **(more or {}), "until": until, "leaving": False}}]


def _key(account: str, slot: int) -> str:
    return f"{account}/{slot}"
