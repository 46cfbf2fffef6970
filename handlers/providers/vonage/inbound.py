"""Proves and reads the webhooks of the Messages API."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import orjson
from pydantic import Field

from gateway.errors import CallbackRefused
from gateway.model.address import AddressKind, Person
from gateway.model.base import Wire
from gateway.model.callback import CallbackItem, CallbackRequest
from gateway.model.content import (
    ButtonReply,
    InboundContent,
    InboundMedia,
    InboundMediaContent,
    InboundText,
    LocationContent,
    ReactionContent,
    UnsupportedContent,
)
from gateway.model.receipt import DeliveryReceipt
from handlers.contract import InboundMessage
from handlers.providers.vonage.codes import MESSAGE_FAILURES, MESSAGE_STATUSES, TTL_OVER, reason_for
from handlers.shared.instants import read_instant
from handlers.shared.json_bodies import read_callback
from handlers.shared.jwts import read_jwt
from handlers.shared.signatures import same

_MEDIA: dict[str, InboundMedia] = {
    "image": "image",
    "video": "video",
    "audio": "audio",
    "file": "document",
    "vcard": "document",
    "sticker": "sticker",
}


class Problem(Wire):
    """An error: of an answer, or in a status."""

    type: str = ""
    title: str | int = ""
    detail: str = ""

    @property
    def code(self) -> str:
        """What `type` ends in, "…/messages#1120"; the title of a status is the code itself, too."""
        return self.type.partition("#")[2] or str(self.title)


class Profile(Wire):
    name: str | None = None


class Context(Wire):
    message_uuid: str | None = None


class Message(Wire):
    """What all messages have in common."""

    message_uuid: str = Field(min_length=1)
    message_type: str
    channel: str = ""
    sender: str = Field(alias="from")
    to: str | None = None
    timestamp: str | None = None
    text: str | None = None
    profile: Profile = Profile()
    context: Context = Context()


class Media(Wire):
    url: str
    caption: str | None = None
    name: str | None = None


class Location(Wire):
    lat: float
    long: float
    name: str | None = None
    address: str | None = None


class Reply(Wire):
    """A pressed button, or a row chosen from a list: nothing tells them apart."""

    id: str
    title: str | None = None


class TemplateButton(Wire):
    payload: str | None = None
    text: str | None = None


class Reaction(Wire):
    action: str = "react"
    emoji: str = ""


class Status(Wire):
    """One delivery receipt."""

    message_uuid: str = Field(min_length=1)
    status: str
    timestamp: str | None = None
    client_ref: str | None = None
    error: Problem = Problem()


def verify(request: CallbackRequest, secrets: Sequence[str]) -> None:
    """Raises CallbackRefused unless a token signed with one of the secrets holds the hash of the body."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    claims = None
    if scheme.lower() == "bearer":
        claims = read_jwt(token, [secret.encode() for secret in secrets], required=["payload_hash"])
    told = claims.get("payload_hash") if claims else None
    if not isinstance(told, str) or not same(told.lower(), hashlib.sha256(request.body).hexdigest()):
        raise CallbackRefused("the token in the authorization header is missing or wrong")


def split(body: bytes) -> tuple[CallbackItem, ...]:
    """The webhook as the one item it is."""
    document = read_callback(body)
    if not isinstance(document, dict):
        raise CallbackRefused("not a webhook of the Messages API", status=400)
    if not document.get("message_uuid"):
        return (CallbackItem("event", body),)
    if "status" in document:
        return (CallbackItem("dr", body),)
    return (CallbackItem("mo" if "message_type" in document else "event", body),)


def read_messages(body: bytes) -> tuple[InboundMessage, ...]:
    """The message of an item."""
    raw = orjson.loads(body)
    message = Message.model_validate(raw)
    return (
        InboundMessage(
            provider_message_id=message.message_uuid,
            sender=Person(kind=_kind(message), id=message.sender, name=message.profile.name or None),
            to=message.to,
            content=_content(message, raw),
            in_reply_to=message.context.message_uuid,
            sent_at=read_instant(message.timestamp),
        ),
    )


def _kind(message: Message) -> AddressKind:
    if message.channel == "messenger":
        return "psid"
    # On WhatsApp, people who hide their number have an id that begins with a country: "US.1349…".
    return "bsuid" if "." in message.sender else "msisdn"


def _content(message: Message, raw: dict[str, Any]) -> InboundContent:
    kind = message.message_type
    part = raw.get(kind)
    match kind:
        case "text":
            return InboundText(text=message.text or "")
        case "reply":
            reply = Reply.model_validate(part)
            return ButtonReply(id=reply.id, title=reply.title)
        case "button":
            button = TemplateButton.model_validate(part)
            return ButtonReply(id=button.payload or button.text or "", title=button.text)
        case "location":
            place = Location.model_validate(part)
            return LocationContent(
                latitude=place.lat,
                longitude=place.long,
                name=place.name or None,
                address=place.address or None,
            )
        case "reaction" if message.context.message_uuid:
            reaction = Reaction.model_validate(part)
            emoji = reaction.emoji if reaction.action == "react" else ""
            return ReactionContent(to=message.context.message_uuid, emoji=emoji)
    if kind in _MEDIA:
        media = Media.model_validate(part)
        return InboundMediaContent(
            type=_MEDIA[kind], url=media.url, caption=media.caption or None, filename=media.name or None
        )
    unknown = part if isinstance(part, dict) else raw
    return UnsupportedContent(provider_type=kind, raw=unknown)


def read_receipts(body: bytes) -> tuple[DeliveryReceipt, ...]:
    """The receipt of an item. A status that has no meaning for us keeps its name, with status None."""
    told = Status.model_validate_json(body)
    news = MESSAGE_STATUSES.get(told.status)
    code, text = told.error.code, told.error.detail
    receipt = DeliveryReceipt(
        provider_message_id=told.message_uuid,
        reference=told.client_ref or None,
        status="expired" if news == "failed" and code == TTL_OVER else news,
        provider_status=told.status,
        reason=reason_for(MESSAGE_FAILURES, code, text) if news == "failed" else None,
        occurred_at=read_instant(told.timestamp),
    )
    return (receipt,)
