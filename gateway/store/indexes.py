"""Every index of the store, made at start: which questions are asked, what is unique, and when documents
go."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from gateway.store.connect import Database, store_errors

# A transaction goes some days after it ended (`purge_at`), as its application says; raw receipts and sessions
# after a fixed time.
_PURGE = IndexModel([("purge_at", ASCENDING)], name="purge_at", expireAfterSeconds=0)


def _where_there_is(name: str, *then: str, within: tuple[str, ...] = ()) -> IndexModel:
    """By this field, of documents that have it: others pay nothing."""
    return IndexModel(
        [(each, ASCENDING) for each in (*within, name, *then)],
        name=name,
        partialFilterExpression={name: {"$exists": True}},
    )


# Only MT of the in-app channel are in these. The last two are for those to topics, in which a person who is
# to be forgotten has left receipts.
_TO_TOPICS = {"in_app": True, "to.kind": "topic"}
_IN_APP_MT = (
    _where_there_is("thread_key", "accepted_at", "message_id"),
    IndexModel(
        [("app_id", ASCENDING), ("to.id", ASCENDING)],
        name="in_app",
        partialFilterExpression={"in_app": True},
    ),
    IndexModel(
        [("app_id", ASCENDING), ("devices.id", ASCENDING)],
        name="devices",
        partialFilterExpression={**_TO_TOPICS, "devices": {"$exists": True}},
    ),
    IndexModel(
        [("app_id", ASCENDING), ("wakeups.device", ASCENDING)],
        name="wakeups",
        partialFilterExpression={**_TO_TOPICS, "wakeups": {"$exists": True}},
    ),
)

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
        *_IN_APP_MT,
        _PURGE,
    ],
    "mo_transactions": [
        IndexModel([("mo_id", ASCENDING)], name="mo_id"),
        _where_there_is("thread_key", "received_at", "mo_id"),
        _where_there_is("user_id", within=("app_id",)),
        _PURGE,
    ],
    "dr_events": [
        IndexModel([("reference", ASCENDING)], name="reference"),
        IndexModel(
            [("received_at", ASCENDING)], name="unmatched", partialFilterExpression={"outcome": "unmatched"}
        ),
        _where_there_is("person"),
        _PURGE,
    ],
    "sessions": [_PURGE],
    # Of a person's threads, or an application's, a page in the order of their ids. Those of a topic are found
    # by each topic in its expression, or by whether it can mean people who follow none of them.
    "threads": [
        _where_there_is("user_id", "_id", within=("app_id",)),
        _where_there_is("topics", "_id", within=("app_id",)),
        _where_there_is("strangers", "_id", within=("app_id",)),
        IndexModel([(name, ASCENDING) for name in ("app_id", "status", "_id")], name="status"),
    ],
    "topics": [_where_there_is("group", "_id", within=("app_id",))],
    "broker_logins": [IndexModel([("account", ASCENDING), ("expires_at", ASCENDING)], name="expires_at")],
}


async def ensure_indexes(database: Database) -> None:
    """Make what is missing; harmless when another process does the same at the same time."""
    with store_errors():
        for collection, indexes in INDEXES.items():
            await database.db[collection].create_indexes(indexes)
