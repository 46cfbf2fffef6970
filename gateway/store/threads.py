"""Threads of the in-app channel: conversations and announcements, of one person or of a topic."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from bson.raw_bson import RawBSONDocument

from gateway.model.address import Thread
from gateway.model.base import event_id, rfc3339
from gateway.rtm.expressions import is_meant, parse, reaches_strangers, topics_of
from gateway.store.connect import Database, store_errors
from gateway.store.group_commit import GroupCommit
from gateway.store.records import thread_key_of
from gateway.store.writes import encoded, insert_each

COLLECTION = "threads"

_TEXTS = ("title", "category", "external_id")
_CHANGEABLE = frozenset((*_TEXTS, "extras", "status"))

ThreadType = Literal["conversation", "announcement"]
ThreadStatus = Literal["open", "closed"]
ClosedBy = Literal["application", "person"]


@dataclass(frozen=True, slots=True)
class ThreadRecord:
    """A thread between an application and `user_id`, or all who follow `topic`: exactly one of the two.
    `topic` may be an expression of several."""

    app_id: str
    thread_id: str
    type: ThreadType
    created_at: datetime
    updated_at: datetime
    user_id: str | None = None
    topic: str | None = None
    title: str | None = None
    category: str | None = None
    external_id: str | None = None
    extras: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    status: ThreadStatus = "open"
    closed_by: ClosedBy | None = None

    @property
    def as_named(self) -> Thread:
        """As messages name it."""
        return Thread(id=self.thread_id, type=self.type, title=self.title)

    def described(self) -> dict[str, Any]:
        """As the API and clients are told of it, in JSON's types; without what is not there."""
        told = {
            "thread_id": self.thread_id,
            "type": self.type,
            "status": self.status,
            "user_id": self.user_id,
            "topic": self.topic,
            "title": self.title,
            "category": self.category,
            "external_id": self.external_id,
            "extras": _plain(self.extras) or None,
            "created_at": rfc3339(self.created_at),
            "updated_at": rfc3339(self.updated_at),
        }
        return {name: value for name, value in told.items() if value is not None}


def is_theirs(record: ThreadRecord, user_id: str, followed: Collection[str]) -> bool:
    """Whether a thread is this person's: their own, or of topics that somebody who follows `followed` is
    meant by."""
    if record.topic is None:
        return record.user_id == user_id
    return is_meant(record.topic, followed)


def implicit_id(app_id: str, whose: str, type: ThreadType, title: str | None) -> str:
    """The id of a thread that nobody made: the same for all messages that name none. `whose` is a user id,
    or an expression of topics."""
    return event_id(app_id, whose, type, title or "")


