"""What is configured, validated and ready to use: applications, accounts and a handler for each account."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import structlog
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateway.errors import ConfigurationError, Problem, UnavailableError
from gateway.model.account import ProviderAccount
from gateway.model.address import USUAL_KIND
from gateway.model.application import Application
from gateway.rtm.account import RtmAccount
from gateway.store.catalog import CatalogueStore
from gateway.store.group_commit import GroupCommit
from handlers.contract import Handler
from handlers.registry import Registry

logger = structlog.get_logger("catalogue")

Documents = Mapping[str, Mapping[str, Any]]  # by where they come from, for messages to people


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One consistent picture of what is configured."""

    version: int
    applications: Mapping[str, Application]
    accounts: Mapping[str, ProviderAccount]
    handlers: Mapping[str, Handler]


def build_catalogue(
    registry: Registry, applications: Documents, accounts: Documents, *, version: int = 0
) -> Catalogue:
    """Validate everything together. Raises ConfigurationError with every problem there is, not only the
    first."""
    problems: list[Problem] = []
    apps = _applications(applications, problems)
    found = _accounts(registry, accounts, problems)
    app_ids = _unique(applications, "app_id", problems)
    names = _unique(accounts, "account", problems)
    _cross_check(apps, found, app_ids, names, problems)
    if problems:
        raise ConfigurationError(problems)
    return Catalogue(
        version=version,
        applications={app.app_id: app for app in apps.values()},
        accounts={account.account: account for account in found.values()},
        handlers={account.account: registry.handler(account) for account in found.values()},
    )


def problems_of(error: ValidationError, where: str) -> list[Problem]:
    """One problem a field, never with the value that was given."""
    rows = error.errors(include_input=False, include_context=False, include_url=False)
    return [Problem(f"{where}: {'.'.join(map(str, row['loc'])) or 'document'}", _why(row)) for row in rows]


def _why(row: ErrorDetails) -> str:
    # Of pydantic's own words these are none for an operator, or, in one case, quote what was given.
    words = {
        "extra_forbidden": "is not a setting",
        "missing": "is required",
        "union_tag_invalid": "is of an unknown type",
    }
    return words.get(row["type"], row["msg"].removeprefix("Value error, "))


def _applications(documents: Documents, problems: list[Problem]) -> dict[str, Application]:
    found: dict[str, Application] = {}
    for where, document in documents.items():
        try:
            found[where] = Application.model_validate(document, by_name=False)
        except ValidationError as error:
            problems.extend(problems_of(error, where))
    return found


def _accounts(
    registry: Registry, documents: Documents, problems: list[Problem]
) -> dict[str, ProviderAccount]:
    found: dict[str, ProviderAccount] = {}
    for where, document in documents.items():
        try:
            found[where] = registry.account(document, where)
        except ConfigurationError as error:
            problems.extend(error.problems)
    return found


def _cross_check(
    applications: Mapping[str, Application],
    accounts: Mapping[str, ProviderAccount],
    app_ids: set[str],
    names: set[str],
    problems: list[Problem],
) -> None:
    channels = {account.account: account.channel for account in accounts.values()}
    for where, app in applications.items():
        unknown = sorted(set(app.accounts) - names - {"*"})
        problems.extend(Problem(f"{where}: accounts", f"there is no account {name}") for name in unknown)
        for platform, name in app.push.items():
            if name not in names:
                problems.append(Problem(f"{where}: push.{platform}", f"there is no account {name}"))
            elif (channel := channels.get(name)) is not None and not _wakes(channel):
                what = f"account {name} is of channel {channel}, which wakes no device"
                problems.append(Problem(f"{where}: push.{platform}", what))
    for where, account in accounts.items():
        if account.mo_application is not None and account.mo_application not in app_ids:
            what = f"there is no application {account.mo_application}"
            problems.append(Problem(f"{where}: mo_application", what))
    problems.extend(_shared_places(accounts))


