"""A callback: an HTTP request from a provider, the items in it, and what the provider wants to hear."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

ItemKind = Literal["mo", "dr", "event"]


@dataclass(frozen=True, slots=True)
class CallbackRequest:
    """A provider's HTTP request as it came in. Header names are lower case; `body` is untouched."""

    method: str
    url: str  # as the provider called it: scheme, host and path as seen from outside
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class CallbackItem:
    """One message, receipt or event of a callback, still in the provider's words.

    `body` is what is put on the queue: the part of the request that this item is about, with whatever of the
    surrounding envelope is needed to read it later.
    """

    kind: ItemKind
    body: bytes


@dataclass(frozen=True, slots=True)
class CallbackReply:
    """The HTTP answer this provider expects once everything is safely on the queue."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain"
    headers: Mapping[str, str] = field(default_factory=dict)
