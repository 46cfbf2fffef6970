"""Vonage's SMS API: forms out and in, answers that are always 200, one id for each part of a long text."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from pydantic import Field, ValidationError

from gateway.errors import CallbackRefused, FailureKind, MessageRefused, ProviderError
from gateway.model.address import Address, Person
from gateway.model.base import Wire, now
from gateway.model.callback import CallbackItem, CallbackRequest, ItemKind
from gateway.model.content import (
    Content,
    InboundContent,
    InboundText,
    RawContent,
    TextContent,
    UnsupportedContent,
)
from gateway.model.receipt import DeliveryReceipt
from gateway.transports.classify import http_failure, retry_after, unreadable
from gateway.transports.port import HttpResponse
from handlers.contract import InboundMessage, Submission, Submitted
from handlers.providers.vonage.codes import SMS_FAILURES, SMS_RECEIPT_FAILURES, SMS_STATUSES, reason_for
from handlers.providers.vonage.outbound import LONGEST_REFERENCE
from handlers.shared.forms import Form, form_of, read_form
from handlers.shared.instants import read_instant
from handlers.shared.json_bodies import write_item
from handlers.shared.numbers import without_numbers
from handlers.shared.signatures import same
from handlers.shared.splitting import length

_TTL_MILLISECONDS = (20_000, 604_800_000)
_WAIT = re.compile(r"please wait \[ *([0-9]{1,7}) *\]")  # milliseconds, in the text of status 1


class Part(Wire):
    """What became of one part of a text."""

    status: str
    id: str = Field("", alias="message-id")
    text: str = Field("", alias="error-text")


class Answer(Wire):
    """The answer to a message."""

    messages: tuple[Part, ...] = Field(min_length=1)


class Incoming(Wire):
    """One message, or one part of a long one."""

    id: str = Field(alias="messageId", min_length=1)
    sender: str = Field(alias="msisdn")
    to: str = ""
    type: str = "text"
    text: str | None = None
    at: str = Field("", alias="message-timestamp")


class Told(Wire):
    """One status of a part."""

    id: str = Field(alias="messageId", min_length=1)
    status: str
    code: str = Field("", alias="err-code")
    reference: str = Field("", alias="client-ref")
    at: str = Field("", alias="message-timestamp")


def message_form(submission: Submission) -> Form:
    """The fields that the message itself decides. Raises MessageRefused for what SMS has no form for."""
    form = _said(submission.content)
    form |= {"to": _number(submission.to), "from": submission.sender or "", "status-report-req": "1"}
    if len(submission.reference) <= LONGEST_REFERENCE:
        form["client-ref"] = submission.reference
    if submission.expires_at is not None:
        form["ttl"] = _ttl(submission.expires_at)
    return form


def _number(to: Address) -> str:
    if to.kind != "msisdn":
        raise MessageRefused("invalid_recipient", f"SMS reaches a msisdn, not a {to.kind}")
    return to.id.removeprefix("+")


def _ttl(expires_at: datetime) -> str:
    milliseconds = int((expires_at - now()).total_seconds() * 1_000)
    least, most = _TTL_MILLISECONDS
    return str(min(max(milliseconds, least), most))


def _said(content: Content) -> Form:
    match content:
        case TextContent(buttons=()):
            return {"text": content.text, "type": "text" if _is_gsm(content.text) else "unicode"}
        case RawContent():
            return form_of(content.payload)
    raise MessageRefused("unsupported_content", f"SMS has no {content.type}, and no buttons")


def _is_gsm(text: str) -> bool:
    # In the GSM alphabet a character takes two septets at most; in UCS-2 it takes more (see `length`).
    return length(text, "septets") <= 2 * len(text)


def read_answer(response: HttpResponse) -> Submitted:
    """The ids of all parts. Where one part failed the message has failed: no phone shows the others."""
    if not 200 <= response.status < 300:
        raise http_failure(response)
    try:
        parts = Answer.model_validate_json(response.body).messages
    except ValidationError as error:
        raise unreadable(response) from error
    for part in parts:
        if part.status != "0":
            raise _failure(part, response)
    if not all(part.id for part in parts):
        raise unreadable(response)
    return Submitted(tuple(part.id for part in parts))


def _failure(part: Part, response: HttpResponse) -> ProviderError:
    kind, reason = SMS_FAILURES.get(part.status, (FailureKind.PERMANENT, "provider_error"))
    wait = _WAIT.search(part.text)
    return ProviderError(
        kind,
        reason=reason,
        code=part.status,
        text=without_numbers(part.text or None),
        retry_after_seconds=int(wait[1]) / 1_000 if wait else retry_after(response),
    )


def verify(request: CallbackRequest, secrets: Sequence[str], algorithm: str) -> None:
    """Raises CallbackRefused unless `sig` is the hash over all other parameters under one of the secrets."""
    fields = dict(_fields(request))
    given = fields.pop("sig", "")
    if not same(given.lower(), *(_signature(fields, secret, algorithm) for secret in secrets)):
        raise CallbackRefused("the parameter sig is missing or wrong")


def _signature(fields: Mapping[str, str], secret: str, algorithm: str) -> str:
    said = "".join(f"&{name}={re.sub('[&=]', '_', fields[name])}" for name in sorted(fields))
    plain, key = said.encode(errors="surrogatepass"), secret.encode()
    if algorithm == "md5hash":
        return hashlib.md5(plain + key, usedforsecurity=False).hexdigest()
    return hmac.new(key, plain, algorithm).hexdigest()


def _fields(request: CallbackRequest) -> Mapping[str, str]:
    """The parameters: in the query of a GET, in a form, or in JSON, as the account chose it."""
    if request.method == "GET":
        return request.query
    if not request.body.startswith(b"{"):
        return dict(read_form(request.body))
    try:
        document: dict[str, Any] = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        return {}
    return {name: str(value) for name, value in document.items() if isinstance(value, str | int | float)}


def split(request: CallbackRequest) -> tuple[CallbackItem, ...]:
    """The one message, receipt or other event of a request."""
    fields = _fields(request)
    return (write_item(_kind(fields), fields),)


def _kind(fields: Mapping[str, str]) -> ItemKind:
    if not fields.get("messageId"):
        return "event"
    return "dr" if fields.get("status") else "mo"


def read_messages(body: bytes) -> tuple[InboundMessage, ...]:
    """The message of an item."""
    fields = orjson.loads(body)
    message = Incoming.model_validate(fields)
    content: InboundContent = UnsupportedContent(provider_type=message.type, raw=fields)
    if message.text is not None:
        content = InboundText(text=message.text)
    return (
        InboundMessage(
            provider_message_id=message.id,
            sender=Person(kind="msisdn", id=message.sender),
            to=message.to or None,
            content=content,
            sent_at=read_instant(message.at),
        ),
    )


def read_receipts(body: bytes) -> tuple[DeliveryReceipt, ...]:
    """The receipt of an item. A status that has no meaning for us keeps its name, with status None."""
    told = Told.model_validate_json(body)
    news = SMS_STATUSES.get(told.status)
    failed = news in ("failed", "expired")
    receipt = DeliveryReceipt(
        provider_message_id=told.id,
        reference=told.reference or None,
        status=news,
        provider_status=told.status,
        reason=reason_for(SMS_RECEIPT_FAILURES, told.code) if failed else None,
        occurred_at=read_instant(told.at),
    )
    return (receipt,)
