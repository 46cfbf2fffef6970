"""Reads WhatsApp's webhook: splits it into messages and statuses, and brings those into normal form."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError

from gateway.errors import CallbackRefused
from gateway.model.address import Person
from gateway.model.callback import CallbackItem
from gateway.model.content import (
    ButtonReply,
    ContactContent,
    EventContent,
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
from handlers.providers.whatsapp_cloud import wire
from handlers.providers.whatsapp_cloud.codes import STATUSES, reason_for
from handlers.shared.instants import read_instant
from handlers.shared.json_bodies import read_callback, write_item

_MEDIA: dict[str, InboundMedia] = {
    "image": "image",
    "video": "video",
    "audio": "audio",
    "voice": "audio",
    "document": "document",
    "sticker": "sticker",
}


def split(body: bytes) -> tuple[CallbackItem, ...]:
    """One item per message, per status, and per anything else that changed; across all business accounts."""
    try:
        delivery = wire.Delivery.model_validate(read_callback(body))
        return tuple(
            item for entry in delivery.entry for change in entry.changes for item in _items(entry, change)
        )
    except ValidationError as error:
        raise CallbackRefused("not a webhook delivery of WhatsApp", status=400) from error


def _items(entry: wire.Entry, change: wire.Change) -> Iterator[CallbackItem]:
    value = wire.Value.model_validate(change.value) if change.field == "messages" else wire.Value()
    if not value.messages and not value.statuses:
        yield write_item("event", {"id": entry.id, "field": change.field, "value": change.value})
    for message in value.messages:
        contacts = [contact for contact in value.contacts if _is_from(contact, message)]
        item = {"metadata": value.metadata, "contacts": contacts, "messages": [message]}
        yield write_item("mo", item)
    for status in value.statuses:
        yield write_item("dr", {"metadata": value.metadata, "statuses": [status]})


def _is_from(contact: wire.Json, message: wire.Json) -> bool:
    writers = [message.get("from"), message.get("from_user_id")]
    return any(contact.get(name) in writers for name in ("wa_id", "user_id") if contact.get(name))


def read_messages(body: bytes) -> tuple[InboundMessage, ...]:
    """The message of an item; several where it passes on several contacts."""
    item = wire.MessageItem.model_validate_json(body)
    raw = item.messages[0]
    message = wire.Message.model_validate(raw)
    contents = tuple(_contents(message.type, raw))
    return tuple(
        InboundMessage(
            provider_message_id=message.id if number == 1 else f"{message.id}:{number}",
            sender=_sender(message, item.contacts),
            to=item.metadata.display_phone_number or item.metadata.phone_number_id,
            content=content,
            in_reply_to=message.context.id,
            sent_at=read_instant(message.timestamp),
        )
        for number, content in enumerate(contents, start=1)
    )


def _sender(message: wire.Message, contacts: tuple[wire.Contact, ...]) -> Person:
    contact = contacts[0] if contacts else wire.Contact()
    name = contact.profile.name
    if number := message.sender or contact.wa_id:
        return Person(kind="msisdn", id=number, name=name)
    if user_id := message.from_user_id or contact.user_id:
        return Person(kind="bsuid", id=user_id, name=name)
    raise ValueError("the message has no sender")


def _contents(kind: str, raw: wire.Json) -> Iterator[InboundContent]:
    part = raw.get(kind)
    if kind == "text":
        yield InboundText(text=wire.Text.model_validate(part).body)
    elif kind in _MEDIA:
        media = wire.Media.model_validate(part)
        yield InboundMediaContent(type=_MEDIA[kind], media_id=media.id, **media.model_dump(exclude={"id"}))
    elif kind == "location":
        place = wire.Location.model_validate(part)
        yield LocationContent(
            latitude=place.latitude,
            longitude=place.longitude,
            name=place.name or None,
            address=place.address or None,
        )
    elif kind == "contacts":
        yield from map(_card, wire.Cards.model_validate(raw).contacts)
    elif kind == "reaction":
        reaction = wire.Reaction.model_validate(part)
        yield ReactionContent(to=reaction.message_id, emoji=reaction.emoji)
    elif kind == "button":
        button = wire.TemplateButton.model_validate(part)
        yield ButtonReply(id=button.payload or button.text or "", title=button.text)
    elif kind == "interactive":
        yield _choice(wire.Interactive.model_validate(part))
    elif kind == "system":
        yield _system(wire.System.model_validate(part))
    else:
        yield UnsupportedContent(provider_type=kind)


def _card(card: wire.Card) -> ContactContent:
    phones = tuple(phone.phone for phone in card.phones if phone.phone)
    emails = tuple(email.email for email in card.emails if email.email)
    name = card.name.formatted_name or next(iter(phones + emails), "?")
    return ContactContent(name=name, phones=phones, emails=emails)


def _choice(part: wire.Interactive) -> InboundContent:
    if part.button_reply is not None:
        return ButtonReply(id=part.button_reply.id, title=part.button_reply.title)
    if part.list_reply is not None:
        return ListReply(id=part.list_reply.id, title=part.list_reply.title)
    return UnsupportedContent(provider_type=f"interactive.{part.type}")


def _system(part: wire.System) -> InboundContent:
    # The text of a system message names both numbers; what is new in it is passed on by itself.
    moved_to = {"wa_id": part.wa_id, "user_id": part.user_id}
    details = {name: value for name, value in moved_to.items() if value}
    if not details:
        return UnsupportedContent(provider_type=f"system.{part.type}")
    return EventContent(name="number_changed", details=details)


def read_receipts(body: bytes) -> tuple[DeliveryReceipt, ...]:
    """The receipt of an item. A status that has no meaning for us keeps its name, with status None."""
    status = wire.StatusItem.model_validate_json(body).statuses[0]
    news = STATUSES.get(status.status)
    receipt = DeliveryReceipt(
        provider_message_id=status.id,
        reference=status.biz_opaque_callback_data,
        status=news,
        provider_status=status.status,
        reason=reason_for(status.errors) if news == "failed" else None,
        occurred_at=read_instant(status.timestamp),
    )
    return (receipt,)
