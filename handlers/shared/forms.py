"""Forms (application/x-www-form-urlencoded): what goes to a provider, and what comes in a callback."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

from gateway.errors import MessageRefused

FORM = {"content-type": "application/x-www-form-urlencoded"}

Form = dict[str, str | Sequence[str]]


def form_of(payload: Mapping[str, Any]) -> Form:
    """The fields that a raw payload asks for: texts, numbers, booleans, and lists of them. Raises
    MessageRefused for anything else."""
    return {
        name: [_field(each) for each in value] if isinstance(value, list) else _field(value)
        for name, value in payload.items()
    }


def _field(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise MessageRefused("invalid_message", "a field of a raw payload is a text, a number, or a list of them")


def write_form(fields: Form) -> bytes:
    """The body of a request. A field with several values comes several times."""
    return urlencode(fields, doseq=True).encode()


def read_form(body: bytes) -> tuple[tuple[str, str], ...]:
    """The fields of a body, in their order, empty ones included. Any bytes can be read: what is not UTF-8 is
    replaced, and what is no form has strange fields."""
    return tuple(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
