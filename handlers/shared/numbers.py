"""Takes phone numbers out of what a provider says: its words are kept for people, addresses are not."""

from __future__ import annotations

import re

# No shorter: error codes, prices and lengths have up to six digits.
_NUMBER = re.compile(r"\+?[0-9]{7,}")


def without_numbers(text: str | None) -> str | None:
    """The same words, with every phone number in them replaced."""
    return None if text is None else _NUMBER.sub("…", text)
