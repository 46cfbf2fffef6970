"""The gateway's own log of MT, looked at by a test: what is being sent, what has ended, what happened."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import partial
from typing import Any

from gateway.errors import StoreUnavailable
from gateway.store.connect import Database, store_errors
from gateway.store.transactions import COLLECTION, Transactions
from processors.audit import Audit, audit
from tests.faults.traffic import Key, correlation_of
from tests.waiting import eventually

_BACK_WITHIN_SECONDS = 60.0


class LogBook:
    """Reads the store behind the daemons' backs; it needs the store to be there."""

    def __init__(self, database: Database) -> None:
        self._collection = database.db[COLLECTION]
        self._transactions = Transactions(database, "fault tests")

    async def in_flight(self, pid: int | None = None) -> int:
        """How many MT are between the claim and the outcome of an attempt: of one process, or of all.

        Waits for a store that is just coming back.
        """
        query: dict[str, Any] = {"status": "sending"}
        if pid is not None:
            query["claim.by"] = re.compile(rf"-{pid}-[0-9a-f]+$")
        [count] = await eventually(partial(self._count, query), within_seconds=_BACK_WITHIN_SECONDS)
        return count

    async def _count(self, query: dict[str, Any]) -> list[int]:
        """Nothing when the store is away."""
        with suppress(StoreUnavailable), store_errors():
            return [int(await self._collection.count_documents(query))]
        return []

    async def audit(self) -> Audit:
        return await audit(self._transactions)

    async def told(self, run: int) -> dict[Key, set[str]]:
        """The statuses of each MT of a run that DR were let out for."""
        fields = {"app_id": 1, "message_id": 1, "events.told": 1}
        rows = self._collection.find({"correlation_id": correlation_of(run)}, fields)
        return {
            (row["app_id"], row["message_id"]): {
                status for event in row["events"] for status in event.get("told", ())
            }
            for row in await rows.to_list(None)
        }

    async def history(self, key: Key) -> list[str]:
        """The events of one MT, a line each."""
        records = await self._transactions.find(key[1], key[0])
        return [_line(event) for record in records for event in record.events]

    async def provider_was_silent(self, key: Key) -> bool:
        """Whether the gateway waited in vain for the provider's answer to an attempt at this MT.

        So it is legitimately sent again. An attempt that was cut off with its process has another code.
        """
        records = await self._transactions.find(key[1], key[0])
        reasons = [event.get("reason", {}) for record in records for event in record.events]
        return any(
            reason.get("kind") == "uncertain" and reason.get("provider_code") != "interrupted"
            for reason in reasons
        )


def _line(event: Any) -> str:
    reason = event.get("reason", {})
    why = f" ({reason.get('code')}: {reason.get('provider_code')})" if reason else ""
    return f"{event['at']:%H:%M:%S.%f} {event['status']} #{event['attempt']}{why} by {event['by']}"
