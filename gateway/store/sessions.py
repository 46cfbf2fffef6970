"""When each person last wrote to each account: what session windows are counted from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pymongo import UpdateOne

from gateway.store.connect import Database, store_errors
from gateway.store.group_commit import GroupCommit
from gateway.store.records import person_of

COLLECTION = "sessions"
KEPT = timedelta(days=14)  # no window is longer than seven days


class Sessions:
    """The last MO of each person, by account; read and written in groups. Persons go by the id of their
    address."""

    def __init__(self, database: Database) -> None:
        self._collection = database.db[COLLECTION]
        self._notes: GroupCommit[tuple[str, datetime], None] = GroupCommit(self._note_all)
        self._looks: GroupCommit[str, datetime | None] = GroupCommit(self._look_all, urgent=True)

    async def note(self, account: str, person_id: str, at: datetime) -> None:
        """This person wrote to this account then. What is noted out of order does no harm: the last one
        counts."""
        await self._notes.do((person_of(account, person_id), at))

    async def last(self, account: str, person_id: str) -> datetime | None:
        """When this person last wrote to this account; None when not within the time that is kept."""
        return await self._looks.do(person_of(account, person_id))

    async def drain(self) -> None:
        await self._notes.drain()

    async def _note_all(self, notes: list[tuple[str, datetime]]) -> Sequence[None]:
        latest: dict[str, datetime] = {}
        for key, at in notes:
            latest[key] = max(at, latest.get(key, at))
        writes = [
            UpdateOne({"_id": key}, {"$max": {"at": at, "purge_at": at + KEPT}}, upsert=True)
            for key, at in latest.items()
        ]
        with store_errors():
            await self._collection.bulk_write(writes, ordered=False)
        return [None] * len(notes)

    async def _look_all(self, keys: list[str]) -> Sequence[datetime | None]:
        with store_errors():
            cursor = self._collection.find({"_id": {"$in": list(set(keys))}}, {"at": 1})
            documents: list[dict[str, Any]] = await cursor.to_list(None)
        found = {document["_id"]: document["at"] for document in documents}
        return [found.get(key) for key in keys]
