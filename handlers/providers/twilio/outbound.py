"""Puts a message into the form of `POST …/Messages.json`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

import orjson

from gateway.errors import MessageRefused
from gateway.model.address import Address
from gateway.model.base import now
from gateway.model.content import (
    Content,
    LocationContent,
    MediaContent,
    RawContent,
    TemplateContent,
    TextContent,
)
from handlers.contract import Submission
from handlers.shared.forms import Form, form_of

PREFIX = {"sms": "", "whatsapp": "whatsapp:"}
LONGEST_VALIDITY_SECONDS = 36_000
_CONTENT_SID = re.compile(r"HX[0-9a-fA-F]{32}")


def message_form(submission: Submission, channel: str, templates: Mapping[str, str]) -> Form:
    """The fields that the message itself decides. Raises MessageRefused for what Twilio has no form for."""
    fields = _said(submission.content, templates)
    fields["To"] = PREFIX[channel] + _number(submission.to)
    if submission.sender is not None:
        fields["From"] = PREFIX[channel] + submission.sender
    if submission.expires_at is not None:
        fields["ValidityPeriod"] = _validity(submission.expires_at)
    return fields


def _number(to: Address) -> str:
    if to.kind != "msisdn":
        raise MessageRefused("invalid_recipient", f"Twilio reaches a msisdn, not a {to.kind}")
    return "+" + to.id.removeprefix("+")


def _validity(expires_at: datetime) -> str:
    seconds = int((expires_at - now()).total_seconds())
    return str(min(max(seconds, 1), LONGEST_VALIDITY_SECONDS))


def _said(content: Content, templates: Mapping[str, str]) -> Form:
    match content:
        case TextContent(buttons=()):
            return {"Body": content.text}
        case MediaContent(buttons=(), url=str(url)):
            media: Form = {"MediaUrl": url}
            return media | ({"Body": content.caption} if content.caption else {})
        case MediaContent(buttons=()):
            raise MessageRefused("media_unsupported", "Twilio takes media by url, not by media_id")
        case LocationContent():
            return _location(content)
        case TemplateContent():
            return _template(content, templates)
        case RawContent():
            return form_of(content.payload)
    raise MessageRefused("unsupported_content", "Twilio takes buttons and lists only in templates")


def _location(content: LocationContent) -> Form:
    place = f"{content.latitude},{content.longitude}"
    label = content.address or content.name
    action = f"geo:{place}|{label}" if label else f"geo:{place}"
    # A message without a body is refused, although WhatsApp shows only the label.
    return {"Body": content.name or content.address or place, "PersistentAction": action}


def _template(content: TemplateContent, templates: Mapping[str, str]) -> Form:
    named = templates.get(f"{content.name}/{content.language}") or templates.get(content.name)
    sid = named or content.name
    if not _CONTENT_SID.fullmatch(sid):
        raise MessageRefused("template_unknown", "it is neither a Content SID nor in parameters.templates")
    values = content.parameters
    texts = (*values.header, *values.body, *values.buttons)
    variables = {str(number): text for number, text in enumerate(texts, start=1)}
    form: Form = {"ContentSid": sid}
    return form | ({"ContentVariables": orjson.dumps(variables).decode()} if variables else {})
