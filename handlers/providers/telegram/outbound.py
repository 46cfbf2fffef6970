"""Puts a message into a call of the Bot API: the name of the method, and its parameters."""

from __future__ import annotations

import re
from typing import Any

from gateway.errors import MessageRefused
from gateway.model.address import Address
from gateway.model.content import (
    Button,
    ContactContent,
    Content,
    LocationContent,
    MediaContent,
    RawContent,
    ReactionContent,
    ReplyButton,
    TextContent,
    TypingContent,
    UrlButton,
)
from handlers.contract import Submission

Json = dict[str, Any]

CALLBACK_DATA_BYTES = 64
_MEDIA = {
    "image": ("sendPhoto", "photo"),
    "video": ("sendVideo", "video"),
    "audio": ("sendAudio", "audio"),
    "document": ("sendDocument", "document"),
    "sticker": ("sendSticker", "sticker"),
}
_CHAT_NUMBER = re.compile(r"-?[0-9]{1,19}")
_MESSAGE = re.compile(r"(-?[0-9]{1,19}):([0-9]{1,19})(:.*)?")  # as in provider_message_id
_RAW_METHOD = re.compile(r"send[A-Za-z]{1,40}")


def call_of(submission: Submission) -> tuple[str, Json]:
    """The method and its parameters. Raises MessageRefused for what Telegram has no form for."""
    chat_id = _chat(submission.to)
    method, parameters = _said(submission.content)
    if submission.in_reply_to is not None:
        parameters["reply_parameters"] = _quoted(submission.in_reply_to, chat_id)
    return method, parameters | {"chat_id": chat_id}


def _chat(to: Address) -> int | str:
    if to.kind not in ("chat_id", "user_id"):
        raise MessageRefused("invalid_recipient", f"Telegram reaches a chat_id, not a {to.kind}")
    return int(to.id) if _CHAT_NUMBER.fullmatch(to.id) else to.id


def _quoted(key: str, chat_id: int | str) -> Json:
    chat, message = _message(key)
    quoted: Json = {"message_id": message, "allow_sending_without_reply": True}
    return quoted if chat == chat_id else quoted | {"chat_id": chat}


def _message(key: str) -> tuple[int, int]:
    found = _MESSAGE.fullmatch(key)
    if found is None:
        raise MessageRefused("invalid_message", "a message of Telegram is named chat_id:message_id")
    return int(found[1]), int(found[2])


def _said(content: Content) -> tuple[str, Json]:
    match content:
        case TextContent():
            preview = {"is_disabled": not content.preview_url}
            text = {"text": content.text, "link_preview_options": preview}
            return "sendMessage", text | _keyboard(content.buttons)
        case MediaContent():
            return _media(content)
        case LocationContent():
            return _location(content)
        case ContactContent():
            return "sendContact", _contact(content)
        case ReactionContent():
            emoji = [{"type": "emoji", "emoji": content.emoji}] if content.emoji else []
            return "setMessageReaction", {"message_id": _message(content.to)[1], "reaction": emoji}
        case TypingContent():
            return "sendChatAction", {"action": "typing"}
        case RawContent():
            return _raw(content)
    raise MessageRefused("unsupported_content", f"Telegram has no {content.type}")


def _media(content: MediaContent) -> tuple[str, Json]:
    method, field = _MEDIA[content.type]
    if content.mime_type == "audio/ogg":  # what Telegram shows as a voice message instead of as music
        method, field = "sendVoice", "voice"
    parameters: Json = {field: content.url or content.media_id}
    if content.caption is not None:
        if content.type == "sticker":
            raise MessageRefused("unsupported_content", "Telegram takes no caption with a sticker")
        parameters["caption"] = content.caption
    return method, parameters | _keyboard(content.buttons)


def _location(content: LocationContent) -> tuple[str, Json]:
    place: Json = {"latitude": content.latitude, "longitude": content.longitude}
    title, address = content.name or content.address, content.address or content.name
    if title is None:
        return "sendLocation", place
    return "sendVenue", place | {"title": title, "address": address}  # a venue needs both


def _contact(content: ContactContent) -> Json:
    if not content.phones:
        raise MessageRefused("unsupported_content", "Telegram takes contacts only with a phone number")
    contact: Json = {"phone_number": content.phones[0], "first_name": content.name}
    if len(content.phones) > 1 or content.emails:
        contact["vcard"] = _vcard(content)
    return contact


def _vcard(content: ContactContent) -> str:
    """All of a contact (RFC 2426), where Telegram's own fields hold one number only."""
    rows = [("FN", content.name), ("N", content.name)]
    rows += [("TEL", phone) for phone in content.phones]
    rows += [("EMAIL", email) for email in content.emails]
    lines = [f"{name}:{_escaped(value)}" for name, value in rows]
    return "\n".join(["BEGIN:VCARD", "VERSION:3.0", *lines, "END:VCARD"])


def _escaped(value: str) -> str:
    return re.sub(r"\r\n?|\n", r"\\n", re.sub(r"([\\,;])", r"\\\1", value))


def _raw(content: RawContent) -> tuple[str, Json]:
    # Whoever may send messages must not be able to move the bot's webhook or to log it out.
    method = content.payload.get("method")
    if not isinstance(method, str) or not _RAW_METHOD.fullmatch(method):
        raise MessageRefused("unsupported_content", 'raw for Telegram names a "method" that begins with send')
    return method, {name: value for name, value in content.payload.items() if name != "method"}


def _keyboard(buttons: tuple[Button, ...]) -> Json:
    if not buttons:
        return {}
    return {"reply_markup": {"inline_keyboard": [[_button(button)] for button in buttons]}}


def _button(button: Button) -> Json:
    if isinstance(button, UrlButton):
        return {"text": button.title, "url": button.url}
    if not isinstance(button, ReplyButton):
        raise MessageRefused("unsupported_content", f"Telegram has no {button.type} button under a message")
    if len(button.id.encode()) > CALLBACK_DATA_BYTES:
        limit = f"Telegram takes {CALLBACK_DATA_BYTES} bytes in the id of a button"
        raise MessageRefused("content_too_long", limit)
    return {"text": button.title, "callback_data": button.id}
