"""`/v1/applications`: application profiles are made, read, changed, listed and removed."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from pydantic import RootModel, SecretStr, ValidationError

from gateway.errors import Problem, UnavailableError
from gateway.model.base import Contract
from gateway.rtm.refusals import RtmRefused
from gateway.store.catalog import CatalogueStore
from gateway.store.customers import Customers
from gateway.store.threads import Threads
from gateway.store.topics import Topics
from gateway.web.api.application_models import ApplicationPage, ApplicationProfile, NewSecret, merged, shown
from gateway.web.api.configured import Configured
from gateway.web.api.operations import Call, Fault, Nothing, Operation, Route, bind
from gateway.web.api.paging import PageQuery, page
from gateway.web.api.reading import Faulty, faults_of

logger = structlog.get_logger("api")

_TAG, _ALL = "applications", "/applications"
_ONE = f"{_ALL}/{{app_id}}"
_SOON = (
    " It is in force in all processes within IMGW_CATALOGUE__POLL_SECONDS (2 s): for so long, MT and clients"
    " of a new application may still be refused with `unknown_application`."
)
_READ = (
    "What `rev` says is compared, where it is given: it is refused when somebody changed the profile since."
    + _SOON
)


class ApplicationPatch(RootModel[dict[str, Any]]):
    """Fields of a profile, as a JSON merge patch (RFC 7396): what is null goes back to its default."""


class SecretQuery(Contract):
    rev: int | None = None
    """How often the profile has been changed; given, it must be the current one."""


LIST = Operation("listApplications", "GET", _ALL, _TAG, "List profiles", PageQuery, Nothing, ApplicationPage)
CREATE = Operation(
    id="createApplication",
    method="POST",
    path=_ALL,
    tag=_TAG,
    summary="Make a profile",
    query=Nothing,
    body=ApplicationProfile,
    answer=ApplicationProfile,
    status=201,
    refusals=("already_exists", "invalid_profile"),
    description="Without `secrets`, one is made, and shown in this answer only: if that does not come, and"
    " the profile is there (`already_exists`), make a new secret." + _SOON,
)
GET = Operation("getApplication", "GET", _ONE, _TAG, "Get a profile", Nothing, Nothing, ApplicationProfile)
REPLACE = Operation(
    id="replaceApplication",
    method="PUT",
    path=_ONE,
    tag=_TAG,
    summary="Replace a profile",
    query=Nothing,
    body=ApplicationProfile,
    answer=ApplicationProfile,
    refusals=("changed_meanwhile", "invalid_profile"),
    description=f"Without `secrets`, those that it has stay. {_READ}",
)
CHANGE = Operation(
    id="changeApplication",
    method="PATCH",
    path=_ONE,
    tag=_TAG,
    summary="Change fields of a profile",
    query=Nothing,
    body=ApplicationPatch,
    answer=ApplicationProfile,
    refusals=("changed_meanwhile", "invalid_profile"),
    description=_READ,
)
REMOVE = Operation(
    id="removeApplication",
    method="DELETE",
    path=_ONE,
    tag=_TAG,
    summary="Remove a profile, with its people, threads and topics",
    query=Nothing,
    body=Nothing,
    status=204,
    refusals=("still_enabled", "still_in_use"),
    description="Its messages stay until their retention is over.",
)
ROTATE = Operation(
    id="makeSecret",
    method="POST",
    path=f"{_ONE}/secrets",
    tag=_TAG,
    summary="Make a new secret to sign tokens with",
    query=SecretQuery,
    body=Nothing,
    answer=NewSecret,
    status=201,
    refusals=("changed_meanwhile", "invalid_profile"),
    description="Tokens that the one before has signed are taken as long as they last; older ones no more. So"
    " asked twice, it ends the tokens that are out: give `rev`, with which a repetition is refused."
    " Where the gateway makes the logins (`access: dynamic_security`), each lasts until its token ends,"
    " whatever has signed it: delete the device to end it.",
)
OPERATIONS = (LIST, CREATE, GET, REPLACE, CHANGE, REMOVE, ROTATE)


@dataclass(frozen=True, slots=True)
class ApplicationRoutes:
    """Does what is asked of profiles: in the store, and then at once in this process."""

    store: CatalogueStore
    configured: Configured
    customers: Customers
    threads: Threads
    topics: Topics

    def routes(self) -> list[Route]:
        return [
            bind(LIST, self.list),
            bind(CREATE, self.create),
            bind(GET, self.get),
            bind(REPLACE, self.replace),
            bind(CHANGE, self.change),
            bind(REMOVE, self.remove),
            bind(ROTATE, self.rotate),
        ]

    async def list(self, call: Call[PageQuery, Nothing]) -> dict[str, Any]:
        revs = await self.store.revs()  # before what they are of: an older one only refuses a change
        stored = (await self.store.load()).applications
        after = call.query.after or ""
        ids = [app_id for app_id in sorted(stored) if app_id > after]

        def one(app_id: str) -> dict[str, Any]:
            return shown(stored[app_id], rev=revs.get(app_id, 0))

        return page(call.query, ids, str, one)

    async def create(self, call: Call[Nothing, ApplicationProfile]) -> dict[str, Any]:
        document = call.body.document()
        made = None if "secrets" in document else new_secret()
        if made is not None:
            document["secrets"] = [SecretStr(made)]
        await self._write(call.body.app_id, document, expected=None)
        return shown(document, rev=1, secret=made)

    async def get(self, call: Call[Nothing, Nothing]) -> dict[str, Any]:
        document, rev = await self._found(call.app_id)
        return shown(document, rev=rev)

    async def replace(self, call: Call[Nothing, ApplicationProfile]) -> dict[str, Any]:
        before, rev = await self._found(call.app_id)
        _unchanged(call.body.rev, rev)
        document = call.body.document()
        if "secrets" not in document and "secrets" in before:
            document["secrets"] = before["secrets"]
        return await self._replaced(call.app_id, document, rev)

    async def change(self, call: Call[Nothing, ApplicationPatch]) -> dict[str, Any]:
        before, rev = await self._found(call.app_id)
        try:
            profile = ApplicationProfile.model_validate(merged(before, call.body.root), by_name=False)
        except ValidationError as error:
            raise Faulty("invalid_payload", faults_of(error)) from error
        _unchanged(profile.rev, rev)
        return await self._replaced(call.app_id, profile.document(), rev)

    async def remove(self, call: Call[Nothing, Nothing]) -> None:
        document, _ = await self._found(call.app_id)
        if document.get("enabled", True):
            raise RtmRefused("still_enabled")
        # What else is wrong already is no reason to keep it.
        before = await self.configured.problems(call.app_id, document)
        after = await self.configured.problems(call.app_id, None)
        if named := [problem for problem in after if problem not in before]:
            raise Faulty("still_in_use", _as_faults(named))
        # The profile last: as long as it is there, this can be repeated.
        await self.customers.drop(call.app_id)
        await self.threads.drop(call.app_id)
        await self.topics.drop(call.app_id)
        if not await self.store.remove_application(call.app_id):
            raise RtmRefused("unknown_application", "there is no such application")
        logger.info("application.removed", app_id=call.app_id)
        await self._take_over(call.app_id)

    async def rotate(self, call: Call[SecretQuery, Nothing]) -> NewSecret:
        before, rev = await self._found(call.app_id)
        _unchanged(call.query.rev, rev)
        made = new_secret()
        kept = [SecretStr(made), *_sealable(before.get("secrets", ()))][:2]
        await self._replaced(call.app_id, {**before, "secrets": kept}, rev)
        return NewSecret(secret=made, secret_count=len(kept), rev=rev + 1)

    async def _found(self, app_id: str) -> tuple[dict[str, Any], int]:
        found = await self.store.application(app_id)
        if found is None:
            raise RtmRefused("unknown_application", "there is no such application")
        return found

    async def _replaced(self, app_id: str, document: dict[str, Any], rev: int) -> dict[str, Any]:
        if document.get("app_id") != app_id:
            raise Faulty("invalid_payload", [Fault(field="app_id", detail="is not the one in the path")])
        await self._write(app_id, document, expected=rev)
        return shown(document, rev=rev + 1)

    async def _write(self, app_id: str, document: dict[str, Any], *, expected: int | None) -> None:
        document["secrets"] = _sealable(document.get("secrets", ()))
        if problems := await self.configured.problems(app_id, document):
            raise Faulty("invalid_profile", _as_faults(problems))
        if not await self.store.put_application(document, expected=expected):
            raise RtmRefused("already_exists" if expected is None else "changed_meanwhile")
        logger.info("application.written", app_id=app_id, new=expected is None)
        await self._take_over(app_id)

    async def _take_over(self, app_id: str) -> None:
        """What is written is answered as written, also when the store is away by now: the secret that was
        made with it is shown once, it comes into force within seconds, and without an index people are only
        found more slowly."""
        try:
            await self.configured.refresh()
            application = self.configured.application(app_id)
            if application is not None:
                await self.customers.ensure(application)
        except UnavailableError as error:
            logger.warning("application.take_over_failed", app_id=app_id, error=str(error))


def new_secret() -> str:
    """A secret for tokens: 43 characters that nobody can guess."""
    return secrets.token_urlsafe(32)


def _unchanged(known: int | None, rev: int) -> None:
    if known is not None and known != rev:
        raise RtmRefused("changed_meanwhile")


def _sealable(values: Sequence[str | SecretStr]) -> list[SecretStr]:
    return [value if isinstance(value, SecretStr) else SecretStr(value) for value in values]


def _as_faults(problems: Sequence[Problem]) -> list[Fault]:
    """The profile's own problems by their field; others name where they are."""
    return [Fault(field=problem.where.removeprefix("profile: "), detail=problem.what) for problem in problems]
