"""Topics of the in-app channel. Who follows them is kept with the people (gateway/store/customers.py)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo.errors import DuplicateKeyError

from gateway.model.base import rfc3339
from gateway.store.connect import Database, store_errors
from gateway.store.group_commit import GroupCommit

COLLECTION = "topics"


@dataclass(frozen=True, slots=True)
class TopicRecord:
    """A topic of an application. `open`: people may subscribe by themselves."""

    app_id: str
    topic: str
    created_at: datetime
    description: str | None = None
    group: str | None = None
    open: bool = True

    def described(self) -> dict[str, Any]:
        """As the API and clients are told of it, in JSON's types; without what is not there."""
        told = {
            "topic": self.topic,
            "description": self.description,
            "group": self.group,
            "open": self.open,
            "created_at": rfc3339(self.created_at),
        }
        return {name: value for name, value in told.items() if value is not None}


class Topics:
    """All of them."""

    def __init__(self, database: Database) -> None:
        self._collection = database.db[COLLECTION]
        self._looks: GroupCommit[frozenset[str], set[str]] = GroupCommit(self._look_all, urgent=True)

    async def add(self, record: TopicRecord) -> bool:
        """False when there is one of this name."""
        document = {
            "_id": _key(record.app_id, record.topic),
            "app_id": record.app_id,
            "topic": record.topic,
            "created_at": record.created_at,
            "open": record.open,
        }
        for name in ("description", "group"):
            value = getattr(record, name)
            if value is not None:
                document[name] = value
        with store_errors():
            try:
                await self._collection.insert_one(document)
            except DuplicateKeyError:
                return False
        return True

    async def get(self, app_id: str, topic: str) -> TopicRecord | None:
        with store_errors():
            document = await self._collection.find_one({"_id": _key(app_id, topic)})
        return None if document is None else _from_document(document)

    async def unknown(self, app_id: str, topics: Collection[str]) -> set[str]:
        """Which of these there are not. In groups."""
        if not topics:
            return set()
        known = await self._looks.do(frozenset(_key(app_id, topic) for topic in topics))
        return {topic for topic in topics if _key(app_id, topic) not in known}

    async def page(
        self, app_id: str, *, group: str | None = None, after: str | None = None, limit: int = 50
    ) -> list[TopicRecord]:
        """In the order of their names, from behind `after`."""
        # All keys of an application begin alike: they lie between `/` and what comes behind it.
        behind = {"$gt": _key(app_id, after or ""), "$lt": f"{app_id}0"}
        query: dict[str, Any] = {"_id": behind}
        if group is not None:
            query |= {"app_id": app_id, "group": group}
        with store_errors():
            cursor = self._collection.find(query).sort("_id", 1).limit(limit)
            return [_from_document(document) for document in await cursor.to_list(limit)]

    async def remove(self, app_id: str, topic: str) -> bool:
        """False when there is none of this name."""
        with store_errors():
            result = await self._collection.delete_one({"_id": _key(app_id, topic)})
        return bool(result.deleted_count)

    async def drop(self, app_id: str) -> None:
        """All of an application."""
        with store_errors():
            await self._collection.delete_many({"_id": {"$gt": _key(app_id, ""), "$lt": f"{app_id}0"}})

    async def _look_all(self, asked: list[frozenset[str]]) -> Sequence[set[str]]:
        every = frozenset[str]().union(*asked)
        with store_errors():
            rows = await self._collection.find({"_id": {"$in": list(every)}}, {"_id": 1}).to_list(None)
        known = {row["_id"] for row in rows}
        return [known & each for each in asked]


def _key(app_id: str, topic: str) -> str:
    return f"{app_id}/{topic}"


def _from_document(document: Mapping[str, Any]) -> TopicRecord:
    return TopicRecord(
        app_id=document["app_id"],
        topic=document["topic"],
        created_at=document["created_at"],
        description=document.get("description"),
        group=document.get("group"),
        open=document["open"],
    )
