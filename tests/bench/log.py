"""MT that are in the log before anything is measured: sent and waiting for receipts, or long finished.

Made by the store's own code and then moved on, so that they look as real ones do, their events included.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pymongo import MongoClient, WriteConcern
from pymongo.collection import Collection

from gateway.model.address import Address
from gateway.model.base import now
from gateway.model.receipt import DEFAULT_RECEIPTS, Status
from gateway.store.connect import Database
from gateway.store.indexes import ensure_indexes
from gateway.store.records import MTRecord, to_document
from gateway.store.transactions import COLLECTION
from tests.bench.traffic import ACCOUNT, APP, correlation_id, msisdn, mt_bodies

Document = dict[str, Any]

_AT_ONCE = 2_000
_VALIDITY = timedelta(days=1)
_RETENTION = timedelta(days=90)
_RECEIPT_AFTER = timedelta(seconds=3)
_WRITER = "mt-bench-1-0000"


@dataclass(frozen=True, slots=True)
class Sent:
    """An MT that a provider took: the provider's id of it and our reference."""

    provider_message_id: str
    reference: str
    to: str


def sent_documents(count: int, *, expires_at: datetime | None = None) -> Iterator[Document]:
    """MT in status `submitted`, which were taken just now."""
    for number, (message_id, body) in enumerate(mt_bodies(count)):
        yield _submitted(message_id, body, number, now(), expires_at)


def finished_documents(count: int, over: timedelta = timedelta(days=60)) -> Iterator[Document]:
    """MT that were delivered, the last of them a day ago and the first so much earlier."""
    newest, step = now() - timedelta(days=1), over / max(count, 1)
    pattern: Document | None = None
    for number, (message_id, body) in enumerate(mt_bodies(count)):
        at = newest - step * (count - number)
        if pattern is None:
            pattern = _finished(message_id, body, number, at)
        yield _like(pattern, message_id, body, number, at)


def sent(document: Document) -> Sent:
    return Sent(document["provider_message_ids"][0], document["_id"], document["to"]["id"])


async def write_log(mongodb_url: str, database: str, documents: Iterator[Document]) -> list[Sent]:
    """Insert all, and have the gateway's indexes made; those that wait for receipts."""
    waiting = await asyncio.to_thread(_insert, mongodb_url, database, documents)
    store = Database(mongodb_url, database, timeout_seconds=600)
    try:
        await ensure_indexes(store)
    finally:
        await store.close()
    return waiting


def _insert(mongodb_url: str, database: str, documents: Iterator[Document]) -> list[Sent]:
    waiting: list[Sent] = []
    with MongoClient[Document](mongodb_url) as client, ThreadPoolExecutor(1) as writing:
        # Nothing depends on these: they need not be on disk before the next are written.
        quick = WriteConcern(w=1, j=False)
        collection: Collection[Document] = client[database].get_collection(COLLECTION, write_concern=quick)
        written: Future[object] | None = None
        while batch := list(itertools.islice(documents, _AT_ONCE)):  # while the server writes the last ones
            if written is not None:
                written.result()
            written = writing.submit(collection.insert_many, batch, ordered=False)
            waiting += [sent(document) for document in batch if "due_at" in document]
        if written is not None:
            written.result()
    return waiting


def _finished(message_id: str, body: bytes, number: int, at: datetime) -> Document:
    document = _submitted(message_id, body, number, at, None)
    del document["due_at"]
    document["events"].append(_event(Status.DELIVERED, at, number, told=["delivered"], occurred_at=at))
    return document | {
        "status": Status.DELIVERED.value,
        "rev": 3,
        "ended_as": Status.DELIVERED.value,
        "ended_at": at + _RECEIPT_AFTER,
        "purge_at": at + _RECEIPT_AFTER + _RETENTION,
    }


def _like(pattern: Document, message_id: str, body: bytes, number: int, at: datetime) -> Document:
    """Another MT that went the same way at another time: millions of them are wanted within a minute."""
    ended_at, by, ids = at + _RECEIPT_AFTER, f"{_WRITER}.{number}", [_provider_id(message_id)]
    sending, submitted, delivered = pattern["events"]
    return {
        **pattern,
        "_id": f"{APP}/{message_id}",
        "message_id": message_id,
        "accepted_at": at,
        "expires_at": at + _VALIDITY,
        "body": body,
        "to": {"kind": "msisdn", "id": msisdn(number)},
        "correlation_id": correlation_id(number),
        "provider_message_ids": ids,
        "ended_at": ended_at,
        "purge_at": ended_at + _RETENTION,
        "events": [
            {**sending, "at": at, "by": by},
            {**submitted, "at": at, "by": by, "provider_message_ids": ids},
            {**delivered, "at": ended_at, "by": by, "occurred_at": ended_at},
        ],
    }


def _provider_id(message_id: str) -> str:
    return f"wamid.HBgM{message_id.replace('-', '').upper():0<40}"


def _submitted(
    message_id: str, body: bytes, number: int, at: datetime, expires_at: datetime | None
) -> Document:
    record = MTRecord(
        app_id=APP,
        message_id=message_id,
        status=Status.SUBMITTED,
        accepted_at=at,
        expires_at=expires_at or at + _VALIDITY,
        body=body,
        channel="whatsapp",
        account=ACCOUNT,
        provider="whatsapp_cloud",
        to=Address.model_construct(kind="msisdn", id=msisdn(number)),
        correlation_id=correlation_id(number),
        receipts=DEFAULT_RECEIPTS,
        attempt=1,
        rev=2,
    )
    ids = [_provider_id(message_id)]
    document = to_document(record, _event(Status.SENDING, at, number))
    document["events"].append(
        _event(Status.SUBMITTED, at, number, told=["submitted"], provider_message_ids=ids)
    )
    document["provider_message_ids"] = ids
    return document


def _event(status: Status, at: datetime, number: int, **more: Any) -> Document:
    event: Document = {"status": status.value, "at": at, "attempt": 1, "by": f"{_WRITER}.{number}", **more}
    return event
