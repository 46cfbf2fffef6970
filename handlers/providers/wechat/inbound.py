"""Brings what WeChat pushes into normal form: one message, event or receipt in each push."""

from __future__ import annotations

from typing import Any

import orjson
from pydantic import ValidationError

from gateway.errors import CallbackRefused
from gateway.model.address import Person
from gateway.model.callback import CallbackItem, ItemKind
from gateway.model.content import (
    ButtonReply,
    EventContent,
    EventName,
    InboundContent,
    InboundMedia,
    InboundMediaContent,
    InboundText,
    LocationContent,
    UnsupportedContent,
)
from gateway.model.receipt import DeliveryReceipt
from handlers.contract import InboundMessage
from handlers.providers.wechat import wire
from handlers.providers.wechat.codes import reason_for, status_of
from handlers.shared.instants import read_instant
from handlers.shared.json_bodies import write_item

_MEDIA: dict[str, InboundMedia] = {
    "image": "image",
    "voice": "audio",
    "video": "video",
    "shortvideo": "video",
}
_FORMATS = {"amr": "audio/amr", "mp3": "audio/mpeg", "speex": "audio/speex"}
_EVENTS: dict[str, EventName] = {"subscribe": "opted_in", "unsubscribe": "opted_out", "SCAN": "referral"}
_RECEIPT = "TEMPLATESENDJOBFINISH"


def split(document: dict[str, Any]) -> tuple[CallbackItem, ...]:
    """The push as the one item it is. Raises CallbackRefused with status 400."""
    try:
        push = wire.Push.model_validate(document)
    except ValidationError as error:
        raise CallbackRefused("not a message of WeChat", status=400) from error
    return (write_item(_kind(push), document),)


def _kind(push: wire.Push) -> ItemKind:
    if push.kind != "event" or push.event in _EVENTS or push.event in ("CLICK", "LOCATION"):
        return "mo"
    return "dr" if push.event == _RECEIPT else "event"


def read_messages(body: bytes) -> tuple[InboundMessage, ...]:
    """The message of an item."""
    document = orjson.loads(body)
    push = wire.Push.model_validate(document)
    message = InboundMessage(
        provider_message_id=push.key_of_push,
        sender=Person(kind="openid", id=push.sender),
        to=push.to,
        content=_content(push, document),
        sent_at=read_instant(push.created),
    )
    return (message,)


def _content(push: wire.Push, document: dict[str, Any]) -> InboundContent:
    if push.kind == "event":
        return _event(push, document)
    if push.kind == "text":
        said = wire.Said.model_validate(document)
        if said.menu_id is not None:
            return ButtonReply(id=said.menu_id, title=said.text or None)
        return InboundText(text=said.text)
    if push.kind in _MEDIA:
        return _media(_MEDIA[push.kind], wire.Media.model_validate(document))
    if push.kind == "location":
        place = wire.Place.model_validate(document)
        return LocationContent(
            latitude=place.latitude, longitude=place.longitude, address=place.label or None
        )
    return UnsupportedContent(provider_type=push.kind, raw=document)


def _media(kind: InboundMedia, media: wire.Media) -> InboundMediaContent:
    return InboundMediaContent(
        type=kind,
        url=media.picture_url or None,
        media_id=wire.VIDEO_MARK + media.media_id if kind == "video" else media.media_id,
        caption=media.recognised or None,  # what a voice message says, where WeChat listens to it
        mime_type=_FORMATS.get(media.format.lower()),
    )


def _event(push: wire.Push, document: dict[str, Any]) -> InboundContent:
    if push.event == "CLICK":
        return ButtonReply(id=push.key)
    if push.event == "LOCATION":
        position = wire.Position.model_validate(document)
        return LocationContent(latitude=position.latitude, longitude=position.longitude)
    if push.event in _EVENTS:
        told = {"EventKey": push.key, "Ticket": push.ticket}
        details = {name: value for name, value in told.items() if value}
        return EventContent(name=_EVENTS[push.event], details=details)
    return UnsupportedContent(provider_type=f"event.{push.event}", raw=document)


def read_receipts(body: bytes) -> tuple[DeliveryReceipt, ...]:
    """The receipt of a template message. A word that is not known keeps its name, with status None."""
    told = wire.TemplateReceipt.model_validate_json(body)
    status = status_of(told.status)
    receipt = DeliveryReceipt(
        provider_message_id=told.id,
        status=status,
        provider_status=told.status,
        reason=reason_for(told.status) if status == "failed" else None,
        occurred_at=read_instant(told.created),
    )
    return (receipt,)
