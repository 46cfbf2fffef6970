"""JSON Pointer (RFC 6901): which part of a document is meant."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_BAD_ESCAPE = re.compile(r"~(?![01])")


def _checked(pointer: str) -> str:
    if pointer and not pointer.startswith("/"):
        raise ValueError('a JSON pointer is empty or begins with "/"')
    if _BAD_ESCAPE.search(pointer):
        raise ValueError('in a JSON pointer "~" is written "~0", and "/" in a name "~1"')
    return pointer


Pointer = Annotated[str, AfterValidator(_checked)]


def find(document: Any, pointer: str | None) -> Any:
    """What `pointer` points at: the whole document for "". None where there is nothing, or no pointer."""
    if pointer is None:
        return None
    found = document
    for token in pointer.split("/")[1:]:
        found = _step(found, token.replace("~1", "/").replace("~0", "~"))
    return found


def find_text(document: Any, pointer: str | None) -> str | None:
    """The same as text: numbers and booleans as JSON writes them. None for an object or a list."""
    found = find(document, pointer)
    if isinstance(found, bool):
        return str(found).lower()
    if isinstance(found, int | float):
        return str(found)
    return found if isinstance(found, str) else None


def _step(value: Any, token: str) -> Any:
    if isinstance(value, dict):
        return value.get(token)
    if isinstance(value, list) and _INDEX.fullmatch(token):
        index = int(token)
        return value[index] if index < len(value) else None
    return None
