"""Many inserts in one call, each with its own answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo.errors import BulkWriteError

from gateway.errors import GatewayError
from gateway.store.connect import store_errors

DUPLICATE_KEY = 11000


async def insert_each(collection: Any, documents: Sequence[Mapping[str, Any]]) -> list[bool | Exception]:
    """Insert all that can be inserted. For each: True, False when its key was there already, or its error."""
    results: list[bool | Exception] = [True] * len(documents)
    try:
        with store_errors():
            await collection.insert_many(documents, ordered=False)
    except BulkWriteError as error:
        for failed in write_errors(error):
            duplicate = failed["code"] == DUPLICATE_KEY
            results[failed["index"]] = False if duplicate else GatewayError(f"MongoDB error {failed['code']}")
    return results


def write_errors(error: BulkWriteError) -> list[dict[str, Any]]:
    """Which operations of a bulk failed, as rows with `index` and `code`.

    Raises the error itself when the operations succeeded and only their safety is in doubt (write concern).
    """
    rows = list((error.details or {}).get("writeErrors", ()))
    if not rows:
        raise error
    return rows
