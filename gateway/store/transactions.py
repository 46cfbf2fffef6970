"""The log of every MT, and the only place that changes one.

Every change is conditional: it is made only if the record is still at the revision that the caller looked at
(`rev`). So of two processes that act on the same MT at the same time one succeeds, and the other looks again.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from bson.raw_bson import RawBSONDocument
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from gateway.errors import GatewayError
from gateway.model.base import now
from gateway.model.lifecycle import is_end
from gateway.model.receipt import Reason, Status
from gateway.store.connect import Database, store_errors
from gateway.store.group_commit import GroupCommit
from gateway.store.records import Claim, MTRecord, due_at, from_document, to_document
from gateway.store.writes import DUPLICATE_KEY, encoded, insert_each, write_errors

COLLECTION = "mt_transactions"
WAKEUPS_KEPT = 100


class ProviderIdReused(GatewayError):
    """A provider gave a message id to this MT that it had given to another one of the same account."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one MT: the status it moves to and what is learned with it."""

    status: Status
    attempt: int
    ended_as: Status | None = None
    provider_message_ids: tuple[str, ...] = ()
    parts: Mapping[str, Status] | None = None
    parts_sent: int | None = None
    part_count: int | None = None  # with `degraded`, where this attempt sends something else than was logged
    degraded: tuple[str, ...] | None = None
    claim: Claim | None = None
    retry_at: datetime | None = None  # while it waits in a wait tier: when its next attempt is due
    reason: Reason | None = None
    occurred_at: datetime | None = None
    devices: Mapping[str, Status] | None = None  # of the in-app channel: how far these have come
    device: str | None = None  # the one that said so
    told: tuple[Status, ...] = ()  # the statuses that this change lets DR be published for
    at: datetime = field(default_factory=now)


@dataclass(frozen=True, slots=True)
class _Move:
    record: MTRecord
    change: Change
    event: dict[str, Any]


