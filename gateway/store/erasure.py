"""Forgets a person of an application, and everything about them."""

from __future__ import annotations

from typing import Any

from gateway.rtm.names import device_names
from gateway.store.connect import Database, store_errors
from gateway.store.customers import Customers
from gateway.store.inbound import DR_COLLECTION, MO_COLLECTION
from gateway.store.records import customer_key_of
from gateway.store.threads import Threads
from gateway.store.transactions import COLLECTION as MT_COLLECTION

_AT_ONCE = 500


class Erasure:
    def __init__(self, database: Database) -> None:
        self._customers = Customers(database)
        self._threads = Threads(database)
        self._mt = database.db[MT_COLLECTION]
        self._mo = database.db[MO_COLLECTION]
        self._dr = database.db[DR_COLLECTION]

    async def erase(self, app_id: str, user_id: str) -> bool:
        """Remove the person's profile, devices, threads, MO, and the MT to them alone with their receipts.
        What went to topics stays, without this person's receipts. Can be repeated when it was cut off.
        Returns whether the person was known: the profile goes last, so that a repetition still knows."""
        await self._threads.delete_of_user(app_id, user_id)
        with store_errors():
            await self._erase_mt(app_id, user_id)
            await self._erase_from_topics(app_id, user_id)
            await _in_steps(self._mo, {"app_id": app_id, "user_id": user_id})
            await _in_steps(self._dr, {"person": customer_key_of(app_id, user_id)})
        return await self._customers.delete(app_id, user_id)

    async def _erase_mt(self, app_id: str, user_id: str) -> None:
        """The MT to this person or one of their devices, each after the receipts for it."""
        query = {
            "app_id": app_id,
            "in_app": True,
            "to.kind": {"$in": ["user_id", "device"]},
            "$or": [{"to.id": user_id}, {"to.id": _devices_of(user_id)}],
        }
        while ids := await _some_ids(self._mt, query):
            await self._dr.delete_many({"reference": {"$in": ids}})
            await self._mt.delete_many({"_id": {"$in": ids}})

    async def _erase_from_topics(self, app_id: str, user_id: str) -> None:
        """What MT to topics know of this person's devices. Their revision changes, so that whoever has looked
        at one before looks again, and does not write it back."""
        theirs = _devices_of(user_id)
        to_topics = {"app_id": app_id, "in_app": True, "to.kind": "topic"}
        update = {
            "$pull": {"devices": {"id": theirs}, "wakeups": {"device": theirs}},
            "$unset": {"events.$[theirs].device": ""},
            "$inc": {"rev": 1},
        }
        for field in ("devices", "wakeups"):
            name = "id" if field == "devices" else "device"
            query = {**to_topics, field: {"$exists": True, "$elemMatch": {name: theirs}}}
            while ids := await _some_ids(self._mt, query):
                await self._mt.update_many(
                    {"_id": {"$in": ids}}, update, array_filters=[{"theirs.device": theirs}]
                )


def _devices_of(user_id: str) -> dict[str, str]:
    """What matches the names of the person's devices."""
    first, last = device_names(user_id)
    return {"$gt": first, "$lt": last}


async def _in_steps(collection: Any, query: dict[str, Any]) -> None:
    """Delete all that match, not in one operation: that has only so much time."""
    while ids := await _some_ids(collection, query):
        await collection.delete_many({"_id": {"$in": ids}})


async def _some_ids(collection: Any, query: dict[str, Any]) -> list[Any]:
    rows = await collection.find(query, {"_id": 1}).limit(_AT_ONCE).to_list(_AT_ONCE)
    return [row["_id"] for row in rows]
