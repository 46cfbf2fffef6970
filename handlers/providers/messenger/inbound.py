"""Reads Messenger's webhook: splits it into events, and brings those of people into normal form.

Ids: a message and most postbacks have one; other events are named by what they are, the person and the time,
which repetitions share. An edit is news of its own: its id ends in its time. What a message says beside its
first part is numbered.
"""

from __future__ import annotations

from collections.abc import Iterator

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
    LocationContent,
    ReactionContent,
    UnsupportedContent,
)
from gateway.model.receipt import DeliveryReceipt, Watermark
from handlers.contract import InboundMessage
from handlers.providers.messenger import wire
from handlers.shared.instants import read_instant
from handlers.shared.json_bodies import read_callback, write_item

_SAID = ("message", "message_edit", "postback", "referral", "optin", "reaction")
_MEDIA: dict[str, InboundMedia] = {
    "image": "image",
    "video": "video",
    "audio": "audio",
    "file": "document",
    "sticker": "sticker",
}


def split(body: bytes, page_id: str) -> tuple[CallbackItem, ...]:
    """One item per event. Those of other pages, and what another app of the page was told (`standby`), are
    neither messages nor receipts."""
    try:
        delivery = wire.Delivery.model_validate(read_callback(body))
    except ValidationError as error:
        raise CallbackRefused("not a webhook delivery of a page", status=400) from error
    return tuple(item for entry in delivery.entry for item in _items(entry, page_id))


def _items(entry: wire.Entry, page_id: str) -> Iterator[CallbackItem]:
    page = str(entry.id)
    for event in entry.messaging:
        kind = _kind(event) if page == page_id else "event"
        yield write_item(kind, {"id": page, "messaging": [event]})
    for event in entry.standby:
        yield write_item("event", {"id": page, "standby": [event]})
    for change in entry.changes:
        yield write_item("event", {"id": page, "changes": [change]})


def _kind(event: wire.Json) -> ItemKind:
    if "delivery" in event or "read" in event:
        return "dr"
    message, sender = event.get("message"), event.get("sender")
    if isinstance(message, dict) and message.get("is_echo"):  # what this page wrote, by whatever means
        return "event"
    # An opt-in on a website comes without a person to write to: only with a `user_ref`.
    known = isinstance(sender, dict) and sender.get("id")
    return "mo" if known and any(event.get(name) is not None for name in _SAID) else "event"


def read_messages(body: bytes) -> tuple[InboundMessage, ...]:
    """What a person said or did; several where a message has several attachments, or leads on from an ad."""
    item = wire.Item.model_validate_json(body)
    raw = item.messaging[0]
    event = wire.Event.model_validate(raw)
    key = _key(event)
    return tuple(
        InboundMessage(
            provider_message_id=key if number == 1 else f"{key}:{number}",
            sender=Person(kind="psid", id=event.sender.id),
            to=item.id,
            content=content,
            in_reply_to=event.message.reply_to.mid if event.message else None,
            edited=event.message_edit is not None,
            sent_at=read_instant(event.timestamp),
        )
        for number, content in enumerate(_contents(event, raw), start=1)
    )


def _key(event: wire.Event) -> str:
    if event.message is not None:
        return event.message.mid
    if event.postback is not None and event.postback.mid:
        return event.postback.mid
    if event.timestamp is None:
        raise ValueError("the event has neither an id nor a time")
    if event.message_edit is not None:
        return f"{event.message_edit.mid}:{event.timestamp}"
    kind = next((name for name in _SAID if getattr(event, name) is not None), "event")
    return f"{kind}:{event.sender.id}:{event.timestamp}"


def _contents(event: wire.Event, raw: wire.Json) -> Iterator[InboundContent]:
    if event.message is not None:
        yield from _said(event.message, raw["message"])
    elif event.message_edit is not None:
        yield InboundText(text=event.message_edit.text)
    elif event.postback is not None:
        pressed = event.postback
        yield ButtonReply(id=pressed.payload or pressed.title or "", title=pressed.title)
        yield from _led_here(pressed.referral)
    elif event.reaction is not None:
        yield ReactionContent(to=event.reaction.mid, emoji=_emoji(event.reaction))
    elif event.optin is not None:
        yield _opt_in(event.optin)
    else:
        yield from _led_here(event.referral)


def _said(message: wire.Message, raw: wire.Json) -> Iterator[InboundContent]:
    contents = [_attachment(attachment) for attachment in message.attachments]
    if message.quick_reply is not None:
        yield ButtonReply(id=message.quick_reply.payload, title=message.text)
    elif message.text is not None:
        yield InboundText(text=message.text)
        # Beside a text it is the preview of a link in it.
        contents = [each for each in contents if getattr(each, "provider_type", None) != "fallback"]
    elif not contents:
        yield UnsupportedContent(provider_type="message", raw=raw)
    yield from contents
    yield from _led_here(message.referral)


def _attachment(raw: wire.Json) -> InboundContent:
    attachment = wire.Attachment.model_validate(raw)
    payload = attachment.payload or wire.Payload()
    if attachment.type == "location" and payload.coordinates is not None:
        place = payload.coordinates
        return LocationContent(latitude=place.lat, longitude=place.long, name=attachment.title or None)
    kind = _MEDIA.get(attachment.type)
    if kind is None or not payload.url:
        return UnsupportedContent(provider_type=attachment.type, raw=raw)
    return InboundMediaContent(type="sticker" if payload.sticker_id else kind, url=payload.url)


def _led_here(referral: wire.Json | None) -> Iterator[EventContent]:
    """By which ad, link or code a person came."""
    if referral is not None:
        yield EventContent(name="referral", details=referral)


def _emoji(reaction: wire.Reaction) -> str:
    if reaction.action == "unreact":
        return ""
    return reaction.emoji or reaction.reaction or "?"


def _opt_in(raw: wire.Json) -> EventContent:
    stopped = wire.OptIn.model_validate(raw).notification_messages_status == "STOP_NOTIFICATIONS"
    return EventContent(name="opted_out" if stopped else "opted_in", details=raw)


def read_receipts(body: bytes) -> tuple[DeliveryReceipt, ...]:
    """The receipts of an item: one for each message that is named, else one for all up to a time."""
    receipt = wire.Receipt.model_validate(wire.Item.model_validate_json(body).messaging[0])
    if receipt.delivery is None:
        if receipt.read is None:
            raise ValueError("neither a delivery nor a read receipt")
        return (_up_to(receipt, receipt.read.watermark, read=True),)
    if not receipt.delivery.mids:
        return (_up_to(receipt, receipt.delivery.watermark),)
    occurred_at = read_instant(receipt.timestamp) or read_instant(receipt.delivery.watermark)
    return tuple(
        DeliveryReceipt(
            provider_message_id=mid, status="delivered", provider_status="delivery", occurred_at=occurred_at
        )
        for mid in receipt.delivery.mids
    )


def _up_to(receipt: wire.Receipt, watermark: wire.Timestamp, *, read: bool = False) -> DeliveryReceipt:
    until = read_instant(watermark)
    if until is None:
        raise ValueError("the receipt says neither for which messages nor until when")
    return DeliveryReceipt(
        watermark=Watermark(recipient=receipt.sender.id, until=until),
        status="read" if read else "delivered",
        provider_status="read" if read else "delivery",
        occurred_at=read_instant(receipt.timestamp) or until,
    )
