"""Puts a message into the words of `POST /<page_id>/messages`."""

from __future__ import annotations

import re
from typing import Any

from gateway.errors import MessageRefused
from gateway.model.address import Address
from gateway.model.content import (
    Button,
    CallButton,
    Content,
    MediaContent,
    RawContent,
    ReactionContent,
    ReadContent,
    ReplyButton,
    TextContent,
    TypingContent,
    UrlButton,
)
from handlers.contract import Submission

Json = dict[str, Any]

TEMPLATE_TEXT_CHARACTERS = 640
TEMPLATE_BUTTONS = 3
PAYLOAD_CHARACTERS = 1_000
_ATTACHMENTS = {
    "image": "image",
    "video": "video",
    "audio": "audio",
    "document": "file",
    "sticker": "image",  # a sticker by URL: Messenger has those of its own by id only
}
_STICKER = re.compile(r"[0-9]{1,19}")


def body_of(submission: Submission, tag: str | None) -> Json:
    """The request's JSON. Raises MessageRefused for what Messenger has no form for."""
    recipient = {"recipient": _recipient(submission.to)}
    match submission.content:
        case TypingContent():
            return {**recipient, "sender_action": "typing_on"}
        case ReadContent():
            return {**recipient, "sender_action": "mark_seen"}
        case ReactionContent() as reaction:
            return {**recipient, **_reaction(reaction)}
        case RawContent(payload=payload):
            own = "message" not in payload or "messaging_type" in payload
            return {**({} if own else _messaging_type(tag)), **payload, **recipient}
    message = {**_message(submission.content), "metadata": submission.key}
    return {**recipient, **_messaging_type(tag), "message": message}


def _recipient(to: Address) -> Json:
    if to.kind != "psid":
        raise MessageRefused("invalid_recipient", f"Messenger reaches a psid, not a {to.kind}")
    return {"id": to.id}


def _messaging_type(tag: str | None) -> Json:
    # UPDATE is for what nobody asked for; inside of the session window, RESPONSE is allowed for all of it.
    return {"messaging_type": "MESSAGE_TAG", "tag": tag} if tag else {"messaging_type": "RESPONSE"}


def _reaction(reaction: ReactionContent) -> Json:
    if not reaction.emoji:
        return {"sender_action": "unreact", "payload": {"message_id": reaction.to}}
    payload = {"message_id": reaction.to, "reaction": reaction.emoji}
    return {"sender_action": "react", "payload": payload}


def _message(content: Content) -> Json:
    match content:
        case TextContent():
            return _text(content)
        case MediaContent():
            return _media(content)
    raise MessageRefused("unsupported_content", f"Messenger has no {content.type}")


def _text(content: TextContent) -> Json:
    replies = _quick_replies(content.buttons)
    links = [_link(button) for button in content.buttons if not isinstance(button, ReplyButton)]
    if not links:
        return {"text": content.text, **replies}
    if len(links) > TEMPLATE_BUTTONS:
        limit = f"Messenger takes {TEMPLATE_BUTTONS} url and call buttons together"
        raise MessageRefused("unsupported_content", limit)
    if len(content.text) > TEMPLATE_TEXT_CHARACTERS:
        limit = f"with url and call buttons, Messenger takes {TEMPLATE_TEXT_CHARACTERS} characters of text"
        raise MessageRefused("content_too_long", limit)
    template = {"template_type": "button", "text": content.text, "buttons": links}
    return {"attachment": {"type": "template", "payload": template}, **replies}


def _quick_replies(buttons: tuple[Button, ...]) -> Json:
    replies = [button for button in buttons if isinstance(button, ReplyButton)]
    if any(len(reply.id) > PAYLOAD_CHARACTERS for reply in replies):
        limit = f"Messenger takes {PAYLOAD_CHARACTERS} characters in the id of a button"
        raise MessageRefused("content_too_long", limit)
    rows = [{"content_type": "text", "title": reply.title, "payload": reply.id} for reply in replies]
    return {"quick_replies": rows} if rows else {}


def _link(button: Button) -> Json:
    match button:
        case UrlButton():
            return {"type": "web_url", "title": button.title, "url": button.url}
        case CallButton():
            phone = f"+{button.phone.removeprefix('+')}"
            return {"type": "phone_number", "title": button.title, "payload": phone}
    raise MessageRefused("unsupported_content", f"Messenger has no {button.type} button")


def _media(media: MediaContent) -> Json:
    if media.caption is not None:
        raise MessageRefused("unsupported_content", f"Messenger takes no caption with {media.type}")
    if any(not isinstance(button, ReplyButton) for button in media.buttons):
        raise MessageRefused("unsupported_content", "Messenger takes only reply buttons under media")
    if media.type == "sticker" and media.media_id is not None:
        return {"sticker_id": _sticker_id(media.media_id), **_quick_replies(media.buttons)}
    source = {"url": media.url} if media.url else {"attachment_id": media.media_id}
    attachment = {"type": _ATTACHMENTS[media.type], "payload": source}
    return {"attachment": attachment, **_quick_replies(media.buttons)}


def _sticker_id(media_id: str) -> int:
    if not _STICKER.fullmatch(media_id):
        raise MessageRefused("invalid_message", "the id of a sticker of Messenger is a number")
    return int(media_id)
