"""Every index of the store, made at start: which questions are asked, what is unique, and when documents
go."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from gateway.store.connect import Database, store_errors

# A transaction goes some days after it ended (`purge_at`), as its application says; raw receipts and sessions
# after a fixed time.
_PURGE = IndexModel([("purge_at", ASCENDING)], name="purge_at", expireAfterSeconds=0)

INDEXES: dict[str, list[IndexModel]] = {
    "mt_transactions": [
        # Receipts are matched by it, over all parts. Two MT of one account never share a provider's id.
        IndexModel(
            [("account", ASCENDING), ("provider_message_ids", ASCENDING)],
            name="provider_message_ids",
            unique=True,
            partialFilterExpression={"provider_message_ids": {"$exists": True}},
        ),
        # The expiry monitor's question; only MT that have not ended are in it.
        IndexModel(
            [("due_at", ASCENDING)], name="due_at", partialFilterExpression={"due_at": {"$exists": True}}
        ),
        IndexModel([("message_id", ASCENDING)], name="message_id"),
        # What a receipt for everything up to some time is about; only MT of accounts that have such receipts.
        IndexModel(
            [("person", ASCENDING), ("accepted_at", ASCENDING)],
            name="person",
            partialFilterExpression={"person": {"$exists": True}},
        ),
        _PURGE,
    ],
    "mo_transactions": [IndexModel([("mo_id", ASCENDING)], name="mo_id"), _PURGE],
    "dr_events": [
        IndexModel([("reference", ASCENDING)], name="reference"),
        IndexModel(
            [("received_at", ASCENDING)], name="unmatched", partialFilterExpression={"outcome": "unmatched"}
        ),
        _PURGE,
    ],
    "sessions": [_PURGE],
}


async def ensure_indexes(database: Database) -> None:
    """Make what is missing; harmless when another process does the same at the same time."""
    with store_errors():
        for collection, indexes in INDEXES.items():
            await database.db[collection].create_indexes(indexes)
