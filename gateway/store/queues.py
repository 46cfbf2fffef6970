"""Durable queues in one MongoDB collection, for the embedded broker: put, take, settle, wait, count.

A message belongs to one queue. Its `_id` is its place there: ordered by time, and within one process by the
order of `put`. Free messages have an empty `holder`, taken ones the id of the instance that took them
(gateway/store/queue_instances.py). A message that waits is in its tier's queue, with a place among what is
published when its time comes, and moves to its target queue then.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bson.raw_bson import RawBSONDocument
from pymongo import ASCENDING, IndexModel, WriteConcern
from pymongo.errors import PyMongoError

from gateway.errors import StoreUnavailable
from gateway.store.connect import Database, store_errors
from gateway.store.group_commit import GroupCommit
from gateway.store.places import Place, Places
from gateway.store.queue_messages import FREE, Message, Taken, encode_message, taken_message
from gateway.store.writes import insert_each

MESSAGES = "broker_messages"
BINDINGS = "broker_bindings"

_LARGEST_TAKE = 100
_NOW_OR_EARLIER = {"due_at": {"$exists": True}, "$expr": {"$lte": ["$due_at", "$$NOW"]}}

# For what is harmless to lose in a crash because it is done again.
_REPEATABLE = WriteConcern(w=1)


@dataclass(frozen=True, slots=True)
class _Settling:
    taken: Taken
    remove: bool


class QueueStore:
    """The queues of one database, shared by every process that uses it.

    All methods raise StoreUnavailable.
    """

    def __init__(self, database: Database) -> None:
        self._messages = database.db[MESSAGES]
        self._bindings = database.db[BINDINGS]
        self._places = Places()
        self._takes = itertools.count(1)
        self._puts: GroupCommit[list[RawBSONDocument], None] = GroupCommit(self._put_all)
        self._settlements: GroupCommit[_Settling, None] = GroupCommit(self._settle_all)

    async def prepare(self) -> None:
        """Make the indexes."""
        with queue_errors():
            await self._messages.create_indexes(
                [
                    IndexModel([("holder", ASCENDING), ("queue", ASCENDING), ("_id", ASCENDING)]),
                    IndexModel(
                        [("due_at", ASCENDING)], partialFilterExpression={"due_at": {"$exists": True}}
                    ),
                ]
            )

    async def put(self, copies: Sequence[Message]) -> None:
        """Keep one message in each of its queues; it is safe on disk when this returns.

        After an error some of the copies may be there: putting all of them again may double one, never lose
        one. Raises GatewayError for a message that MongoDB cannot hold.
        """
        await self._puts.do([encode_message(copy, self._place_of(copy)) for copy in copies])

    async def take(
        self,
        queue: str,
        holder: str,
        limit: int,
        *,
        after: Place | None = None,
        until: Place | None = None,
    ) -> list[Taken]:
        """The first free messages of the queue, held from now on; at most `limit`, and never more than 100.

        `after` and `until` bound their places. After an error, some may be held all the same.
        """
        free: dict[str, Any] = {"queue": queue, "holder": FREE}
        bounds = {"$gt": after, "$lte": until}
        if after or until:
            free["_id"] = {operator: place for operator, place in bounds.items() if place is not None}
        with queue_errors():
            size = min(limit, _LARGEST_TAKE)
            found = await self._messages.find(free).sort("_id", ASCENDING).limit(size).to_list(size)
            if found:
                found = await self._hold(found, holder)
        return [taken_message(document, holder) for document in found]

    async def settle(self, taken: Taken, *, remove: bool) -> None:
        """Remove it, or put it back in its place; nothing happens to one that its holder has lost."""
        await self._settlements.do(_Settling(taken, remove))

    async def release(self, holders: Sequence[str]) -> int:
        """Free everything that these instances hold. Returns how many messages that were."""
        with queue_errors():
            done = await self._messages.update_many(
                {"holder": {"$in": list(holders)}}, {"$set": {"holder": FREE}}
            )
        return int(done.modified_count)

    async def holders(self) -> set[str]:
        """Every instance that holds a message."""
        with queue_errors():
            return set(await self._messages.distinct("holder")) - {FREE}

    async def move_due(self) -> int:
        """Move every message whose wait is over, by the server's clock, to its queue. Returns how many."""
        messages = self._messages.with_options(write_concern=_REPEATABLE)
        with queue_errors():
            done = await messages.update_many(
                _NOW_OR_EARLIER, [{"$set": {"queue": "$then"}}, {"$unset": ["due_at", "then"]}]
            )
        return int(done.modified_count)

    async def depth(self, queue: str) -> int:
        """How many messages of the queue are free."""
        with queue_errors():
            return int(await self._messages.count_documents({"queue": queue, "holder": FREE}))

    async def not_empty(self, queues: Collection[str]) -> list[str]:
        """Those of the queues that have a free message."""
        with queue_errors():
            found = await self._messages.distinct("queue", {"holder": FREE, "queue": {"$in": list(queues)}})
        return [str(queue) for queue in found]

    async def last(self, queue: str) -> Place | None:
        """The place of the last free message."""
        with queue_errors():
            document = await self._messages.find_one(
                {"queue": queue, "holder": FREE}, {"_id": 1}, sort=[("_id", -1)]
            )
        return document["_id"] if document else None

    async def declare(self, queue: str, bindings: Mapping[str, str]) -> None:
        """Note down a platform's queue and its {pattern: exchange}, in addition to what is noted of it."""
        rows = [{"exchange": exchange, "pattern": pattern} for pattern, exchange in bindings.items()]
        with queue_errors():
            await self._bindings.update_one(
                {"_id": queue}, {"$addToSet": {"bindings": {"$each": rows}}}, upsert=True
            )

    async def declared(self) -> dict[str, list[tuple[str, str]]]:
        """Every platform's queue with its bindings, as (exchange, pattern)."""
        with queue_errors():
            documents = await self._bindings.find().sort("_id", ASCENDING).to_list(None)
        return {
            document["_id"]: [(row["exchange"], row["pattern"]) for row in document["bindings"]]
            for document in documents
        }

    async def drain(self) -> None:
        """Wait until everything that was asked for has been tried."""
        await self._puts.drain()
        await self._settlements.drain()

    def _place_of(self, message: Message) -> Place:
        return self._places.next() if message.wait is None else self._places.in_seconds(message.wait.seconds)

    async def _put_all(self, batch: list[list[RawBSONDocument]]) -> list[Exception | None]:
        with queue_errors():
            written = await insert_each(self._messages, [copy for copies in batch for copy in copies])
        rows = iter(written)
        return [_one_failure(list(itertools.islice(rows, len(copies)))) for copies in batch]

    async def _settle_all(self, batch: list[_Settling]) -> list[Exception | None]:
        groups: defaultdict[tuple[str, bool], list[Place]] = defaultdict(list)
        for settling in batch:
            groups[settling.taken.holder, settling.remove].append(settling.taken.place)
        with queue_errors():
            for (holder, remove), ids in groups.items():
                held = {"_id": {"$in": ids}, "holder": holder}
                if remove:
                    await self._messages.delete_many(held)
                else:
                    await self._messages.update_many(held, {"$set": {"holder": FREE}})
        return [None] * len(batch)

    async def _hold(self, found: list[dict[str, Any]], holder: str) -> list[dict[str, Any]]:
        """Of the found messages, those that nobody else was quicker to hold."""
        ids = [document["_id"] for document in found]
        fresh = [document["_id"] for document in found if not document["deliveries"]]
        others = [document["_id"] for document in found if document["deliveries"]]
        mark = next(self._takes)
        done = await self._messages.update_many(
            # What looked fresh must still be: somebody may have held it and given it back in between, and
            # processors rely on being told of that.
            {
                "holder": FREE,
                "$or": [{"_id": {"$in": fresh}, "deliveries": 0}, {"_id": {"$in": others}}],
            },
            {"$set": {"holder": holder, "take": mark}, "$inc": {"deliveries": 1}},
        )
        if done.modified_count == len(found):
            return found
        ours = self._messages.find({"_id": {"$in": ids}, "holder": holder, "take": mark}, {"_id": 1})
        mine = {document["_id"] for document in await ours.to_list(None)}
        return [document for document in found if document["_id"] in mine]


@contextmanager
def queue_errors() -> Iterator[None]:
    """Whatever the driver raises becomes StoreUnavailable: to a broker there is no other kind of trouble."""
    try:
        with store_errors():
            yield
    except PyMongoError as error:
        code = getattr(error, "code", None)
        raise StoreUnavailable(f"MongoDB: {type(error).__name__} {code or ''}".rstrip()) from error


def _one_failure(results: list[bool | Exception]) -> Exception | None:
    """What to tell the one who put these copies: nothing, or the first thing that went wrong."""
    for result in results:
        if isinstance(result, Exception):
            return StoreUnavailable(str(result))
        if not result:
            return StoreUnavailable("MongoDB: the message's place is taken")  # by chance; the next one is not
    return None