class Transactions:
    """MT records. `writer` names this process in the events it writes."""

    def __init__(self, database: Database, writer: str) -> None:
        self._database = database
        self._collection = database.db[COLLECTION]
        self._writer = writer
        self._serial = itertools.count(1)
        self._inserts: GroupCommit[RawBSONDocument, bool] = GroupCommit(self._insert_all, urgent=True)
        self._moves: GroupCommit[_Move, bool] = GroupCommit(self._move_all)
        self._by_reference: GroupCommit[str, MTRecord | None] = GroupCommit(self._find_references)
        self._by_provider_id: GroupCommit[tuple[str, str], MTRecord | None] = GroupCommit(
            self._find_provider_ids
        )

    async def insert(self, record: MTRecord) -> MTRecord | None:
        """Log a new MT. Returns None, or the record that already has this app_id and message_id."""
        event = self._event(Change(record.status, record.attempt, at=record.accepted_at))
        document = encoded(to_document(record, event))
        while not await self._inserts.do(document):
            existing = await self.get(record.reference)
            if existing is not None:
                return existing
        return None

    async def get(self, reference: str) -> MTRecord | None:
        return await self._by_reference.do(reference)

    async def by_provider_id(self, account: str, provider_message_id: str) -> MTRecord | None:
        return await self._by_provider_id.do((account, provider_message_id))

    async def sent_to(
        self, person: str, until: datetime, statuses: Collection[Status], limit: int = 500
    ) -> list[MTRecord]:
        """MT to this person (`MTRecord.person`) that were accepted by then and are in one of these statuses;
        the newest, up to `limit`, newest first."""
        query = {
            "person": person,
            "accepted_at": {"$lte": until},
            "status": {"$in": [status.value for status in statuses]},
        }
        with store_errors():
            cursor = self._collection.find(query).sort("accepted_at", -1).limit(limit)
            return [from_document(document) for document in await cursor.to_list(limit)]

    async def move(self, record: MTRecord, change: Change) -> MTRecord | None:
        """Apply `change` if the MT is still as `record` says; returns the new record, or None when it is not.

        Raises ProviderIdReused, with nothing changed, when another MT has one of the provider's ids.
        """
        event = self._event(change)
        if not await self._moves.do(_Move(record, change, event)):
            return None
        return replace(
            record,
            status=change.status,
            attempt=change.attempt,
            rev=record.rev + 1,
            ended_as=record.ended_as or change.ended_as,
            provider_message_ids=change.provider_message_ids or record.provider_message_ids,
            parts=record.parts if change.parts is None else change.parts,
            parts_sent=record.parts_sent if change.parts_sent is None else change.parts_sent,
            part_count=record.part_count if change.part_count is None else change.part_count,
            degraded=record.degraded if change.degraded is None else change.degraded,
            devices={**record.devices, **change.devices} if change.devices else record.devices,
            claim=change.claim,
            reason=change.reason or record.reason,
            events=(*record.events, event),
        )

    async def due(self, at: datetime, limit: int) -> list[MTRecord]:
        """MT that have not ended though their time has passed, or that nobody seems to work on any more
        (gateway.store.records.due_at); the longest overdue first."""
        with store_errors():
            cursor = self._collection.find({"due_at": {"$lte": at}}).sort("due_at", 1).limit(limit)
            return [from_document(document) for document in await cursor.to_list(limit)]

    async def postpone(self, references: Sequence[str], until: datetime) -> None:
        """Do not show these as due before `until`, unless they have ended by then."""
        with store_errors():
            await self._collection.update_many(
                {"_id": {"$in": list(references)}, "due_at": {"$exists": True}}, {"$set": {"due_at": until}}
            )

    async def note_wakeups(self, reference: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add what became of waking devices for this MT; the last WAKEUPS_KEPT are kept. No change of the
        MT itself, so it may be made at any time."""
        added = {"$each": [dict(row) for row in rows], "$slice": -WAKEUPS_KEPT}
        with store_errors():
            await self._collection.update_one({"_id": reference}, {"$push": {"wakeups": added}})

    async def totals(self) -> dict[tuple[str, str], int]:
        """How many MT there are by (status, the status that was told as final or "")."""
        rows = await self._database.aggregate(
            COLLECTION,
            [{"$group": {"_id": {"s": "$status", "e": {"$ifNull": ["$ended_as", ""]}}, "n": {"$sum": 1}}}],
        )
        return {(row["_id"]["s"], row["_id"]["e"]): row["n"] for row in rows}

    async def count_retried_then_taken(self) -> int:
        """How many MT had to wait at least once before a provider took them."""
        query = {"events.status": {"$all": ["waiting", "submitted"]}}
        with store_errors():
            return int(await self._collection.count_documents(query))

    async def find(self, message_id: str, app_id: str | None = None) -> list[MTRecord]:
        """The MT with this message id, of one application or of all."""
        query = {"message_id": message_id} if app_id is None else {"message_id": message_id, "app_id": app_id}
        with store_errors():
            documents = await self._collection.find(query).limit(100).to_list(100)
        return [from_document(document) for document in documents]

    async def drain(self) -> None:
        for group in (self._inserts, self._moves):
            await group.drain()

    def _event(self, change: Change) -> dict[str, Any]:
        event: dict[str, Any] = {
            "status": change.status.value,
            "at": change.at,
            "attempt": change.attempt,
            "by": f"{self._writer}.{next(self._serial)}",
        }
        if change.told:
            event["told"] = [status.value for status in change.told]
        if change.reason is not None:
            event["reason"] = change.reason.model_dump(mode="json", exclude_none=True)
        if change.occurred_at is not None:
            event["occurred_at"] = change.occurred_at
        if change.provider_message_ids:
            event["provider_message_ids"] = list(change.provider_message_ids)
        if change.device is not None:
            event["device"] = change.device
        return event

    async def _insert_all(self, documents: list[RawBSONDocument]) -> list[bool | Exception]:
        return await insert_each(self._collection, documents)

    async def _move_all(self, moves: list[_Move]) -> list[bool | Exception]:
        updates = [UpdateOne({"_id": m.record.reference, "rev": m.record.rev}, _update(m)) for m in moves]
        failed: dict[int, Exception] = {}
        try:
            with store_errors():
                result = await self._collection.bulk_write(updates, ordered=False)
                matched = result.matched_count
        except BulkWriteError as error:
            matched = error.details["nMatched"]
            for row in write_errors(error):
                reused = row["code"] == DUPLICATE_KEY
                failed[row["index"]] = (
                    ProviderIdReused() if reused else GatewayError(f"MongoDB {row['code']}")
                )
        if matched == len(moves):
            return [True] * len(moves)
        made = await self._made(move.record.reference for move in moves)
        return [failed.get(index, move.event["by"] in made) for index, move in enumerate(moves)]

    async def _made(self, references: Iterable[str]) -> set[str]:
        """The marks of all changes these MT have seen: a bulk write tells only how many took effect, not
        which."""
        with store_errors():
            cursor = self._collection.find({"_id": {"$in": list(set(references))}}, {"events.by": 1})
            return {event["by"] for document in await cursor.to_list(None) for event in document["events"]}

    async def _find_references(self, references: list[str]) -> list[MTRecord | Exception | None]:
        with store_errors():
            documents = await self._collection.find({"_id": {"$in": list(set(references))}}).to_list(None)
        found = {document["_id"]: from_document(document) for document in documents}
        return [found.get(reference) for reference in references]

    async def _find_provider_ids(self, keys: list[tuple[str, str]]) -> list[MTRecord | Exception | None]:
        ids_of: dict[str, list[str]] = {}
        for account, provider_id in keys:
            ids_of.setdefault(account, []).append(provider_id)
        either = [{"account": name, "provider_message_ids": {"$in": ids}} for name, ids in ids_of.items()]
        with store_errors():
            documents = await self._collection.find({"$or": either}).to_list(None)
        found: dict[tuple[str, str], MTRecord] = {}
        for document in documents:
            record = from_document(document)
            for provider_id in record.provider_message_ids:
                found[(document["account"], provider_id)] = record
        return [found.get(key) for key in keys]


def _update(move: _Move) -> Mapping[str, Any]:
    change, record = move.change, move.record
    fields: dict[str, Any] = {"status": change.status.value, "attempt": change.attempt}
    removed: dict[str, Any] = {}
    if change.provider_message_ids:
        fields["provider_message_ids"] = list(change.provider_message_ids)
    if change.parts is not None:
        # A list, since a provider's ids may hold what the names of fields must not.
        fields["parts"] = [{"id": id, "status": status.value} for id, status in change.parts.items()]
    if change.parts_sent is not None:
        fields["parts_sent"] = change.parts_sent
    if change.part_count is not None:
        fields["part_count"] = change.part_count
    if change.degraded is not None:
        fields["degraded"] = list(change.degraded)
    if change.devices:
        fields.update(_device_rows(record.devices, change.devices, change.at))
    if change.reason is not None:
        fields["reason"] = change.reason.model_dump(mode="json", exclude_none=True)
    if change.claim is not None:
        fields["claim"] = {"by": change.claim.by, "until": change.claim.until}
    elif record.claim is not None:
        removed["claim"] = ""
    if change.ended_as is not None and record.ended_as is None:
        fields["ended_as"] = change.ended_as.value
        fields["ended_at"] = change.at
        fields["purge_at"] = change.at + timedelta(days=record.retention_days)
    if is_end(change.status, provider_sends_receipts=record.provider_sends_receipts):
        removed["due_at"] = ""
    elif change.status is not record.status or change.claim is not None or change.retry_at is not None:
        fields["due_at"] = due_at(record.expires_at, claim=change.claim, retry_at=change.retry_at)
    update: dict[str, Any] = {"$set": fields, "$inc": {"rev": 1}, "$push": {"events": move.event}}
    if removed:
        update["$unset"] = removed
    return update


def _device_rows(
    known: Mapping[str, Status], news: Mapping[str, Status], at: datetime
) -> dict[str, dict[str, Any] | list[dict[str, Any]]]:
    """The rows of `devices` that change, by where they stand: the others keep their times. The record is at
    the revision that was looked at, so its rows stand in the order in which they were read."""
    changed = {id: status for id, status in news.items() if known.get(id) is not status}
    rows = {id: {"id": id, "status": status.value, "at": at} for id, status in changed.items()}
    if not known:
        return {"devices": list(rows.values())} if rows else {}
    places = {id: place for place, id in enumerate({**known, **changed})}
    return {f"devices.{places[id]}": row for id, row in rows.items()}
