"""Reads WhatsApp's webhook: splits it into messages and statuses, and brings those into normal form.

Ids: a message has one, and what it says beside its first part is numbered. An edit is news of its own: its id
begins with that of the message and ends in its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import orjson
from pydantic import ValidationError

from gateway.errors import CallbackRefused
from gateway.model.address import Person, Thread
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

_READ = ("messages", "user_preferences")
_MEDIA: dict[str, InboundMedia] = {
    "image": "image",
    "video": "video",
    "audio": "audio",
    "voice": "audio",
    "document": "document",
    "sticker": "sticker",
}

# What a message has besides what it says.
_AROUND = frozenset({"id", "from", "from_user_id", "timestamp", "type", "context", "group_id", "referral"})


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
    value = wire.Value.model_validate(change.value) if change.field in _READ else wire.Value()
    if not (value.messages or value.statuses or value.user_preferences):
        yield write_item("event", {"id": entry.id, "field": change.field, "value": change.value})
    for message in value.messages:
        writers = (message.get("from"), message.get("from_user_id"))
        yield write_item("mo", {**_of(writers, value), "messages": [message]})
    for preference in value.user_preferences:
        writers = (preference.get("wa_id"), preference.get("user_id"))
        yield write_item("mo", {**_of(writers, value), "user_preferences": [preference]})
    for status in value.statuses:
        yield write_item("dr", {"metadata": value.metadata, "statuses": [status]})


def _of(writers: tuple[object, object], value: wire.Value) -> wire.Json:
    contacts = [contact for contact in value.contacts if _is_one_of(contact, writers)]
    return {"metadata": value.metadata, "contacts": contacts}


def _is_one_of(contact: wire.Json, writers: tuple[object, object]) -> bool:
    return any(contact.get(name) in writers for name in ("wa_id", "user_id") if contact.get(name))


def read_messages(body: bytes) -> tuple[InboundMessage, ...]:
    """What a person wrote or prefers; several messages where one passes on several contacts, or leads on from
    an ad."""
    document = orjson.loads(body)
    if isinstance(document, dict) and "user_preferences" in document:
        return (_preference(wire.PreferenceItem.model_validate(document)),)
    item = wire.MessageItem.model_validate(document)
    raw = item.messages[0]
    message = wire.Message.model_validate(raw)
    key, told = message.id, raw
    if message.type == "edit":
        edit = wire.Edit.model_validate(raw.get("edit"))
        key, told = f"{edit.original_message_id}:{message.id}", edit.message
    said = wire.Said.model_validate(told)
    return tuple(
        InboundMessage(
            provider_message_id=key if number == 1 else f"{key}:{number}",
            sender=_sender(message.sender, message.from_user_id, item.contacts),
            to=_to(item.metadata),
            content=content,
            thread=Thread(id=message.group_id, type="conversation") if message.group_id else None,
            in_reply_to=said.context.id,
            edited=message.type == "edit",
            deleted=message.type == "revoke",
            sent_at=read_instant(message.timestamp),
        )
        for number, content in enumerate(_all_contents(said, told), start=1)
    )


def _preference(item: wire.PreferenceItem) -> InboundMessage:
    raw = item.user_preferences[0]
    preference = wire.Preference.model_validate(raw)
    sender = _sender(preference.wa_id, preference.user_id, item.contacts)
    if preference.timestamp is None:
        raise ValueError("the preference has neither an id nor a time")
    return InboundMessage(
        provider_message_id=f"user_preferences:{sender.id}:{preference.timestamp}",
        sender=sender,
        to=_to(item.metadata),
        content=EventContent(name="opted_out" if preference.value == "stop" else "opted_in", details=raw),
        sent_at=read_instant(preference.timestamp),
    )


def _to(metadata: wire.Metadata) -> str | None:
    return metadata.display_phone_number or metadata.phone_number_id


def _sender(number: str | None, user_id: str | None, contacts: tuple[wire.Contact, ...]) -> Person:
    contact = contacts[0] if contacts else wire.Contact()
    name = contact.profile.name
    if number := number or contact.wa_id:
        return Person(kind="msisdn", id=number, name=name)
    if user_id := user_id or contact.user_id:
        return Person(kind="bsuid", id=user_id, name=name)
    raise ValueError("the message has no sender")


def _all_contents(said: wire.Said, raw: wire.Json) -> Iterator[InboundContent]:
    yield from _contents(said.type, raw)
    if said.referral is not None:
        yield EventContent(name="referral", details=said.referral)


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
        yield _choice(wire.Interactive.model_validate(part), raw)
    elif kind in _EVENTS:
        yield _EVENTS[kind](raw)
    else:
        yield _unsupported(kind, raw)


def _card(card: wire.Card) -> ContactContent:
    phones = tuple(phone.phone for phone in card.phones if phone.phone)
    emails = tuple(email.email for email in card.emails if email.email)
    name = card.name.formatted_name or next(iter(phones + emails), "?")
    return ContactContent(name=name, phones=phones, emails=emails)


def _choice(part: wire.Interactive, raw: wire.Json) -> InboundContent:
    if part.button_reply is not None:
        return ButtonReply(id=part.button_reply.id, title=part.button_reply.title)
    if part.list_reply is not None:
        return ListReply(id=part.list_reply.id, title=part.list_reply.title)
    return _unsupported(f"interactive.{part.type}", raw)


def _system(raw: wire.Json) -> InboundContent:
    # The text of a system message names both numbers; what is new in it is passed on by itself.
    part = wire.System.model_validate(raw.get("system"))
    moved_to = {"wa_id": part.wa_id, "user_id": part.user_id}
    details = {name: value for name, value in moved_to.items() if value}
    if not details:
        return _unsupported(f"system.{part.type}", raw)
    return EventContent(name="number_changed", details=details)


def _revoked(raw: wire.Json) -> InboundContent:
    revoked = wire.Revoke.model_validate(raw.get("revoke"))
    return EventContent(name="message_deleted", details={"message_id": revoked.original_message_id})


def _welcomed(_: wire.Json) -> InboundContent:
    return EventContent(name="conversation_started")


_EVENTS: dict[str, Callable[[wire.Json], InboundContent]] = {
    "system": _system,
    "revoke": _revoked,
    "request_welcome": _welcomed,
}


def _unsupported(name: str, raw: wire.Json) -> UnsupportedContent:
    rest = {field: value for field, value in raw.items() if field not in _AROUND}
    return UnsupportedContent(provider_type=name, raw=rest)


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
