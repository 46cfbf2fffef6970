"""Access tokens of accounts, sealed, for all processes: one fetches, the others wait and use the same."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from pydantic import SecretStr
from pymongo.errors import DuplicateKeyError

from gateway.errors import FailureKind, ProviderError
from gateway.model.base import now
from gateway.store.connect import Database, store_errors
from gateway.store.secrets import SecretBox
from gateway.transports.port import Token

COLLECTION = "tokens"
_EARLY = timedelta(seconds=60)  # a token that is about to expire is no longer handed out
_LEASE = timedelta(seconds=30)  # how long whoever fetches may take before another one does
_LONGEST_WAIT_SECONDS = 40.0
_POLL_SECONDS = 0.1


class SharedTokens:
    """gateway.transports.port.Tokens.

    A document is only ever changed at the revision (`rev`) that was looked at, so a token that another
    process has just fetched is never replaced by a further one.
    """

    def __init__(self, database: Database, box: SecretBox) -> None:
        self._collection = database.db[COLLECTION]
        self._box = box
        self._kept: dict[str, Token] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    async def get(
        self, name: str, fetch: Callable[[], Awaitable[Token]], *, refused: str | None = None
    ) -> str:
        """Raises StoreUnavailable, too."""
        kept = self._kept.get(name)
        if kept is not None and _is_good(kept, refused):
            return kept.value
        async with self._turns.setdefault(name, asyncio.Lock()):
            kept = self._kept.get(name)
            if kept is None or not _is_good(kept, refused):
                kept = self._kept[name] = await self._shared(name, fetch, refused)
        return kept.value

    async def _shared(self, name: str, fetch: Callable[[], Awaitable[Token]], refused: str | None) -> Token:
        give_up_at = time.monotonic() + _LONGEST_WAIT_SECONDS
        while time.monotonic() < give_up_at:
            with store_errors():
                document = await self._collection.find_one({"_id": name})
            token = self._opened(document)
            if token is not None and _is_good(token, refused):
                return token
            rev = document["rev"] if document else None
            if await self._lease(name, rev):
                return await self._fetched(name, fetch, 0 if rev is None else rev)
            await asyncio.sleep(_POLL_SECONDS)
        raise ProviderError(FailureKind.TRANSIENT, reason="provider_unavailable", code="no_token")

    async def _lease(self, name: str, rev: int | None) -> bool:
        """Whether it is on us to fetch: nobody else is, and nobody else has meanwhile."""
        until = now() + _LEASE
        with store_errors():
            if rev is None:
                try:
                    await self._collection.insert_one({"_id": name, "rev": 0, "leased_until": until})
                except DuplicateKeyError:
                    return False
                return True
            free = {"_id": name, "rev": rev, "leased_until": {"$not": {"$gt": now()}}}
            result = await self._collection.update_one(free, {"$set": {"leased_until": until}})
        return bool(result.modified_count)

    async def _fetched(self, name: str, fetch: Callable[[], Awaitable[Token]], rev: int) -> Token:
        try:
            token = await fetch()
        except BaseException:
            with store_errors():
                await self._collection.update_one({"_id": name, "rev": rev}, {"$unset": {"leased_until": ""}})
            raise
        sealed = {"value": self._box.seal(SecretStr(token.value)), "expires_at": token.expires_at}
        with store_errors():
            await self._collection.update_one(
                {"_id": name, "rev": rev},
                {"$set": sealed, "$inc": {"rev": 1}, "$unset": {"leased_until": ""}},
            )
        return token

    def _opened(self, document: Mapping[str, Any] | None) -> Token | None:
        if document is None or "value" not in document:
            return None
        return Token(self._box.open(document["value"]), document["expires_at"])


def _is_good(token: Token, refused: str | None) -> bool:
    return token.value != refused and token.expires_at - _EARLY > now()
