"""What a provider's table consists of: rows of what is sent and what comes back, and how that is proved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

import orjson
from pydantic import TypeAdapter

from gateway.errors import FailureKind
from gateway.model.address import Address, Thread
from gateway.model.callback import CallbackItem, CallbackReply, CallbackRequest, ItemKind
from gateway.model.content import Content
from gateway.model.receipt import DeliveryReceipt
from gateway.transports.port import HttpRequest, HttpResponse, MqttMessage
from handlers.contract import InboundMessage, Submission
from tests.handlers.fake_http import Answer

REFERENCE = "shop/order-4711"
_CONTENT: TypeAdapter[Content] = TypeAdapter(Content)


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it must have been made: `body` is the JSON document, or the text of another body."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class Published:
    """A publication over MQTT as it must have been made: `body` is the JSON document."""

    topic: str
    body: Any
    expiry_seconds: int | None
    content_type: str | None
    correlation_data: bytes | None
    user_properties: tuple[tuple[str, str], ...]
    retain: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """What a ProviderError must say."""

    kind: FailureKind
    reason: str
    code: str | None
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class SendRow:
    """One submission and the canned answers; then the exact requests or publications, and ids, a failure, or
    a refusal."""

    name: str
    content: Mapping[str, Any]
    to: Address
    answers: tuple[Answer, ...] = ()
    requests: tuple[Sent, ...] = ()
    ids: tuple[str, ...] = ()
    receipts_follow: bool = True
    failed: Failed | None = None
    refused: str | None = None
    sender: str | None = None
    in_reply_to: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    expires_at: datetime | None = None
    part: int = 1
    account: str = "main"
    published: tuple[Published, ...] = ()
    thread: Thread | None = None
    audience: tuple[str, ...] = ()
    trace: Mapping[str, str] = field(default_factory=dict)

    @property
    def submission(self) -> Submission:
        return Submission(
            reference=REFERENCE,
            to=self.to,
            sender=self.sender,
            content=_CONTENT.validate_python(self.content),
            in_reply_to=self.in_reply_to,
            thread=self.thread,
            attributes=self.attributes,
            expires_at=self.expires_at,
            part=self.part,
            audience=self.audience,
            trace=self.trace,
        )


@dataclass(frozen=True, slots=True)
class CallbackRow:
    """One request of a provider; then the kinds of its items, and all that they hold, or a refusal."""

    name: str
    request: CallbackRequest
    kinds: tuple[ItemKind, ...] = ()
    messages: tuple[InboundMessage, ...] = ()
    receipts: tuple[DeliveryReceipt, ...] = ()
    reply: CallbackReply = field(default_factory=CallbackReply)
    refused: int | None = None
    account: str = "main"


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item of a provider that has no callbacks; then all that it holds, or, as a pattern, why it cannot be
    read."""

    name: str
    item: CallbackItem
    messages: tuple[InboundMessage, ...] = ()
    receipts: tuple[DeliveryReceipt, ...] = ()
    unreadable: str | None = None
    account: str = "main"


@dataclass(frozen=True, slots=True)
class Table:
    """All rows of one provider. One that is not spoken to over HTTP refuses every callback; what comes from
    it are `items`."""

    provider: str
    accounts: Mapping[str, Mapping[str, Any]]  # as configured; "main" is the one most rows are about
    secrets: tuple[str, ...]  # all secrets of these accounts
    sends: tuple[SendRow, ...]
    callbacks: tuple[CallbackRow, ...]
    prove: Callable[[bytes], CallbackRequest]  # the request that the provider would make with this body
    proof: str  # the header, or the parameter of the query, that proves it
    proof_covers_body: bool
    proof_in: Literal["headers", "query"] = "headers"
    before: tuple[Answer, ...] = ()  # what is answered before a send is: a fresh access token
    read: Callable[[HttpRequest], Sent] | None = None  # requests in the form of the rows, where `seen` cannot
    over: Literal["http", "mqtt"] = "http"
    items: tuple[ItemRow, ...] = ()
    read_published: Callable[[MqttMessage], Published] | None = None  # the same where `seen_published` cannot

    def proved(self, request: CallbackRequest, proof: str | None) -> CallbackRequest:
        """The same request with another proof, or without any."""
        given = {name: value for name, value in getattr(request, self.proof_in).items() if name != self.proof}
        given |= {} if proof is None else {self.proof: proof}
        return (
            replace(request, headers=given) if self.proof_in == "headers" else replace(request, query=given)
        )


def seen(request: HttpRequest) -> Sent:
    """A request that was made, in the form of the tables: its body as JSON, as text, or as it is."""
    body: Any = request.body
    if request.headers.get("content-type", "").startswith("application/json"):
        body = orjson.loads(request.body)
    elif not request.headers.get("content-type", "").startswith("multipart/"):
        body = request.body.decode()
    return Sent(request.method, request.url, dict(request.headers), body)


def seen_published(message: MqttMessage) -> Published:
    """A publication that was made, in the form of the tables."""
    return Published(
        message.topic,
        orjson.loads(message.payload),
        message.expiry_seconds,
        message.content_type,
        message.correlation_data,
        message.user_properties,
        message.retain,
    )


def answer(document: Any, status: int = 200, **headers: str) -> HttpResponse:
    """A canned answer in JSON; `retry_after="3"` is the header retry-after."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponse(status, named, orjson.dumps(document))


def posted(document: Any) -> bytes:
    """The body of a callback."""
    return document if isinstance(document, bytes) else orjson.dumps(document)
