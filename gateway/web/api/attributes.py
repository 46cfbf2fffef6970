"""What attributes of people may be: of the type that the application profile says, small, and few. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from gateway.model.application import Application
from gateway.model.base import Instant, rfc3339
from gateway.rtm.refusals import RtmRefused

MAX_ATTRIBUTES = 64
MAX_BYTES = 16_384
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d.*")  # not the seconds since 1970, which are read as well
_INSTANT: TypeAdapter[Any] = TypeAdapter(Instant)
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1  # what the store has for whole numbers


def checked(application: Application, given: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes as they are kept; None, which takes one away, stays. Raises RtmRefused with
    `invalid_attribute`, which names the attribute."""
    return {name: _checked(application, name, value) for name, value in given.items()}


def bounded(before: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
    """Raises RtmRefused with `invalid_attribute` when a person would have too many attributes, or too
    large ones."""
    after = {name: value for name, value in {**before, **changes}.items() if value is not None}
    if len(after) > MAX_ATTRIBUTES:
        raise RtmRefused("invalid_attribute", f"a person has at most {MAX_ATTRIBUTES} attributes")
    if len(orjson.dumps(after)) > MAX_BYTES:
        raise RtmRefused("invalid_attribute", f"a person's attributes have at most {MAX_BYTES} bytes as JSON")


def sought(application: Application, name: str, text: str) -> Any:
    """The value to look for, from a query. Raises RtmRefused: `not_indexed`, `invalid_attribute`."""
    rule = application.attributes.get(name)
    if rule is None or not rule.indexed:
        known = sorted(known for known, rule in application.attributes.items() if rule.indexed)
        what = f"people are only found by attributes that are `indexed` in the profile: {', '.join(known)}"
        raise RtmRefused("not_indexed", what if known else None)
    value = _checked(application, name, text if rule.type in ("text", "time") else _read(text))
    if value is None:  # by which those who lack the attribute would be found
        raise RtmRefused("invalid_attribute", f"{name} is to be {_WORDS[rule.type]}")
    return value


def _read(text: str) -> Any:
    """A number, true or false as JSON has them; anything else is none of them."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _checked(application: Application, name: str, value: Any) -> Any:
    if not _NAME.fullmatch(name):
        raise RtmRefused("invalid_attribute", "an attribute's name has up to 64 letters, digits and _")
    if value is None:
        return None
    rule = application.attributes.get(name)
    if rule is None:
        return _free(name, value)
    kept = _TYPES[rule.type](value)
    if kept is None:
        raise RtmRefused("invalid_attribute", f"{name} is to be {_WORDS[rule.type]}")
    return kept


def _free(name: str, value: Any) -> Any:
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str | bool) or _number(each) is not None for each in values):
        raise RtmRefused(
            "invalid_attribute", f"{name} is to be text, a number, true, false or a list of them"
        )
    return value


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _integer(value: Any) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and _SMALLEST <= value <= _LARGEST else None


def _number(value: Any) -> float | None:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return _integer(value)


def _boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _time(value: Any) -> str | None:
    """In one form, so that the same time is found however it was written."""
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return None
    try:
        return rfc3339(_INSTANT.validate_python(value))
    except ValidationError:
        return None


_TYPES: dict[str, Callable[[Any], Any]] = {
    "text": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "time": _time,
}
_WORDS = {
    "text": "text",
    "integer": "a whole number of up to 64 bits",
    "number": "a number",
    "boolean": "true or false",
    "time": "a time with its zone, as in 2026-11-22T10:00:00Z",
}
