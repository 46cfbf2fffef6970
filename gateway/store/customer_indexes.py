"""The collection of an application's people, and what they can be found by."""

from __future__ import annotations

from typing import Any

from pymongo import ASCENDING, IndexModel
from pymongo.errors import OperationFailure

from gateway.model.application import Application
from gateway.store.connect import store_errors

_ATTRIBUTE = "attribute_"
_GONE_CODES = (26, 27)  # no such collection, or index: another process was quicker


async def ensure_customer_indexes(collection: Any, application: Application) -> None:
    """Make the collection and its indexes: those of the application's indexed attributes, and no longer those
    of others."""
    indexed = sorted(name for name, rule in application.attributes.items() if rule.indexed)
    indexes = [
        _where_there_is("topics", "topics", "_id"),
        _where_there_is("push_token", "devices.push_token"),
        *(_where_there_is(_ATTRIBUTE + name, f"attributes.{name}", "_id") for name in indexed),
    ]
    with store_errors():
        await collection.create_indexes(indexes)
        for name in await collection.index_information():
            if name.startswith(_ATTRIBUTE) and name.removeprefix(_ATTRIBUTE) not in indexed:
                await _drop(collection, name)


def _where_there_is(name: str, by: str, *then: str) -> IndexModel:
    return IndexModel(
        [(each, ASCENDING) for each in (by, *then)],
        name=name,
        partialFilterExpression={by: {"$exists": True}},
    )


async def _drop(collection: Any, name: str) -> None:
    try:
        await collection.drop_index(name)
    except OperationFailure as error:
        if error.code not in _GONE_CODES:
            raise
