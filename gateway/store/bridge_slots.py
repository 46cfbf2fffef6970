"""Which instance of the rtm daemon has which of the sessions at an MQTT broker.

A broker keeps what a session has not acknowledged for whoever connects under its client id again. So client
ids are numbered slots, of which each instance holds one for as long as it renews it; the slot of one that was
killed is taken over by another, and with it what the killed one had not put on the queues.

All times are the database server's, so that the clocks of the machines do not matter.
"""

from __future__ import annotations

import itertools
from typing import Any

from pymongo.errors import DuplicateKeyError

from gateway.store.connect import Database, store_errors

COLLECTION = "bridge_slots"

_ENDED = {"$expr": {"$lte": ["$until", "$$NOW"]}}


class BridgeSlots:
    """The slots of one process, `holder`."""

    def __init__(self, database: Database, holder: str) -> None:
        self._collection = database.db[COLLECTION]
        self._holder = holder

    async def claim(self, account: str, seconds: float) -> int:
        """The lowest slot of this account that nobody holds, or whose holder has not renewed it in time; held
        for `seconds` from now. Slots count from 0."""
        for slot in itertools.count():
            with store_errors():
                if await self._take(account, slot, seconds) or await self._make(account, slot, seconds):
                    return slot
        raise AssertionError("unreachable")

    async def renew(self, account: str, slot: int, seconds: float) -> bool:
        """False when somebody else has it by now, or nobody."""
        mine = {"_id": _key(account, slot), "holder": self._holder}
        with store_errors():
            result = await self._collection.update_one(mine, self._held(account, slot, seconds))
        return bool(result.matched_count)

    async def abandoned(self, account: str, seconds: float) -> int | None:
        """Claim a slot whose holder has not renewed it in time, to empty its session; None when there is
        none. One of this process's own is not among them: it may yet be renewed."""
        query = {"account": account, "holder": {"$ne": self._holder}, **_ENDED}
        with store_errors():
            rows = await self._collection.find(query, {"slot": 1}).sort("slot", 1).to_list(None)
            for row in rows:
                if await self._take(account, row["slot"], seconds):
                    return int(row["slot"])
        return None

    async def release(self, account: str, slot: int) -> None:
        """Its session is ended: the slot is forgotten. Nothing happens when somebody else has it."""
        with store_errors():
            await self._collection.delete_one({"_id": _key(account, slot), "holder": self._holder})

    async def leave(self, account: str, slot: int) -> bool:
        """This process is going to give its slot up. True when somebody who stays holds another slot of this
        account: then its session is to be ended, and the slot released. False when nobody does, also when all
        leave at once: then the session has to be kept for who comes next, and the slot's time ends now. False
        also when somebody else has the slot by now."""
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
            if not said.matched_count:
                return False
            if await self._collection.find_one(staying, {"_id": 1}) is not None:
                return True
            await self._collection.update_one(mine, [{"$set": {"until": "$$NOW"}}])
        return False

    async def _take(self, account: str, slot: int, seconds: float) -> bool:
        """Whether there is this slot, and its time had ended."""
        query = {"_id": _key(account, slot), **_ENDED}
        result = await self._collection.update_one(query, self._held(account, slot, seconds))
        return bool(result.matched_count)

    async def _make(self, account: str, slot: int, seconds: float) -> bool:
        """Whether there was no such slot. The filter matches none that there is; then the key is taken."""
        query = {"_id": _key(account, slot), "holder": {"$exists": False}}
        try:
            result = await self._collection.update_one(query, self._held(account, slot, seconds), upsert=True)
        except DuplicateKeyError:
            return False
        return result.upserted_id is not None

    def _held(self, account: str, slot: int, seconds: float) -> list[dict[str, Any]]:
        until = {"$add": ["$$NOW", round(seconds * 1_000)]}
        whose = {"account": account, "slot": slot, "holder": {"$literal": self._holder}}
        return [{"$set": {**whose, "until": until, "leaving": False}}]


def _key(account: str, slot: int) -> str:
    return f"{account}/{slot}"
