"""An application profile as the API takes and shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, ValidationError

from gateway.errors import ConfigurationError, Problem
from gateway.model.application import Application
from gateway.model.base import Contract
from gateway.rtm.refusals import RtmRefused

_DEEPEST = 8
# What the API adds to a profile; it can come back with it.
_ADDED = {"rev", "secret", "secret_count"}


class ApplicationProfile(Application):
    """An application profile. What is answered can be changed and sent back as it is."""

    rev: int | None = None
    """How often it has been changed; given, it must be the current one."""
    secret_count: Annotated[int | None, Field(json_schema_extra={"readOnly": True})] = None
    """How many secrets it has: they themselves are not shown."""
    secret: Annotated[str | None, Field(json_schema_extra={"readOnly": True}, repr=False)] = None
    """The secret that was made with it: shown this once."""

    def document(self) -> dict[str, Any]:
        """As it is kept: what was given, secrets as SecretStr."""
        return self.model_dump(exclude_unset=True, exclude=_ADDED)


class ApplicationPage(Contract):
    items: list[ApplicationProfile]
    next: str | None = None


class NewSecret(Contract):
    secret: Annotated[str, Field(repr=False)]
    """Shown this once."""
    secret_count: int
    rev: int
    """How often the profile has been changed by now."""


def shown(
    document: Mapping[str, Any], *, rev: int | None = None, secret: str | None = None
) -> dict[str, Any]:
    """A profile as it is answered: whole, with its defaults, without its secrets. Raises ConfigurationError
    for one that another version has written."""
    profile = _readable(document)
    added = {"rev": rev, "secret_count": len(profile.secrets), "secret": secret}
    return {
        **profile.model_dump(mode="json", exclude={"secrets"}, exclude_none=True),
        **{name: value for name, value in added.items() if value is not None},
    }


def _readable(document: Mapping[str, Any]) -> Application:
    try:
        return Application.model_validate(document, by_name=False)
    except ValidationError as error:
        what = "is kept in a way that this version does not read"
        raise ConfigurationError([Problem(f"application {document.get('app_id')}", what)]) from error


def merged(document: Mapping[str, Any], patch: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
    """The document with a merge patch (RFC 7396) applied. Raises RtmRefused for one that is nested deeper
    than any profile."""
    if depth == _DEEPEST:
        raise RtmRefused("invalid_payload", f"the body is nested more than {_DEEPEST} deep")
    result = dict(document)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping):
            before = result.get(name)
            result[name] = merged(before if isinstance(before, Mapping) else {}, value, depth + 1)
        else:
            result[name] = value
    return result