class Threads:
    """All of them. `get` and `ensure`, which each message asks for, go in groups."""

    def __init__(self, database: Database) -> None:
        self._collection = database.db[COLLECTION]
        self._looks: GroupCommit[str, ThreadRecord | None] = GroupCommit(self._look_all, urgent=True)
        self._inserts: GroupCommit[RawBSONDocument, bool] = GroupCommit(self._insert_all, urgent=True)

    async def get(self, app_id: str, thread_id: str) -> ThreadRecord | None:
        return await self._looks.do(thread_key_of(app_id, thread_id))

    async def ensure(self, record: ThreadRecord) -> ThreadRecord:
        """The thread of this id as it is kept; `record` itself when there was none: then it is kept now.

        Raises RtmRefused with `invalid_expression` for a topic that is none.
        """
        document = None
        while True:
            kept = await self.get(record.app_id, record.thread_id)
            if kept is not None:
                return kept
            document = document or encoded(_to_document(record))
            if await self._inserts.do(document):
                return record

    async def update(
        self,
        app_id: str,
        thread_id: str,
        changes: Mapping[str, Any],
        at: datetime,
        *,
        by: ClosedBy = "application",
    ) -> ThreadRecord | None:
        """Set these of title, category, external_id, extras and status; what is None is taken away. None when
        there is no such thread, or when a person opens or closes what the application has closed."""
        if not changes.keys() <= _CHANGEABLE:
            raise ValueError(f"of a thread only {', '.join(sorted(_CHANGEABLE))} change")
        removed = {name: "" for name, value in changes.items() if value is None}
        fields = {name: value for name, value in changes.items() if value is not None}
        if "extras" in fields:
            fields["extras"] = _pairs(fields["extras"])
        query: dict[str, Any] = {"_id": thread_key_of(app_id, thread_id)}
        if "status" in fields and by == "person":
            query["$or"] = [{"status": "open"}, {"closed_by": "person"}]
        if fields.get("status") == "closed":
            fields["closed_by"] = by
        elif "status" in fields:
            removed["closed_by"] = ""
        update: dict[str, Any] = {"$set": {**fields, "updated_at": at}}
        if removed:
            update["$unset"] = removed
        with store_errors():
            document = await self._collection.find_one_and_update(query, update, return_document=True)
        return None if document is None else _from_document(document)

    async def of_application(
        self, app_id: str, *, status: ThreadStatus | None = None, after: str | None = None, limit: int = 50
    ) -> list[ThreadRecord]:
        """In the order of their ids, from behind `after`."""
        return await self._page({"app_id": app_id, **_with(status), **_behind(app_id, after)}, limit)

    async def of_user(
        self,
        app_id: str,
        user_id: str,
        followed: Collection[str],
        *,
        status: ThreadStatus | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> list[ThreadRecord]:
        """Those of this person, and those of topics that somebody who follows `followed` is meant by; in the
        order of their ids, from behind `after`. Fewer than `limit` only when there are no more."""
        perhaps: list[dict[str, Any]] = [
            {"user_id": user_id},
            {"topics": {"$in": list(followed)}},
            {"strangers": True},
        ]
        found: list[ThreadRecord] = []
        while True:
            # All of it in each branch: only then MongoDB merges them in order, and need not sort.
            rest = {"app_id": app_id, **_with(status), **_behind(app_id, after)}
            page = await self._page({"$or": [{**each, **rest} for each in perhaps]}, limit)
            found.extend(record for record in page if is_theirs(record, user_id, followed))
            if len(page) < limit or len(found) >= limit:
                return found[:limit]
            after = page[-1].thread_id

    async def delete_of_user(self, app_id: str, user_id: str) -> None:
        """Forget the threads of one person."""
        with store_errors():
            await self._collection.delete_many({"app_id": app_id, "user_id": user_id})

    async def drop(self, app_id: str) -> None:
        """All of an application."""
        with store_errors():
            await self._collection.delete_many({"app_id": app_id})

    async def drain(self) -> None:
        """Wait until everything that was to be written has been tried."""
        await self._inserts.drain()

    async def _page(self, query: Mapping[str, Any], limit: int) -> list[ThreadRecord]:
        with store_errors():
            cursor = self._collection.find(query).sort("_id", 1).limit(limit)
            return [_from_document(document) for document in await cursor.to_list(limit)]

    async def _look_all(self, keys: list[str]) -> Sequence[ThreadRecord | None]:
        with store_errors():
            documents = await self._collection.find({"_id": {"$in": list(set(keys))}}).to_list(None)
        found = {document["_id"]: _from_document(document) for document in documents}
        return [found.get(key) for key in keys]

    async def _insert_all(self, documents: list[RawBSONDocument]) -> list[bool | Exception]:
        return await insert_each(self._collection, documents)


def _behind(app_id: str, after: str | None) -> dict[str, Any]:
    """All keys of an application begin alike: they lie between `/` and what comes behind it."""
    return {"_id": {"$gt": thread_key_of(app_id, after or ""), "$lt": f"{app_id}0"}}


def _with(status: ThreadStatus | None) -> dict[str, str]:
    return {} if status is None else {"status": status}


def _to_document(record: ThreadRecord) -> dict[str, Any]:
    document: dict[str, Any] = {
        "_id": thread_key_of(record.app_id, record.thread_id),
        "app_id": record.app_id,
        "thread_id": record.thread_id,
        "type": record.type,
        "status": record.status,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
    }
    for name in ("user_id", "topic", *_TEXTS):
        value = getattr(record, name)
        if value is not None:
            document[name] = value
    if record.topic is not None:
        expression = parse(record.topic)
        document["topics"] = sorted(topics_of(expression))
        if reaches_strangers(expression):
            document["strangers"] = True
    if record.extras:
        document["extras"] = _pairs(record.extras)
    return document


def _from_document(document: Mapping[str, Any]) -> ThreadRecord:
    return ThreadRecord(
        app_id=document["app_id"],
        thread_id=document["thread_id"],
        type=document["type"],
        created_at=document["created_at"],
        updated_at=document["updated_at"],
        user_id=document.get("user_id"),
        topic=document.get("topic"),
        title=document.get("title"),
        category=document.get("category"),
        external_id=document.get("external_id"),
        extras={
            name: tuple(value) if isinstance(value, list) else value
            for name, value in document.get("extras", ())
        },
        status=document["status"],
        closed_by=document.get("closed_by"),
    )


def _pairs(extras: Mapping[str, str | Iterable[str]]) -> list[list[Any]]:
    """Pairs, since their names may be what the names of fields must not."""
    return [[name, value] for name, value in _plain(extras).items()]


def _plain(extras: Mapping[str, str | Iterable[str]]) -> dict[str, str | list[str]]:
    return {name: value if isinstance(value, str) else list(value) for name, value in extras.items()}
