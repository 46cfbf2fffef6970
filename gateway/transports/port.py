"""What a handler may talk through: its only way out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

import orjson

Opener = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request to a provider."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    most_bytes: int | None = None  # the largest answer that is read, where the usual limit does not fit
    opened: Opener | None = field(default=None, repr=False, compare=False)
    """Of media that are kept enciphered: what makes of each piece of the answer, in order, a piece of the
    file. Only for answers that are streamed, and for one of them."""


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
class MqttServer:
    """An MQTT broker, and as whom to connect to it."""

    host: str
    port: int
    tls: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    protocol: Literal["5", "3.1.1"] = "5"


@dataclass(frozen=True, slots=True)
class MqttMessage:
    """A publication at QoS 1. What is not the topic, the payload or `retain` needs MQTT 5, and is left out
    where the broker speaks 3.1.1."""

    topic: str
    payload: bytes = field(repr=False)
    expiry_seconds: int | None = None  # for how long the broker keeps it for whom it has not reached
    content_type: str | None = None
    response_topic: str | None = None
    correlation_data: bytes | None = None
    user_properties: tuple[tuple[str, str], ...] = ()
    retain: bool = False


class MqttTransport(Protocol):
    async def publish(
        self, server: MqttServer, messages: Sequence[MqttMessage], *, timeout_seconds: float
    ) -> None:
        """Publish them, and wait until the broker has acknowledged all.

        Raises ProviderError for the first that fails: TRANSIENT when it cannot have reached the broker (not
        connected, DNS, TLS), UNCERTAIN when the connection broke or the time ended before the broker
        acknowledged it, AUTH when the broker refuses the login or the topic, THROTTLED when it has no room,
        PERMANENT when it refuses the message, or the topic where it has taken others. When the connection
        breaks or the time ends, that is told, whatever was refused before.
        """


@dataclass(frozen=True, slots=True)
class Token:
    """An access token that does not last."""

    value: str = field(repr=False)
    expires_at: datetime


class Tokens(Protocol):
    """Access tokens, shared by all processes: where a new one makes the old one worthless, they would
    otherwise take it from each other."""

    async def get(
        self, name: str, fetch: Callable[[], Awaitable[Token]], *, refused: str | None = None
    ) -> str:
        """The token kept under `name` while it lasts, and is not the one that the provider has just
        `refused`; else the one that `fetch` gets, which one process calls while the others wait.

        `name` is the account's, and a word more where it has several. Raises what `fetch` raises, and
        ProviderError TRANSIENT when another process takes too long.
        """


@dataclass(frozen=True, slots=True)
class Transports:
    """The ways out that `send` is handed. `http2` is for providers that speak nothing else."""

    http: HttpTransport
    http2: HttpTransport
    mqtt: MqttTransport
    tokens: Tokens
