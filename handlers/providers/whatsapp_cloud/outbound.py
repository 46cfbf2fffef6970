"""Puts a message into the words of `POST /<phone_number_id>/messages`."""

from __future__ import annotations

from typing import Any

from gateway.errors import MessageRefused
from gateway.model.address import Address
from gateway.model.content import (
    Button,
    ContactContent,
    Content,
    ListContent,
    LocationButton,
    LocationContent,
    MediaContent,
    RawContent,
    ReactionContent,
    ReadContent,
    ReplyButton,
    TemplateContent,
    TextContent,
    TypingContent,
    UrlButton,
)
from handlers.contract import Submission
from handlers.shared.whatsapp import list_of, template_of

Json = dict[str, Any]

INTERACTIVE_BODY_CHARACTERS = 1_024
_HEADERS = ("image", "video", "document")


def body_of(submission: Submission) -> Json:
    """The request's JSON. Raises MessageRefused for what WhatsApp has no form for."""
    match submission.content:
        case ReadContent(of=message_id):
            return _read(message_id)
        case TypingContent():
            return _read(_written(submission)) | {"typing_indicator": {"type": "text"}}
    envelope: Json = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **_recipient(submission.to),
        "biz_opaque_callback_data": submission.key,
    }
    if submission.in_reply_to is not None:
        envelope["context"] = {"message_id": submission.in_reply_to}
    return _said(submission.content) | envelope


def _recipient(to: Address) -> Json:
    if to.kind == "msisdn":
        return {"to": to.id.removeprefix("+")}
    if to.kind == "bsuid":
        return {"recipient": to.id}
    raise MessageRefused("invalid_recipient", f"WhatsApp reaches a msisdn or a bsuid, not a {to.kind}")


def _read(message_id: str) -> Json:
    return {"messaging_product": "whatsapp", "status": "read", "message_id": message_id}


def _written(submission: Submission) -> str:
    # WhatsApp shows that we type only as the answer to a message, which it marks as read on the way.
    if submission.in_reply_to is None:
        raise MessageRefused("unsupported_content", "typing needs in_reply_to: the message that is answered")
    return submission.in_reply_to


def _said(content: Content) -> Json:
    match content:
        case TextContent(buttons=()):
            return _typed("text", {"body": content.text, "preview_url": content.preview_url})
        case TextContent():
            return _typed("interactive", _with_buttons(content.text, content.buttons, header=None))
        case MediaContent(buttons=()):
            return _typed(content.type, _media(content))
        case MediaContent():
            return _typed("interactive", _with_buttons(content.caption, content.buttons, _header(content)))
        case LocationContent():
            return _typed("location", content.model_dump(exclude={"type"}, exclude_none=True))
        case ContactContent():
            return _typed("contacts", [_contact(content)])
        case ListContent():
            return _typed("interactive", list_of(content))
        case TemplateContent():
            return _typed("template", template_of(content, {"code": content.language}))
        case ReactionContent():
            return _typed("reaction", {"message_id": content.to, "emoji": content.emoji})
        case RawContent():
            return dict(content.payload)
    raise MessageRefused("unsupported_content", f"WhatsApp has no {content.type}")


def _typed(kind: str, part: Any) -> Json:
    return {"type": kind, kind: part}


def _source(media: MediaContent) -> Json:
    return {"link": media.url} if media.url else {"id": media.media_id}


def _media(media: MediaContent) -> Json:
    part = _source(media)
    if media.caption is not None:
        if media.type in ("audio", "sticker"):
            raise MessageRefused("unsupported_content", f"WhatsApp takes no caption with {media.type}")
        part["caption"] = media.caption
    if media.filename is not None and media.type == "document":
        part["filename"] = media.filename
    if media.type == "audio" and (media.mime_type or "").partition(";")[0].strip() == "audio/ogg":
        part["voice"] = True  # what WhatsApp shows as a voice message instead of as a file
    return part


def _header(media: MediaContent) -> Json:
    if media.type not in _HEADERS:
        raise MessageRefused("unsupported_content", f"WhatsApp takes no buttons with {media.type}")
    return _typed(media.type, _source(media))


def _with_buttons(text: str | None, buttons: tuple[Button, ...], header: Json | None) -> Json:
    if not text:
        raise MessageRefused("unsupported_content", "WhatsApp takes buttons only with a text or caption")
    if len(text) > INTERACTIVE_BODY_CHARACTERS:
        limit = f"with buttons, WhatsApp takes {INTERACTIVE_BODY_CHARACTERS} characters of text"
        raise MessageRefused("content_too_long", limit)
    said: Json = {"body": {"text": text}, **_buttons(buttons)}
    if header is None:
        return said
    if isinstance(buttons[0], LocationButton):
        raise MessageRefused("unsupported_content", "WhatsApp asks for the location only under a text")
    return {"header": header, **said}


def _buttons(buttons: tuple[Button, ...]) -> Json:
    replies = [button for button in buttons if isinstance(button, ReplyButton)]
    if len(replies) == len(buttons):
        rows = [{"type": "reply", "reply": {"id": row.id, "title": row.title}} for row in replies]
        return {"type": "button", "action": {"buttons": rows}}
    if len(buttons) == 1 and isinstance(buttons[0], UrlButton):
        link = {"display_text": buttons[0].title, "url": buttons[0].url}
        return {"type": "cta_url", "action": {"name": "cta_url", "parameters": link}}
    if len(buttons) == 1 and isinstance(buttons[0], LocationButton):  # its title is WhatsApp's own
        return {"type": "location_request_message", "action": {"name": "send_location"}}
    alone = "WhatsApp takes reply buttons, or one url or location button alone"
    raise MessageRefused("unsupported_content", alone)


def _contact(content: ContactContent) -> Json:
    # Besides the formatted name, one more part of the name is mandatory.
    card: Json = {"name": {"formatted_name": content.name, "first_name": content.name}}
    card["phones"] = [{"phone": phone} for phone in content.phones]
    if content.emails:
        card["emails"] = [{"email": email} for email in content.emails]
    return card
