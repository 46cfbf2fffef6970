"""The two bases that every model here is built on, and the id and time forms they share."""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, PlainSerializer, StringConstraints


def to_utc_milliseconds(value: datetime) -> datetime:
    """The same instant in UTC, cut to milliseconds: what queues and the store keep."""
    value = value.astimezone(UTC)
    return value.replace(microsecond=value.microsecond // 1000 * 1000)


def _instant(value: datetime) -> datetime:
    try:
        return to_utc_milliseconds(value)
    except OverflowError:  # the first and last hours there are, in another zone
        raise ValueError("is not a time that UTC has") from None


def rfc3339(value: datetime) -> str:
    """`2026-11-22T10:00:00.000Z`."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def now() -> datetime:
    """The current instant in UTC, cut to milliseconds."""
    return to_utc_milliseconds(datetime.now(UTC))


def uuid7() -> str:
    """A UUID version 7 (RFC 9562): sortable by the time it was made."""
    milliseconds = time.time_ns() // 1_000_000
    value = bytearray(milliseconds.to_bytes(6, "big") + os.urandom(10))
    value[6] = 0x70 | (value[6] & 0x0F)
    value[8] = 0x80 | (value[8] & 0x3F)
    return str(uuid.UUID(bytes=bytes(value)))


def event_id(*parts: str) -> str:
    """An id that is the same for the same news: 32 hex digits over its parts."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


Instant = Annotated[
    AwareDatetime,
    AfterValidator(_instant),
    PlainSerializer(rfc3339, return_type=str, when_used="json"),
]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]  # message ids
Name = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
]  # app ids, accounts, channels


class Contract(BaseModel):
    """What crosses a border of the gateway: immutable, unknown fields refused, input never in an error."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )


class Wire(BaseModel):
    """A provider's own message: unknown fields ignored, input never in an error."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, populate_by_name=True)
