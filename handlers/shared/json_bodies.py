"""Bodies in JSON: what goes to a provider, what comes in a callback, and the items that a callback holds."""

from __future__ import annotations

from typing import Any

import orjson

from gateway.errors import CallbackRefused, MessageRefused
from gateway.model.callback import CallbackItem, ItemKind


def write_request(document: Any) -> bytes:
    """The body of a request. Raises MessageRefused where a raw payload holds what JSON on the wire cannot:
    numbers over 64 bits, or too deep a nesting."""
    try:
        return orjson.dumps(document)
    except TypeError as error:
        raise MessageRefused("invalid_message", "the payload cannot be written as JSON") from error


def read_callback(body: bytes) -> Any:
    """The document of a callback. Raises CallbackRefused with status 400."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise CallbackRefused("the body is not JSON", status=400) from error


def write_item(kind: ItemKind, document: Any) -> CallbackItem:
    """One item of a callback. Raises CallbackRefused with status 400 for one that is nested too deeply."""
    try:
        return CallbackItem(kind, orjson.dumps(document))
    except TypeError as error:
        raise CallbackRefused("the body is nested too deeply", status=400) from error
