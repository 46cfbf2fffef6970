"""Puts a message into the words of the SMS API (v3) and of the Messages API, which are nearly the same."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from gateway.errors import MessageRefused
from gateway.model.address import Address
from gateway.model.base import now
from gateway.model.content import (
    Button,
    Content,
    LocationContent,
    MediaContent,
    RawContent,
    ReplyButton,
    TemplateContent,
    TextContent,
    UrlButton,
)
from handlers.contract import Submission

Json = dict[str, Any]

CHANNELS = {"whatsapp": "WHATSAPP", "viber": "VIBER_BM"}
LONGEST_VALIDITY_SECONDS = 172_800


def body_of(submission: Submission, channel: str, status_callback: str | None) -> Json:
    """The request's JSON. Raises MessageRefused for what Infobip has no form for."""
    said = _sms(submission.content) if channel == "sms" else _said(submission.content)
    destination = {"to": _number(submission.to), "messageId": submission.key}
    webhooks: Json = {"contentType": "application/json", "callbackData": submission.reference}
    if status_callback is not None:
        webhooks["delivery"] = {"url": status_callback}
        if channel != "sms":
            webhooks["seen"] = {"url": status_callback}
    message = said | {"sender": submission.sender, "destinations": [destination], "webhooks": webhooks}
    if channel != "sms":
        message["channel"] = CHANNELS[channel]
    if submission.expires_at is not None:
        validity = {"amount": _seconds_to(submission.expires_at), "timeUnit": "SECONDS"}
        message["options"] = {**message.get("options", {}), "validityPeriod": validity}
    return {"messages": [message]}


def _number(to: Address) -> str:
    if to.kind != "msisdn":
        raise MessageRefused("invalid_recipient", f"Infobip reaches a msisdn, not a {to.kind}")
    return to.id.removeprefix("+")


def _seconds_to(expires_at: datetime) -> int:
    return min(max(int((expires_at - now()).total_seconds()), 1), LONGEST_VALIDITY_SECONDS)


def _raw(content: RawContent) -> Json:
    if not isinstance(content.payload.get("options", {}), dict):
        raise MessageRefused("invalid_message", "the options of a message are an object")
    return dict(content.payload)


def _sms(content: Content) -> Json:
    match content:
        case TextContent(buttons=()):
            return {"content": {"text": content.text}}
        case RawContent():
            return _raw(content)
    raise MessageRefused("unsupported_content", f"SMS has no {content.type}, and no buttons")


def _said(content: Content) -> Json:
    match content:
        case TextContent():
            return _content({"type": "TEXT", "text": content.text}, content.buttons)
        case MediaContent():
            return _content(_media(content), content.buttons)
        case LocationContent():
            place = content.model_dump(exclude={"type"}, exclude_none=True)
            return _content({"type": "LOCATION", **place}, ())
        case TemplateContent():
            return _template(content)
        case RawContent():
            return _raw(content)
    raise MessageRefused("unsupported_content", f"Infobip has no {content.type} here")


def _content(body: Json, buttons: tuple[Button, ...]) -> Json:
    content: Json = {"body": body}
    if buttons:
        content["buttons"] = [_button(button) for button in buttons]
    return {"content": content}


def _media(content: MediaContent) -> Json:
    if content.url is None:
        raise MessageRefused("media_unsupported", "Infobip takes media by url, not by media_id")
    body: Json = {"type": content.type.upper(), "url": content.url}
    if content.caption is not None:
        body["text"] = content.caption
    if content.filename is not None and content.type == "document":
        body["filename"] = content.filename
    return body


def _button(button: Button) -> Json:
    if isinstance(button, ReplyButton):
        return {"type": "REPLY", "text": button.title, "postbackData": button.id}
    if isinstance(button, UrlButton):
        return {"type": "OPEN_URL", "text": button.title, "url": button.url}
    raise MessageRefused("unsupported_content", "Infobip takes reply and url buttons here")


def _template(content: TemplateContent) -> Json:
    values = content.parameters
    parts: Json = {}
    if values.header:
        parts["header"] = {"type": "TEXT", **_numbered(values.header)}
    if values.body:
        parts["body"] = {"type": "TEXT", **_numbered(values.body)}
    # Only a URL button has a placeholder; one that stands before it without any is a quick reply.
    if values.buttons:
        parts["buttons"] = [
            {"type": "OPEN_URL", "suffix": value} if value else {"type": "QUICK_REPLY", "postbackData": ""}
            for value in values.buttons
        ]
    template = {"templateName": content.name, "language": content.language}
    return {"template": template} | ({"content": parts} if parts else {})


def _numbered(values: tuple[str, ...]) -> dict[str, str]:
    return {str(number): value for number, value in enumerate(values, start=1)}