def _shared_places(accounts: Mapping[str, ProviderAccount]) -> Iterator[Problem]:
    """Two accounts at one MQTT broker would take from each other what devices publish, now one, now the
    other: where an application may use but one of them, half of it would be refused."""
    first: dict[str, str] = {}
    for where, account in accounts.items():
        if not isinstance(account, RtmAccount) or not account.enabled:
            continue
        taken = {account.place: ("url", "has this MQTT broker with this login")}
        if account.parameters.inbound == "amq_topic":  # of the one RabbitMQ that the gateway stands on
            taken["amq.topic"] = ("parameters.inbound", "takes what comes by amq.topic")
        for place, (field, how) in taken.items():
            other = first.setdefault(place, account.account)
            if other != account.account:
                yield Problem(f"{where}: {field}", f"account {other} {how} already: disable one of them")


def _wakes(channel: str) -> bool:
    """Whether its recipients may be devices by their push tokens; a channel that is not known here may be
    one for that."""
    kind = USUAL_KIND.get(channel)
    return kind in ("device_token", "subscription") or (kind is None and channel != "rtm")


def _unique(documents: Documents, field: str, problems: list[Problem]) -> set[str]:
    """The names in `field`, also of documents that are wrong in some other way."""
    first: dict[str, str] = {}
    for where, document in documents.items():
        name = document.get(field)
        if not isinstance(name, str):
            continue  # reported as what it is
        if name in first:
            problems.append(Problem(f"{where}: {field}", f"{name} is defined in {first[name]} already"))
        first.setdefault(name, where)
    return set(first)


class Configured(Protocol):
    """What is configured, as this process knows it."""

    @property
    def current(self) -> Catalogue: ...

    async def catch_up(self) -> None:
        """Know of every change that was made before this was called: for who misses something that may have
        just been made. Raises StoreUnavailable."""


EMPTY = Catalogue(version=0, applications={}, accounts={}, handlers={})


class CatalogueFollower:
    """Keeps the newest usable catalogue at hand: `current` changes by itself within `poll_seconds` of a
    change.

    A catalogue that cannot be used (a provider this version does not know, a wrong key) leaves the one before
    in force and is named in `trouble`.
    """

    def __init__(
        self,
        store: CatalogueStore,
        registry: Registry,
        poll_seconds: float,
        on_change: Callable[[Catalogue], None] | None = None,
    ) -> None:
        self._store = store
        self._registry = registry
        self._poll_seconds = poll_seconds
        self._on_change = on_change
        self._seen = -1
        self._task: asyncio.Task[None] | None = None
        self._loading = asyncio.Lock()  # so that an older catalogue never replaces a newer one
        self._looks: GroupCommit[None, None] = GroupCommit(self._look)
        self.current = EMPTY
        self.trouble: str | None = "not loaded yet"

    async def start(self) -> None:
        """Load once, then follow. Raises StoreUnavailable; a catalogue with problems is only `trouble`."""
        async with self._loading:
            await self._load()
        self._task = asyncio.create_task(self._follow(), name="catalogue")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def refresh(self) -> None:
        """Load now if anything changed."""
        async with self._loading:
            if await self._store.version() != self._seen:
                await self._load()

    async def catch_up(self) -> None:
        """See Configured.catch_up. However many ask at once, it is one look."""
        await self._looks.do(None)

    async def _look(self, asked: Sequence[None]) -> Sequence[None]:
        await self.refresh()
        return asked

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(self._poll_seconds)
            try:
                await self.refresh()
            except UnavailableError as error:
                logger.warning("catalogue.refresh_failed", error=str(error))

    async def _load(self) -> None:
        try:
            stored = await self._store.load()
            self._seen = stored.version
            applications = {f"application {name}": document for name, document in stored.applications.items()}
            accounts = {f"account {name}": document for name, document in stored.accounts.items()}
            self.current = build_catalogue(self._registry, applications, accounts, version=stored.version)
        except ConfigurationError as error:
            self.trouble = str(error)
            logger.error("catalogue.refused", problems=[str(problem) for problem in error.problems])
            return
        self.trouble = None
        logger.info("catalogue.loaded", version=self.current.version, accounts=len(self.current.accounts))
        if self._on_change is not None:
            self._on_change(self.current)
