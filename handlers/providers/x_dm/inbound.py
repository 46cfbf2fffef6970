"""Reads what X delivers: splits it into messages and receipts, and brings those into normal form. What our
own user wrote, here or in X's apps, comes back as an event."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from pydantic import ValidationError

from gateway.errors import CallbackRefused
from gateway.model.address import Person
from gateway.model.callback import CallbackItem, ItemKind
from gateway.model.content import (
    ButtonReply,
    EventContent,
    InboundContent,
    InboundMedia,
    InboundMediaContent,
    InboundText,
    UnsupportedContent,
)
from gateway.model.receipt import DeliveryReceipt, Watermark
from handlers.contract import InboundMessage
from handlers.providers.x_dm import wire
from handlers.shared.instants import read_instant
from handlers.shared.json_bodies import read_callback, write_item

_KINDS: dict[str, ItemKind] = {
    "direct_message_events": "mo",
    "direct_message_indicate_typing_events": "mo",
    "direct_message_mark_read_events": "dr",
}
_MEDIA: dict[str, InboundMedia] = {"photo": "image", "video": "video", "animated_gif": "video"}
# An id is made of a time, 22 bits to the right of it, in milliseconds since this one.
_FIRST_MILLISECOND = 1_288_834_974_657


def split(body: bytes, our_id: str) -> tuple[CallbackItem, ...]:
    """One item per message, read mark and typing mark; anything else is one event as it is."""
    document = read_callback(body)
    if not isinstance(document, dict):
        raise CallbackRefused("not a delivery of X", status=400)
    try:
        delivery = wire.Delivery.model_validate(_unwrapped(document))
    except ValidationError as error:
        raise CallbackRefused("not a delivery of X", status=400) from error
    return tuple(_items(delivery, our_id)) or (write_item("event", document),)


def _unwrapped(document: wire.Json) -> wire.Json:
    """A delivery in the form of Account Activity, which the X Activity API has as its payload."""
    match document:
        case {"data": {"filter": {"user_id": str() as user_id}, "payload": dict() as payload}}:
            return {"for_user_id": user_id, **payload}
    return document


def _items(delivery: wire.Delivery, our_id: str) -> Iterator[CallbackItem]:
    for name, kind in _KINDS.items():
        for event in getattr(delivery, name):
            sender = _sender(event)
            to_us = delivery.for_user_id == our_id and sender not in ("", our_id)
            said = event.get("type", "message_create") == "message_create"
            users = {sender: delivery.users[sender]} if sender in delivery.users else {}
            item = {"for_user_id": delivery.for_user_id, name: [event], "users": users}
            yield write_item(kind if to_us and said else "event", item)


def _sender(event: wire.Json) -> str:
    created = event.get("message_create")
    sender = (created if isinstance(created, dict) else event).get("sender_id")
    return sender if isinstance(sender, str) else ""


def read_messages(body: bytes) -> tuple[InboundMessage, ...]:
    """The message of an item, or that somebody types."""
    item = wire.Delivery.model_validate_json(body)
    messages = [_message(item, raw) for raw in item.direct_message_events]
    typings = [_typing(item, raw) for raw in item.direct_message_indicate_typing_events]
    return (*messages, *typings)


def _message(item: wire.Delivery, raw: wire.Json) -> InboundMessage:
    message = wire.Message.model_validate(raw)
    created = message.message_create
    return InboundMessage(
        provider_message_id=message.id,
        sender=_person(item, created.sender_id),
        to=item.for_user_id,
        content=_content(created.message_data, raw["message_create"]["message_data"]),
        sent_at=read_instant(message.created_timestamp),
    )


def _typing(item: wire.Delivery, raw: wire.Json) -> InboundMessage:
    typing = wire.Typing.model_validate(raw)
    return InboundMessage(
        provider_message_id=f"typing:{typing.sender_id}:{typing.created_timestamp}",
        sender=_person(item, typing.sender_id),
        to=item.for_user_id,
        content=EventContent(name="typing"),
        sent_at=read_instant(typing.created_timestamp),
    )


def _person(item: wire.Delivery, user_id: str) -> Person:
    told = item.users.get(user_id, {})
    user = wire.User.model_validate(told.get("data", told))  # the X Activity API wraps users, too
    return Person(kind="user_id", id=user_id, name=user.name or user.screen_name)


def _content(said: wire.MessageData, raw: wire.Json) -> InboundContent:
    if said.quick_reply_response is not None:
        return ButtonReply(id=said.quick_reply_response.metadata, title=said.text or None)
    if said.attachment is None:
        return InboundText(text=said.text)
    media = said.attachment.media
    url = _place(media) if media else None
    if media is None or url is None or media.type not in _MEDIA:
        kind = media.type if media else said.attachment.type
        return UnsupportedContent(provider_type=f"attachment.{kind}", raw=raw)
    # X puts a link to the file into the text, behind what the person wrote.
    caption = said.text.replace(media.url, "").strip() if media.url else said.text
    return InboundMediaContent(type=_MEDIA[media.type], url=url, caption=caption or None)


def _place(media: wire.Media) -> str | None:
    """Where the file is: of a video, where the best one is."""
    files = [variant for variant in media.video_info.variants if variant.bitrate >= 0]
    best = max(files, key=lambda variant: variant.bitrate, default=None)
    return best.url if best else media.media_url_https


def read_receipts(body: bytes) -> tuple[DeliveryReceipt, ...]:
    """That somebody has read everything up to a message: up to the instant that is in the message's id."""
    item = wire.Delivery.model_validate_json(body)
    reads = [wire.Read.model_validate(raw) for raw in item.direct_message_mark_read_events]
    return tuple(
        DeliveryReceipt(
            watermark=Watermark(recipient=read.sender_id, until=_instant_of(read.last_read_event_id)),
            status="read",
            provider_status="mark_read",
            occurred_at=read_instant(read.created_timestamp),
        )
        for read in reads
    )


def _instant_of(event_id: str) -> datetime:
    milliseconds = (int(event_id) >> 22) + _FIRST_MILLISECOND
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError("the id of the message has no time in it") from error
