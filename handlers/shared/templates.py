"""Fills `{{name}}` placeholders in texts and in the strings of a JSON document, and does nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

_PLACEHOLDER = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")

Values = Mapping[str, str | None]


def placeholders(template: Any) -> Iterator[str]:
    """The names of all placeholders in a text or in the strings of a JSON document. Raises ValueError for one
    that is not closed, and for one in the name of a JSON field."""
    if isinstance(template, str):
        if "{{" in _PLACEHOLDER.sub("", template):
            raise ValueError("a placeholder is not closed: it is written {{name}}")
        yield from _PLACEHOLDER.findall(template)
    elif isinstance(template, Mapping):
        for key, value in template.items():
            if _PLACEHOLDER.search(str(key)):
                raise ValueError("placeholders belong into values, not into the names of fields")
            yield from placeholders(value)
    elif isinstance(template, list | tuple):
        for value in template:
            yield from placeholders(value)


def fill(template: str, values: Values, escape: Callable[[str], str] = str) -> str | None:
    """The text with every placeholder replaced; one without a value leaves nothing behind.

    None when the whole text is one placeholder that has no value.
    """
    whole = _PLACEHOLDER.fullmatch(template)
    if whole and values.get(whole[1]) is None:
        return None
    return _PLACEHOLDER.sub(lambda match: escape(values.get(match[1]) or ""), template)


def fill_url(template: str, values: Values) -> str:
    """A part of a URL: what is filled in is percent-encoded, so it stays within its place."""
    return fill(template, values, lambda value: quote(value, safe="")) or ""


def fill_fields(template: Mapping[str, str], values: Values) -> dict[str, str]:
    """Form fields or headers. One that is nothing but a placeholder without a value is left out."""
    filled = {name: fill(text, values) for name, text in template.items()}
    return {name: text for name, text in filled.items() if text is not None}


def fill_json(template: Any, values: Values) -> Any:
    """A JSON document: numbers and booleans stay what they are. A field or list element that is nothing but a
    placeholder without a value is left out."""
    if isinstance(template, str):
        return fill(template, values)
    if isinstance(template, Mapping):
        return {name: fill_json(part, values) for name, part in template.items() if _said(part, values)}
    if isinstance(template, list | tuple):
        return [fill_json(part, values) for part in template if _said(part, values)]
    return template


def _said(part: Any, values: Values) -> bool:
    return not isinstance(part, str) or fill(part, values) is not None
