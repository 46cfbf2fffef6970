"""Makes any value fit for a log line: plain, short, on one line, and without secrets and message texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from itertools import islice
from pathlib import PurePath
from uuid import UUID

from gateway.errors import GatewayError
from gateway.model.base import rfc3339
from gateway.telemetry.redact import REDACTED, holds_message, looks_secret, redact_text

_LONGEST = 2_000  # characters of one text
_MOST = 50  # items of one list or mapping
_DEEPEST = 6

# Line ends and terminal escapes would let a value forge further log lines; half a surrogate pair cannot be
# written as UTF-8.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]


def clean(value: object, key: str = "", depth: int = 0) -> Plain:
    """`value` as JSON can hold it. Objects that are not known to be harmless become their type's name."""
    if value is None or isinstance(value, bool):
        return value
    if looks_secret(key):
        return REDACTED
    if holds_message(key):
        return f"<{len(value)} characters>" if isinstance(value, str | bytes) else "<message>"
    if isinstance(value, Mapping | list | tuple | set | frozenset) and depth >= _DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        items = islice(value.items(), _MOST)
        return {clean_text(str(name)): clean(item, str(name), depth + 1) for name, item in items}
    if isinstance(value, list | tuple | set | frozenset):
        return [clean(item, "", depth + 1) for item in islice(value, _MOST)]
    return _clean_one(value)


def _clean_one(value: object) -> Plain:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, int):
        return int(value) if abs(value) < 2**63 else str(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return rfc3339(value)
    if isinstance(value, date | PurePath | UUID):
        return clean_text(str(value))
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if isinstance(value, GatewayError):
        return clean_text(f"{type(value).__name__}: {value}")
    return f"<{type(value).__name__}>"


def clean_text(text: str) -> str:
    """One line of bounded length, secrets taken out before it is cut."""
    text = redact_text(text[: 16 * _LONGEST])
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}… ({len(text)} characters)"
    if text.isprintable():
        return text
    return _CONTROL.sub(lambda match: f"\\x{ord(match.group()):02x}", text)
