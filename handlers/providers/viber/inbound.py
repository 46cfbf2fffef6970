"""Reads Viber's callbacks and brings them into normal form. Each is about one thing, and is kept as it came.

Ids: a message is its token. What else happens has a token of its own, behind the name of the event.
"""

from __future__ import annotations

from pydantic import ValidationError

from gateway.errors import CallbackRefused, FailureKind
from gateway.model.address import Person
from gateway.model.callback import CallbackItem, ItemKind
from gateway.model.content import (
    ButtonReply,
    ContactContent,
    EventContent,
    EventName,
    InboundContent,
    InboundMedia,
    InboundMediaContent,
    InboundText,
    LocationContent,
    UnsupportedContent,
)
from gateway.model.receipt import DeliveryReceipt, Reason
from handlers.contract import InboundMessage
from handlers.providers.viber import wire
from handlers.providers.viber.codes import STATUSES
from handlers.shared.instants import read_instant
from handlers.shared.json_bodies import read_callback

REGISTRATION = "webhook"
CONVERSATION_STARTED = "conversation_started"
_EVENTS: dict[str, EventName] = {
    "subscribed": "opted_in",
    "unsubscribed": "opted_out",
    CONVERSATION_STARTED: "conversation_started",
}
_MEDIA: dict[str, InboundMedia] = {"picture": "image", "video": "video", "file": "document"}


def event_of(body: bytes) -> str:
    """The name of a callback's event. Raises CallbackRefused with status 400."""
    try:
        return wire.Kind.model_validate(read_callback(body)).event
    except ValidationError as error:
        raise CallbackRefused("not a callback of Viber", status=400) from error


def split(body: bytes) -> tuple[CallbackItem, ...]:
    """The callback as the one item it is; nothing for the test of a new webhook."""
    event = event_of(body)
    if event == REGISTRATION:
        return ()
    kind: ItemKind = "event"
    if event == "message" or event in _EVENTS:
        kind = "mo"
    elif event in STATUSES:
        kind = "dr"
    return (CallbackItem(kind, body),)


def read_messages(body: bytes) -> tuple[InboundMessage, ...]:
    """The message, or what else the person did."""
    callback = wire.Callback.model_validate_json(body)
    tracking = _tracking(callback.message)
    is_message = callback.event == "message"
    token = callback.message_token
    message = InboundMessage(
        provider_message_id=token if is_message else f"{callback.event}:{token}",
        sender=Person(kind="user_id", id=callback.person.id, name=callback.person.name or None),
        content=_content(callback, tracking, body),
        in_reply_to=tracking.reference if tracking else None,
        sent_at=read_instant(callback.timestamp),
    )
    return (message,)


def _tracking(message: wire.Message | None) -> wire.Tracking | None:
    if message is None or not message.tracking_data:
        return None
    try:
        return wire.Tracking.model_validate_json(message.tracking_data)
    except ValidationError:
        return None  # of a message that was not sent from here


def _content(callback: wire.Callback, tracking: wire.Tracking | None, body: bytes) -> InboundContent:
    if callback.event in _EVENTS:
        details = callback.model_dump(include={"context", "subscribed"}, exclude_none=True)
        return EventContent(name=_EVENTS[callback.event], details=details)
    if callback.message is None:
        raise ValueError("the message is missing")
    return _said(callback.message, tracking) or UnsupportedContent(
        provider_type=callback.message.type, raw=wire.Incoming.model_validate_json(body).message
    )


def _said(message: wire.Message, tracking: wire.Tracking | None) -> InboundContent | None:
    if message.type == "text" and message.text is not None:
        if tracking and message.text in tracking.buttons:
            return ButtonReply(id=message.text, title=tracking.buttons[message.text])
        return InboundText(text=message.text)
    if message.type == "url" and message.media:
        return InboundText(text=message.media)
    if message.type in _MEDIA and message.media:
        return InboundMediaContent(
            type=_MEDIA[message.type],
            url=message.media,
            caption=message.text or None,
            filename=message.file_name or None,
        )
    if message.type == "sticker" and message.sticker_id is not None:
        return InboundMediaContent(type="sticker", url=message.media, media_id=str(message.sticker_id))
    if message.type == "location" and message.location is not None:
        return LocationContent(latitude=message.location.lat, longitude=message.location.lon)
    if message.type == "contact" and message.contact is not None and message.contact.phone_number:
        phone = message.contact.phone_number
        return ContactContent(name=message.contact.name or phone, phones=(phone,))
    return None


def read_receipts(body: bytes) -> tuple[DeliveryReceipt, ...]:
    """The receipt. Viber says of a failure why it was in English only, mostly what a phone could not show."""
    callback = wire.Callback.model_validate_json(body)
    news = STATUSES.get(callback.event)
    why = Reason(code="provider_error", kind=FailureKind.PERMANENT, provider_text=callback.desc)
    receipt = DeliveryReceipt(
        provider_message_id=callback.message_token,
        status=news,
        provider_status=callback.event,
        reason=why if news == "failed" else None,
        occurred_at=read_instant(callback.timestamp),
    )
    return (receipt,)
