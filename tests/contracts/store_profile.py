"""What the server did for the queries of a test: whether it used indexes, sorted, and how much it read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from tests.contracts.store_world import Store

Seen = Callable[[str], Awaitable[list[dict[str, Any]]]]


@asynccontextmanager
async def profiled(store: Store) -> AsyncIterator[Seen]:
    """What is asked meanwhile; afterwards it is told for each query of a collection, in order."""
    database = store.database.db
    await database.command("profile", 2)
    try:
        yield lambda collection: _queries(store, collection)
    finally:
        await database.command("profile", 0)


async def _queries(store: Store, collection: str) -> list[dict[str, Any]]:
    asked = {"op": "query", "ns": f"{store.database.db.name}.{collection}"}
    rows = await store.database.db["system.profile"].find(asked).sort("ts", 1).to_list(None)
    return [
        {
            "plans": {plan.split()[0] for plan in row["planSummary"].split(", ") if plan[0].isupper()},
            "sorted": row.get("hasSortStage", False),
            "keys": row["keysExamined"],
        }
        for row in rows
    ]
