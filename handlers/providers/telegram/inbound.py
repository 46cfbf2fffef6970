"""Reads Telegram's updates and brings them into normal form.

Ids: a message is `chat_id:message_id`. An edit, a pressed button and a change of membership are news of their
own, not repetitions of that message: their id ends in the update's, which repetitions of the update share.
"""

from __future__ import annotations

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
    LocationContent,
    UnsupportedContent,
)
from handlers.contract import InboundMessage
from handlers.providers.telegram import wire
from handlers.shared.instants import read_instant
from handlers.shared.json_bodies import read_callback

_READ = ("message", "edited_message", "callback_query", "my_chat_member")
_GONE = ("kicked", "left")

# What a message has besides what it says: the first field that is none of these names an unsupported kind.
_AROUND = frozenset(
    """message_id message_thread_id date edit_date chat from sender_chat sender_boost_count
    sender_business_bot business_connection_id author_signature via_bot forward_origin is_topic_message
    is_automatic_forward reply_to_message external_reply quote reply_to_story has_protected_content
    is_from_offline media_group_id entities caption_entities caption link_preview_options effect_id
    show_caption_above_media has_media_spoiler reply_markup direct_messages_topic is_paid_post
    paid_star_count suggested_post_info""".split()  # noqa: SIM905 - a list would take a page
)


def split(body: bytes) -> tuple[CallbackItem, ...]:
    """The update as the one item it is."""
    update = read_callback(body)
    if not isinstance(update, dict) or not isinstance(update.get("update_id"), int):
        raise CallbackRefused("not an update of Telegram", status=400)
    return (CallbackItem("mo" if any(name in update for name in _READ) else "event", body),)


def query_id(body: bytes) -> str | None:
    """The id of the pressed button that the update is about, if it is about one."""
    try:
        query = wire.Update.model_validate_json(body).callback_query
    except ValidationError:
        return None
    return query.id if query else None


def read_messages(body: bytes) -> tuple[InboundMessage, ...]:
    """What an update says; nothing for what nobody in particular wrote (posts of a channel)."""
    document = orjson.loads(body)
    update = wire.Update.model_validate(document)
    if update.message is not None:
        return (_message(update.message, document["message"]),)
    if update.edited_message is not None:
        return (_message(update.edited_message, document["edited_message"], edit_of=update),)
    if update.callback_query is not None:
        return (_pressed(update, update.callback_query),)
    if update.my_chat_member is not None:
        return (_membership(update, update.my_chat_member),)
    return ()


def _message(
    message: wire.Message, raw: dict[str, object], edit_of: wire.Update | None = None
) -> InboundMessage:
    quoted = message.reply_to_message
    return InboundMessage(
        provider_message_id=f"{message.key}:{edit_of.update_id}" if edit_of else message.key,
        sender=_person(message.chat, message.sender),
        thread=_thread(message.chat),
        content=_content(message) or _unsupported(raw),
        in_reply_to=quoted.key if quoted else None,
        edited=edit_of is not None,
        sent_at=read_instant(message.date),
    )


def _person(chat: wire.Chat, user: wire.User | None) -> Person:
    # Who answers in a group answers to the group, so the chat is the address, whoever wrote.
    return Person(kind="chat_id", id=str(chat.id), name=user.name if user else chat.title)


def _thread(chat: wire.Chat) -> Thread | None:
    if chat.type == "private":
        return None
    return Thread(id=str(chat.id), type="conversation", title=chat.title or None)


def _content(message: wire.Message) -> InboundContent | None:
    if message.text is not None:
        return _started(message.text) or InboundText(text=message.text)
    if message.venue is not None:
        return _place(message.venue.location, message.venue.title, message.venue.address)
    if message.location is not None:
        return _place(message.location)
    if message.contact is not None:
        name = " ".join(filter(None, (message.contact.first_name, message.contact.last_name)))
        phone = message.contact.phone_number
        return ContactContent(name=name or phone, phones=(phone,))
    return _media(message)


def _started(text: str) -> EventContent | None:
    """What Telegram writes for a person who presses Start, with the payload of the link that led there."""
    command, _, payload = text.partition(" ")
    if command != "/start":
        return None
    return EventContent(name="conversation_started", details={"payload": payload} if payload else {})


def _media(message: wire.Message) -> InboundMediaContent | None:
    # An animation is also given as a document, for bots that do not know animations.
    files: tuple[tuple[InboundMedia, wire.File | None], ...] = (
        ("image", message.photo[-1] if message.photo else None),
        ("video", message.animation or message.video or message.video_note),
        ("audio", message.voice or message.audio),
        ("sticker", message.sticker),
        ("document", message.document),
    )
    for kind, file in files:
        if file is not None:
            return InboundMediaContent(
                type=kind,
                media_id=file.file_id,
                caption=message.caption,
                filename=file.file_name,
                mime_type=file.mime_type,
            )
    return None


def _place(location: wire.Location, title: str | None = None, address: str | None = None) -> LocationContent:
    return LocationContent(
        latitude=location.latitude, longitude=location.longitude, name=title or None, address=address or None
    )


def _unsupported(raw: dict[str, object]) -> UnsupportedContent:
    kind = next((name for name in raw if name not in _AROUND), "message")
    return UnsupportedContent(provider_type=kind, raw={name: raw[name] for name in (kind,) if name in raw})


def _pressed(update: wire.Update, query: wire.CallbackQuery) -> InboundMessage:
    message = query.message
    chat = message.chat if message else wire.Chat(id=query.sender.id)
    data = query.data or ""
    buttons = [button for row in message.reply_markup.inline_keyboard for button in row] if message else []
    return InboundMessage(
        provider_message_id=f"{message.key if message else f'{chat.id}:0'}:{update.update_id}",
        sender=_person(chat, query.sender),
        thread=_thread(chat),
        content=ButtonReply(
            id=data, title=next((button.text for button in buttons if button.callback_data == data), None)
        ),
        in_reply_to=message.key if message else None,
    )


def _membership(update: wire.Update, change: wire.MemberChange) -> InboundMessage:
    status = change.new_chat_member.status
    return InboundMessage(
        provider_message_id=f"{change.chat.id}:0:{update.update_id}",
        sender=_person(change.chat, change.sender),
        thread=_thread(change.chat),
        content=EventContent(name="blocked" if status in _GONE else "unblocked", details={"status": status}),
        sent_at=read_instant(change.date),
    )
