"""Reads LINE's webhook and brings its events into normal form.

Ids: a message has its own, which other messages quote; anything else has the event's, which LINE repeats when
it delivers the event again.
"""

from __future__ import annotations

import orjson
from pydantic import ValidationError

from gateway.errors import CallbackRefused
from gateway.model.address import Person, Thread
from gateway.model.callback import CallbackItem
from gateway.model.content import (
    ButtonReply,
    EventContent,
    InboundContent,
    InboundMedia,
    InboundMediaContent,
    InboundText,
    LocationContent,
    UnsupportedContent,
)
from handlers.contract import InboundMessage
from handlers.providers.line import wire
from handlers.shared.instants import read_instant
from handlers.shared.json_bodies import read_callback, write_item

_READ = frozenset({"message", "postback", "follow", "unfollow", "join", "leave", "unsend"})
_MEDIA: dict[str, InboundMedia] = {"image": "image", "video": "video", "audio": "audio", "file": "document"}


def split(body: bytes) -> tuple[CallbackItem, ...]:
    """One item for each event."""
    try:
        delivery = wire.Delivery.model_validate(read_callback(body))
        return tuple(_item(delivery.destination, event) for event in delivery.events)
    except ValidationError as error:
        raise CallbackRefused("not a webhook delivery of LINE", status=400) from error


def _item(destination: str | None, event: wire.Json) -> CallbackItem:
    kind = wire.Kind.model_validate(event)
    # In standby another system of the business has the conversation, and nothing may be answered from here.
    ours = kind.type in _READ and kind.mode == "active"
    return write_item("mo" if ours else "event", {"destination": destination, "events": [event]})


def read_messages(body: bytes) -> tuple[InboundMessage, ...]:
    """What the event of an item says."""
    item = wire.EventItem.model_validate(orjson.loads(body))
    event = wire.Event.model_validate(item.events[0])
    message = event.message if event.type == "message" else None
    person, thread = _chat(event.source)
    return (
        InboundMessage(
            provider_message_id=message.id if message else event.webhook_event_id,
            sender=person,
            to=item.destination,
            content=_said(message, item.events[0]["message"]) if message else _happened(event),
            thread=thread,
            in_reply_to=message.quoted_message_id if message else None,
            deleted=event.type == "unsend",
            sent_at=read_instant(event.timestamp),
        ),
    )


def _chat(source: wire.Source) -> tuple[Person, Thread | None]:
    # Who answers in a group answers to the group, so the group is the address, whoever wrote.
    chat = {"group": source.group_id, "room": source.room_id}.get(source.type)
    if chat is not None:
        return Person(kind="chat_id", id=chat), Thread(id=chat, type="conversation")
    if source.user_id is None:
        raise ValueError("the event has no source that could be answered")
    return Person(kind="user_id", id=source.user_id), None


def _said(message: wire.Message, raw: wire.Json) -> InboundContent:
    if message.type == "text" and message.text is not None:
        return InboundText(text=message.text)
    if message.type in _MEDIA:
        elsewhere = message.content_provider.url if message.content_provider.type == "external" else None
        return InboundMediaContent(
            type=_MEDIA[message.type],
            url=elsewhere,
            media_id=None if elsewhere else message.id,
            filename=message.file_name,
        )
    if message.type == "sticker" and message.package_id and message.sticker_id:
        sticker = f"{message.package_id}:{message.sticker_id}"  # as it is sent
        return InboundMediaContent(type="sticker", media_id=sticker, caption=message.text)
    if message.type == "location" and message.latitude is not None and message.longitude is not None:
        return LocationContent(
            latitude=message.latitude,
            longitude=message.longitude,
            name=message.title or None,
            address=message.address or None,
        )
    return UnsupportedContent(provider_type=message.type, raw=raw)


def _happened(event: wire.Event) -> InboundContent:
    match event.type:
        case "postback" if event.postback is not None:
            return ButtonReply(id=event.postback.data)
        case "follow" if event.follow.get("isUnblocked") is True:
            return EventContent(name="unblocked", details=event.follow)
        case "follow":
            return EventContent(name="opted_in", details=event.follow)
        case "join":  # a group took the bot in
            return EventContent(name="opted_in")
        case "unfollow" | "leave":
            return EventContent(name="blocked")
        case "unsend":
            return EventContent(name="message_deleted", details=event.unsend)
    raise ValueError("an event that is not read")
