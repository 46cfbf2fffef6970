"""The log of what came in: MO, each once, and every receipt as the provider worded it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bson.raw_bson import RawBSONDocument

from gateway.store.connect import Database, store_errors
from gateway.store.group_commit import GroupCommit
from gateway.store.writes import encoded, insert_each

MO_COLLECTION = "mo_transactions"
DR_COLLECTION = "dr_events"
DR_RETENTION = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class MORecord:
    """One MO, with the message exactly as it was, or will be, published."""

    account: str
    provider_message_id: str
    app_id: str
    channel: str
    mo_id: str
    event_id: str
    body: bytes
    received_at: datetime
    retention_days: int
    thread_key: str | None = None  # of the in-app channel, as `user_id`: whose thread it is in
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class ReceiptRecord:
    """One receipt as it came in: matched to an MT (`reference`) or not, and what became of it."""

    event_key: str  # the same for a redelivery of the same callback item
    account: str
    provider_message_id: str
    provider_status: str
    status: str | None
    outcome: str  # applied, repeated, unmatched, unknown_status
    reference: str | None
    body: bytes
    occurred_at: datetime | None
    received_at: datetime
    person: str | None = None  # of the in-app channel: whose device says so (`customer_key_of`)


class InboundLog:
    """MO and receipts, written in groups."""

    def __init__(self, database: Database) -> None:
        self._mo = database.db[MO_COLLECTION]
        self._dr = database.db[DR_COLLECTION]
        self._mo_inserts: GroupCommit[RawBSONDocument, bool] = GroupCommit(self._insert_mo)
        self._dr_inserts: GroupCommit[RawBSONDocument, bool] = GroupCommit(self._insert_dr)

    async def add_mo(self, record: MORecord) -> MORecord | None:
        """Log an MO. Returns None, or the record that the same account and provider message id already
        have."""
        document = {
            "_id": f"{record.account}/{record.provider_message_id}",
            "account": record.account,
            "provider_message_id": record.provider_message_id,
            "app_id": record.app_id,
            "channel": record.channel,
            "mo_id": record.mo_id,
            "event_id": record.event_id,
            "body": record.body,
            "received_at": record.received_at,
            "retention_days": record.retention_days,
            "purge_at": record.received_at + timedelta(days=record.retention_days),
        }
        if record.thread_key is not None:
            document["thread_key"] = record.thread_key
        if record.user_id is not None:
            document["user_id"] = record.user_id
        if await self._mo_inserts.do(encoded(document)):
            return None
        with store_errors():
            existing = await self._mo.find_one({"_id": document["_id"]})
        return None if existing is None else _mo_record(existing)

    async def get_mo(self, account: str, provider_message_id: str) -> MORecord | None:
        """The MO that this account and provider message id have."""
        with store_errors():
            found = await self._mo.find_one({"_id": f"{account}/{provider_message_id}"})
        return None if found is None else _mo_record(found)

    async def add_receipt(self, record: ReceiptRecord) -> None:
        """Log a receipt; a redelivery of the same one is logged once."""
        document = {
            "_id": record.event_key,
            "account": record.account,
            "provider_message_id": record.provider_message_id,
            "provider_status": record.provider_status,
            "status": record.status,
            "outcome": record.outcome,
            "reference": record.reference,
            "body": record.body,
            "occurred_at": record.occurred_at,
            "received_at": record.received_at,
            "purge_at": record.received_at + DR_RETENTION,
        }
        if record.person is not None:
            document["person"] = record.person
        await self._dr_inserts.do(encoded(document))

    async def receipts_of(self, reference: str) -> list[dict[str, Any]]:
        """What the provider said about one MT, in the order in which it came in."""
        with store_errors():
            cursor = self._dr.find({"reference": reference}).sort("received_at", 1).limit(1_000)
            return list(await cursor.to_list(1_000))

    async def unmatched(self, account: str | None, limit: int) -> list[dict[str, Any]]:
        """Receipts that never found their MT, the oldest first."""
        query = {"outcome": "unmatched"} if account is None else {"outcome": "unmatched", "account": account}
        with store_errors():
            cursor = self._dr.find(query).sort("received_at", 1).limit(limit)
            return list(await cursor.to_list(limit))

    async def mark_replayed(self, event_key: str) -> None:
        """This receipt is on its way again, as a new one."""
        with store_errors():
            await self._dr.update_one({"_id": event_key}, {"$set": {"outcome": "replayed"}})

    async def count_mo(self) -> int:
        with store_errors():
            return int(await self._mo.estimated_document_count())

    async def count_unmatched(self) -> int:
        with store_errors():
            return int(await self._dr.count_documents({"outcome": "unmatched"}))

    async def drain(self) -> None:
        for group in (self._mo_inserts, self._dr_inserts):
            await group.drain()

    async def _insert_mo(self, documents: list[RawBSONDocument]) -> Sequence[bool | Exception]:
        return await insert_each(self._mo, documents)

    async def _insert_dr(self, documents: list[RawBSONDocument]) -> Sequence[bool | Exception]:
        return await insert_each(self._dr, documents)


def _mo_record(document: dict[str, Any]) -> MORecord:
    fields = MORecord.__dataclass_fields__
    return MORecord(**{name: document[name] for name in fields if name in document})
