"""What the API needs of what is configured: the catalogue in force, and whether a changed profile fits in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gateway.errors import ConfigurationError, Problem
from gateway.model.account import ProviderAccount
from gateway.model.application import Application
from gateway.store.catalog import CatalogueStore
from handlers.registry import Registry
from processors.catalogue import CatalogueFollower, build_catalogue


class ApplicationProfiles:
    """See gateway/web/api/configured.py."""

    def __init__(self, store: CatalogueStore, registry: Registry, follower: CatalogueFollower) -> None:
        self._store = store
        self._registry = registry
        self._follower = follower

    def application(self, app_id: str) -> Application | None:
        return self._follower.current.applications.get(app_id)

    def accounts(self) -> Iterable[ProviderAccount]:
        return self._follower.current.accounts.values()

    async def refresh(self) -> None:
        await self._follower.refresh()

    async def problems(self, app_id: str, document: Mapping[str, Any] | None) -> Sequence[Problem]:
        """By the code that `imgw check` uses. Those of the profile itself are in `profile`."""
        stored = await self._store.load()
        applications = {
            f"application {name}": other for name, other in stored.applications.items() if name != app_id
        }
        if document is not None:
            applications["profile"] = dict(document)
        accounts = {f"account {name}": account for name, account in stored.accounts.items()}
        try:
            build_catalogue(self._registry, applications, accounts)
        except ConfigurationError as error:
            return error.problems
        return ()
