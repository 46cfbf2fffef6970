"""Reads a time as providers write it: seconds or milliseconds since 1970, or ISO 8601."""

from __future__ import annotations

from datetime import UTC, datetime

# Below it a number counts as seconds (the year 5138), above it as milliseconds (1973).
_FIRST_MILLISECONDS = 100_000_000_000


def read_instant(value: object) -> datetime | None:
    """The instant in UTC; None when there is none or it cannot be read, for a receipt without its time is
    better than no receipt. Digits in a string are a number; a time without an offset is taken as UTC."""
    try:
        if isinstance(value, str):
            return _from_text(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _from_number(float(value))
    except (ValueError, OverflowError, OSError):
        return None
    return None


def _from_text(value: str) -> datetime:
    try:
        number = float(value)
    except ValueError:
        instant = datetime.fromisoformat(value)
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    return _from_number(number)


def _from_number(value: float) -> datetime:
    seconds = value / 1000 if value >= _FIRST_MILLISECONDS else value
    return datetime.fromtimestamp(seconds, UTC)
