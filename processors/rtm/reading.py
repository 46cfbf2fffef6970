"""Reads what a device published: a document that follows its schema, or a refusal that says what is wrong."""

from __future__ import annotations

import re
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from gateway.rtm.names import UpKind
from gateway.rtm.refusals import RtmRefused
from gateway.rtm.wire import MAX_UP_BYTES, REQUEST, Presence, Request, UpMessage, UpReceipt

Read = UpMessage | UpReceipt | Presence | Request

_SCHEMAS: dict[UpKind, TypeAdapter[Any]] = {
    "up": TypeAdapter(UpMessage),
    "rcpt": TypeAdapter(UpReceipt),
    "req": REQUEST,
    "presence": TypeAdapter(Presence),
}
_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_MOST_PROBLEMS = 10
_MOST_NAME = 64


def document_in(payload: bytes) -> Any:
    """The JSON of a payload. Raises RtmRefused with `too_large` or `invalid_payload`."""
    if len(payload) > MAX_UP_BYTES:
        detail = f"it has {len(payload)} bytes; at most {MAX_UP_BYTES} are taken"
        raise RtmRefused("too_large", detail)
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise RtmRefused("invalid_payload", "it is not JSON") from error


def read(kind: UpKind, document: Any) -> Read:
    """What a document says. Raises RtmRefused with `invalid_payload`, which names the fields that are wrong
    and never what is in them."""
    try:
        found: Read = _SCHEMAS[kind].validate_python(document)
    except ValidationError as error:
        raise RtmRefused("invalid_payload", _problems(kind, error)) from error
    return found


def id_in(kind: UpKind, document: Any) -> str | None:
    """The id that an answer to this names, where there is one that can be read."""
    value = document.get("message_id" if kind == "rcpt" else "id") if isinstance(document, dict) else None
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def _problems(kind: UpKind, error: ValidationError) -> str:
    rows = error.errors(include_input=False, include_url=False)
    return "; ".join(f"{_where(kind, row)}: {_why(row)}" for row in rows[:_MOST_PROBLEMS])


def _where(kind: UpKind, row: ErrorDetails) -> str:
    """The field, as it is called in the document."""
    loc = list(row["loc"])
    if row["type"] in ("union_tag_invalid", "union_tag_not_found"):
        loc.append(row["ctx"]["discriminator"].strip("'"))
    elif kind == "req":
        loc = loc[1:]  # without the action that it was read as; and so with the type of content
    elif kind == "up" and loc[:1] == ["content"]:
        loc = loc[:1] + loc[2:]
    return ".".join(str(part)[:_MOST_NAME] for part in loc) or "document"


def _why(row: ErrorDetails) -> str:
    # Of pydantic's own words these two quote what was given.
    if row["type"] == "union_tag_invalid":
        return f"is none of {row['ctx']['expected_tags']}"
    if row["type"] == "literal_error":
        return f"is none of {row['ctx']['expected']}"
    if row["type"] == "union_tag_not_found":
        return "Field required"
    return row["msg"].removeprefix("Value error, ")
