"""Proves and reads Infobip's webhooks: any number of results in one request, of both APIs.

Ids: the messageId, which repetitions share; where a message has several contents, the second and further
ones have their number behind it.
"""

from __future__ import annotations

from typing import Any

import orjson
from pydantic import Field, ValidationError

from gateway.errors import CallbackRefused
from gateway.model.address import Person
from gateway.model.base import Wire
from gateway.model.callback import CallbackItem, CallbackRequest, ItemKind
from gateway.model.content import (
    ButtonReply,
    InboundContent,
    InboundMedia,
    InboundMediaContent,
    InboundText,
    ListReply,
    LocationContent,
    ReactionContent,
    UnsupportedContent,
)
from gateway.model.receipt import DeliveryReceipt
from handlers.contract import InboundMessage
from handlers.providers.infobip.codes import Error, Status, news_of, reason_of
from handlers.providers.infobip.settings import InfobipBasic, InfobipHmac
from handlers.shared.basic import basic
from handlers.shared.instants import read_instant
from handlers.shared.json_bodies import read_callback, write_item
from handlers.shared.secret import revealed
from handlers.shared.signatures import same, signed

Json = dict[str, Any]

_MEDIA: dict[str, InboundMedia] = {
    "IMAGE": "image",
    "VIDEO": "video",
    "AUDIO": "audio",
    "DOCUMENT": "document",
    "FILE": "document",
}


class Delivery(Wire):
    """One webhook request."""

    results: tuple[Json, ...]


class Report(Wire):
    """One delivery or seen report."""

    id: str = Field(alias="messageId", min_length=1)
    reference: str | None = Field(None, alias="callbackData")
    status: Status = Status()
    error: Error = Error()
    done_at: str | None = Field(None, alias="doneAt")
    seen_at: str | None = Field(None, alias="seenAt")


class Message(Wire):
    """One message: `from`, `to` and `text` in the SMS API, the rest in the Messages API."""

    id: str = Field(alias="messageId", min_length=1)
    sms_sender: str | None = Field(None, alias="from")
    sms_to: str | None = Field(None, alias="to")
    text: str | None = None
    sender: str | None = None
    destination: str | None = None
    content: tuple[Json, ...] = ()
    answered: str | None = Field(None, alias="pairedMessageId")
    received_at: str | None = Field(None, alias="receivedAt")


class Part(Wire):
    """One content of a message; what it has depends on its type."""

    type: str
    text: str | None = None
    url: str | None = None
    id: str | None = None
    payload: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    emoji: str | None = None
    action: str | None = None


def verify(callback: InfobipBasic | InfobipHmac, request: CallbackRequest) -> None:
    """Raises CallbackRefused unless it has the user and password, or the signature, of the account."""
    if isinstance(callback, InfobipBasic):
        pairs = [basic(callback.username, password) for password in revealed(callback.password)]
        if not same(request.headers.get("authorization", ""), *pairs):
            raise CallbackRefused("the authorization header is missing or wrong")
        return
    given = request.headers.get(callback.header.lower(), "")
    secrets = revealed(callback.secret)
    algorithm, encoding = callback.algorithm, callback.encoding
    if not signed(given, secrets, request.body, algorithm=algorithm, encoding=encoding):
        raise CallbackRefused(f"the {callback.header} header is missing or wrong")


def split(body: bytes) -> tuple[CallbackItem, ...]:
    """One item per report, message, or other event."""
    try:
        results = Delivery.model_validate(read_callback(body)).results
    except ValidationError as error:
        raise CallbackRefused("not a webhook delivery of Infobip", status=400) from error
    return tuple(write_item(_kind(result), result) for result in results)


def _kind(result: Json) -> ItemKind:
    match result:
        case {"event": "MO"}:
            return "mo"
        case {"event": "DELIVERY" | "SEEN"}:
            return "dr"
        case {"event": _}:
            return "event"
        case {"status": _} | {"seenAt": _}:  # the SMS API does not name what it tells
            return "dr"
    return "mo" if "from" in result else "event"


def read_messages(body: bytes) -> tuple[InboundMessage, ...]:
    """The message of an item; several where it has several contents."""
    raw = orjson.loads(body)
    message = Message.model_validate(raw)
    contents = [_content(message, part) for part in message.content] or [_text(message, raw)]
    return tuple(
        InboundMessage(
            provider_message_id=message.id if number == 1 else f"{message.id}:{number}",
            sender=Person(kind="msisdn", id=message.sender or message.sms_sender or ""),
            to=message.destination or message.sms_to,
            content=content,
            in_reply_to=message.answered,
            sent_at=read_instant(message.received_at),
        )
        for number, content in enumerate(contents, start=1)
    )


def _text(message: Message, raw: Json) -> InboundContent:
    if message.text is not None:
        return InboundText(text=message.text)
    return UnsupportedContent(provider_type="no content", raw=raw)


def _content(message: Message, raw: Json) -> InboundContent:
    part = Part.model_validate(raw)
    match part:
        case Part(type="TEXT" | "SUBJECT", text=str(text)):
            return InboundText(text=text)
        case Part(type="BUTTON_REPLY"):
            return ButtonReply(id=part.payload or part.id or part.text or "", title=part.text)
        case Part(type="LIST_REPLY", id=str(chosen)):
            return ListReply(id=chosen, title=part.text)
        case Part(type="LOCATION", latitude=float(latitude), longitude=float(longitude)):
            return LocationContent(latitude=latitude, longitude=longitude)
        case Part(type="REACTION") if message.answered:
            emoji = part.emoji if part.action != "REMOVED" else None
            return ReactionContent(to=message.answered, emoji=emoji or "")
        case Part(url=str(url)) if part.type in _MEDIA:
            return InboundMediaContent(type=_MEDIA[part.type], url=url, caption=part.text or None)
    return UnsupportedContent(provider_type=part.type, raw=raw)


def read_receipts(body: bytes) -> tuple[DeliveryReceipt, ...]:
    """The receipt of an item. A status that has no meaning for us keeps its name, with status None."""
    report = Report.model_validate_json(body)
    if report.seen_at is not None:
        return (_receipt(report, "read", "SEEN", report.seen_at),)
    word = report.status.name or str(report.status.id)
    return (_receipt(report, news_of(report.status), word, report.done_at),)


def _receipt(report: Report, news: str | None, word: str, at: str | None) -> DeliveryReceipt:
    failed = news in ("failed", "expired")
    return DeliveryReceipt.model_validate(
        {
            "provider_message_id": report.id,
            "reference": report.reference or None,
            "status": news,
            "provider_status": word,
            "reason": reason_of(report.status, report.error) if failed else None,
            "occurred_at": read_instant(at),
        }
    )
