"""Keeps an eye on the store, so that readiness can be told without asking it each time."""

from __future__ import annotations

import asyncio

import structlog

from gateway.errors import StoreUnavailable
from gateway.store.connect import Database

logger = structlog.get_logger("store")

_EVERY_SECONDS = 1.0
_PING_SECONDS = 5.0


class StoreWatch:
    """`trouble` says why the store cannot be used, in words for an operator; None when it can."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._task: asyncio.Task[None] | None = None
        self.trouble: str | None = "not connected yet"

    async def start(self) -> None:
        await self._look()
        self._task = asyncio.create_task(self._run(), name="store watch")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def check(self) -> None:
        """Raises StoreUnavailable unless the store answers now."""
        try:
            await asyncio.wait_for(self._database.ping(), _PING_SECONDS)
        except TimeoutError as error:
            raise StoreUnavailable("MongoDB: no answer in time") from error

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_EVERY_SECONDS)
            await self._look()

    async def _look(self) -> None:
        before = self.trouble
        try:
            await self.check()
        except StoreUnavailable as error:
            self.trouble = str(error)
            if before is None:
                logger.warning("store.lost", error=self.trouble)
        else:
            self.trouble = None
            if before is not None:
                logger.info("store.connected")
