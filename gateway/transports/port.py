"""What a handler may talk through: its only way out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request to a provider."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A provider's answer, read whole. Header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        """The body as JSON; None when it is not."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None


class HttpTransport(Protocol):
    async def request(self, request: HttpRequest, *, timeout_seconds: float) -> HttpResponse:
        """Send it and read the answer.

        Raises ProviderError: TRANSIENT when the request cannot have reached the provider (DNS, connect, TLS),
        UNCERTAIN when it may have (time-out or reset after writing, an answer cut short or over the size
        limit). Any complete answer is returned, whatever its status.
        """


@dataclass(frozen=True, slots=True)
class Transports:
    """The ways out that `send` is handed."""

    http: HttpTransport
