"""Which embedded brokers are alive: what a dead one held becomes free again.

Each broker is an instance with a document of its own: a heartbeat by the server's clock, and the process it
lives in. Dead is one whose process is gone (at once, when it was on this machine), or that has been silent.
A holder without a document has been declared dead by another process, or its document was never made.
"""

from __future__ import annotations

import os
import socket
from datetime import datetime
from pathlib import Path
from typing import Any

from pymongo import WriteConcern

from gateway.store.connect import Database
from gateway.store.processes import started
from gateway.store.queues import QueueStore, queue_errors

INSTANCES = "broker_instances"
SILENT_AFTER_SECONDS = 10


class Instances:
    """The instances that share one database's queues. All methods raise StoreUnavailable."""

    def __init__(self, database: Database, queues: QueueStore) -> None:
        # A heartbeat that a crash loses is not missed.
        self._documents = database.db[INSTANCES].with_options(write_concern=WriteConcern(w=1))
        self._queues = queues
        self._place = _this_place()
        self._silent: dict[str, datetime] = {}

    async def register(self, instance: str) -> None:
        """Must come before the instance holds anything."""
        pid = os.getpid()
        process = {"place": self._place, "pid": pid, "started": started(pid)}
        with queue_errors():
            await self._documents.update_one(
                {"_id": instance}, [{"$set": process | {"seen_at": "$$NOW"}}], upsert=True
            )

    async def beat(self, instance: str) -> bool:
        """False when the instance has been declared dead: what it held is, or will be, free."""
        with queue_errors():
            done = await self._documents.update_one({"_id": instance}, [{"$set": {"seen_at": "$$NOW"}}])
        return bool(done.matched_count)

    async def leave(self, instance: str) -> None:
        """Free what the instance holds and forget it."""
        await self._queues.release([instance])
        with queue_errors():
            await self._documents.delete_one({"_id": instance})

    async def bury_the_dead(self) -> int:
        """Free what dead instances hold. Returns how many messages that were."""
        holders = await self._queues.holders()  # first: whoever holds something now registered before
        silence = {"$gt": [{"$subtract": ["$$NOW", "$seen_at"]}, SILENT_AFTER_SECONDS * 1_000]}
        with queue_errors():
            documents = await self._documents.find({}, {"silent": silence, **_FIELDS}).to_list(None)
            alive = [document["_id"] for document in documents if not await self._is_buried(document)]
        self._silent = {document["_id"]: document["seen_at"] for document in documents if document["silent"]}
        orphaned = holders.difference(alive)
        return await self._queues.release(sorted(orphaned)) if orphaned else 0

    async def _is_buried(self, document: dict[str, Any]) -> bool:
        if not self._is_dead(document):
            return False
        # Only as it was looked at: one that has been heard of since is alive.
        done = await self._documents.delete_one({"_id": document["_id"], "seen_at": document["seen_at"]})
        return bool(done.deleted_count)

    def _is_dead(self, document: dict[str, Any]) -> bool:
        if document["place"] == self._place and started(document["pid"]) != document["started"]:
            return True
        # Silent twice in a row: when the server itself was away, everyone is silent the first time.
        return bool(document["silent"]) and self._silent.get(document["_id"]) == document["seen_at"]


_FIELDS = {"place": 1, "pid": 1, "started": 1, "seen_at": 1}


def _this_place() -> str:
    """Where a process id means the same process: this boot of this machine, and this container in it."""
    parts = [socket.gethostname()]
    for path in (Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")):
        try:
            parts.append(str(path.readlink()) if path.is_symlink() else path.read_text().strip())
        except OSError:
            parts.append("")
    return "/".join(parts)
