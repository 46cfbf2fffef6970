"""Puts a message into the words of the Messages API. What WhatsApp alone has goes as `custom`, in Meta's."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from gateway.errors import MessageRefused
from gateway.model.address import Address
from gateway.model.base import now
from gateway.model.content import (
    Button,
    Content,
    ListContent,
    LocationContent,
    MediaContent,
    RawContent,
    ReactionContent,
    ReplyButton,
    TemplateContent,
    TextContent,
    UrlButton,
)
from handlers.contract import Submission
from handlers.shared.whatsapp import list_of, template_of

Json = dict[str, Any]

LONGEST_REFERENCE = 100
CHANNELS = {
    "sms": "sms",
    "mms": "mms",
    "whatsapp": "whatsapp",
    "viber": "viber_service",
    "messenger": "messenger",
}
_TTL_SECONDS = {"sms": (20, 604_800), "mms": (300, 259_200), "viber": (30, 259_200)}
_TYPES = {"document": "file"}


def body_of(submission: Submission, channel: str, viber_category: str) -> Json:
    """The request's JSON. Raises MessageRefused for what Vonage has no form for."""
    body = _said(submission.content, channel)
    if channel == "viber":
        body["viber_service"] = {"category": viber_category, **body.get("viber_service", {})}
    if submission.in_reply_to is not None:
        body["context"] = {"message_uuid": submission.in_reply_to}
    if submission.expires_at is not None:
        _expire(body, submission.expires_at, channel)
    if len(submission.reference) <= LONGEST_REFERENCE:
        body["client_ref"] = submission.reference
    to, sender = _recipient(submission.to, channel), submission.sender
    return body | {"channel": CHANNELS[channel], "to": to, "from": sender}


def _recipient(to: Address, channel: str) -> str:
    kinds = {"messenger": ("psid",), "whatsapp": ("msisdn", "bsuid")}.get(channel, ("msisdn",))
    if to.kind not in kinds:
        raise MessageRefused(
            "invalid_recipient", f"{channel} reaches a {' or a '.join(kinds)}, not a {to.kind}"
        )
    return to.id.removeprefix("+") if to.kind == "msisdn" else to.id


def _expire(body: Json, expires_at: datetime, channel: str) -> None:
    if channel not in _TTL_SECONDS:
        return
    least, most = _TTL_SECONDS[channel]
    seconds = min(max(int((expires_at - now()).total_seconds()), least), most)
    holder = body["viber_service"] if channel == "viber" else body
    holder["ttl"] = seconds


def _said(content: Content, channel: str) -> Json:
    match content:
        case TextContent(buttons=()):
            return _typed("text", content.text)
        case TextContent() if channel == "whatsapp":
            return _custom("interactive", _with_buttons(content))
        case TextContent():
            return _typed("text", content.text) | _action(content.buttons)
        case MediaContent():
            return _media(content) | _action(content.buttons)
        case LocationContent():
            return _custom("location", content.model_dump(exclude={"type"}, exclude_none=True))
        case ListContent():
            return _custom("interactive", list_of(content))
        case TemplateContent():
            language = {"policy": "deterministic", "code": content.language}
            return _custom("template", template_of(content, language))
        case ReactionContent():
            reaction = {"action": "react", "emoji": content.emoji} if content.emoji else {"action": "unreact"}
            return _typed("reaction", reaction) | {"context": {"message_uuid": content.to}}
        case RawContent():
            return dict(content.payload)
    raise MessageRefused("unsupported_content", f"Vonage has no {content.type}")


def _typed(kind: str, part: Any) -> Json:
    return {"message_type": kind, kind: part}


def _custom(kind: str, part: Json) -> Json:
    return _typed("custom", {"type": kind, kind: part})


def _media(content: MediaContent) -> Json:
    part: Json = {"url": content.url}
    if content.url is None:
        if content.type != "sticker":
            raise MessageRefused("media_unsupported", "Vonage takes media by url; only stickers have an id")
        part = {"id": content.media_id}
    if content.caption is not None:
        part["caption"] = content.caption
    if content.filename is not None and content.type == "document":
        part["name"] = content.filename
    return _typed(_TYPES.get(content.type, content.type), part)


def _action(buttons: tuple[Button, ...]) -> Json:
    """The one button that a Viber message has."""
    match buttons:
        case ():
            return {}
        case (UrlButton() as button,):
            return {"viber_service": {"action": {"url": button.url, "text": button.title}}}
    raise MessageRefused("unsupported_content", "Viber takes one url button")


def _with_buttons(content: TextContent) -> Json:
    replies = [button for button in content.buttons if isinstance(button, ReplyButton)]
    if len(replies) < len(content.buttons):
        raise MessageRefused("unsupported_content", "WhatsApp takes reply buttons only")
    rows = [{"type": "reply", "reply": {"id": row.id, "title": row.title}} for row in replies]
    return {"type": "button", "body": {"text": content.text}, "action": {"buttons": rows}}
