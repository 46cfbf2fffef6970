"""Many inserts or upserts in one call, each with its own answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bson import encode
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from gateway.errors import GatewayError
from gateway.store.connect import store_errors

DUPLICATE_KEY = 11000
_LARGEST_BYTES = 15 * 1_048_576  # MongoDB takes no document above 16 MiB


def encoded(document: Mapping[str, Any]) -> RawBSONDocument:
    """The document as it is sent.

    Encoded one by one: the driver refuses one that cannot be kept together with all that go with it. Raises
    GatewayError for such a one.
    """
    try:
        data = encode(document)
    except (BSONError, ValueError, TypeError, OverflowError) as error:
        # Without its cause, whose words hold the value.
        raise GatewayError(f"MongoDB cannot keep it: {type(error).__name__}") from None
    if len(data) > _LARGEST_BYTES:
        raise GatewayError(f"MongoDB cannot keep it: {len(data)} bytes")
    return RawBSONDocument(data)


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


async def upsert_each(collection: Any, writes: Sequence[UpdateOne]) -> list[bool | Exception]:
    """Make all of these upserts. For each: whether it has added the document, or its error.

    Of two processes that add the same document at the same time, one fails for the key that the other one has
    just put there; then it tries again, and finds it.
    """
    results: list[bool | Exception] = [False] * len(writes)
    left = list(range(len(writes)))
    while left:
        again: list[int] = []
        try:
            with store_errors():
                done = await collection.bulk_write([writes[index] for index in left], ordered=False)
            added = list(done.upserted_ids)
        except BulkWriteError as error:
            added = [row["index"] for row in (error.details or {}).get("upserted", ())]
            for failed in write_errors(error):
                if failed["code"] == DUPLICATE_KEY:
                    again.append(left[failed["index"]])
                else:
                    results[left[failed["index"]]] = GatewayError(f"MongoDB error {failed['code']}")
        for index in added:
            results[left[index]] = True
        left = again
    return results


def write_errors(error: BulkWriteError) -> list[dict[str, Any]]:
    """Which operations of a bulk failed, as rows with `index` and `code`.

    Raises the error itself when the operations succeeded and only their safety is in doubt (write concern).
    """
    rows = list((error.details or {}).get("writeErrors", ()))
    if not rows:
        raise error
    return rows
