"""What vonage's SMS API adds to its table: forms that are sent, and signed parameters that come back."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from gateway.errors import FailureKind
from gateway.model.address import Person
from gateway.model.callback import CallbackRequest
from gateway.model.content import InboundContent, InboundText, UnsupportedContent
from gateway.model.receipt import DeliveryReceipt, Reason
from handlers.contract import InboundMessage
from tests.handlers.cases.vonage_accounts import OLD_SECRET, SIGNATURE_SECRET, SMS_TAKEN, TO, sms
from tests.handlers.rows import REFERENCE, CallbackRow, Failed, SendRow, Sent, answer, posted

PERMANENT, TRANSIENT = FailureKind.PERMANENT, FailureKind.TRANSIENT
THROTTLED, AUTH, UNCERTAIN = FailureKind.THROTTLED, FailureKind.AUTH, FailureKind.UNCERTAIN
HELLO: dict[str, Any] = {"type": "text", "text": "Hello"}
FAR = datetime(2199, 1, 1, tzinfo=UTC)


def by_sms(name: str, content: dict[str, Any], request: Sent, **more: Any) -> SendRow:
    given = {"to": TO, "sender": "Shop", "answers": (SMS_TAKEN,), "ids": ("0A01",), "account": "sms", **more}
    return SendRow(name, content, requests=(request,), **given)


def sms_fails(status: str, text: str, failed: Failed) -> SendRow:
    parts = [
        {"to": "447700900001", "message-id": "0A01", "status": "0"},
        {"status": status, "error-text": text},
    ]
    return by_sms(
        f"SMS status {status} of its second part",
        HELLO,
        sms(text="Hello", type="text"),
        answers=(answer({"message-count": "2", "messages": parts}),),
        ids=(),
        failed=failed,
    )


SMS_SENDS = (
    by_sms("a text of the GSM alphabet by the SMS API", HELLO, sms(text="Hello", type="text")),
    by_sms(
        "a text of another alphabet, in two parts",
        {"type": "text", "text": "Привет"},
        sms(text="Привет", type="unicode", ttl="604800000"),
        expires_at=FAR,
        answers=(
            answer(
                {
                    "message-count": "2",
                    "messages": [
                        {"message-id": "0A01", "status": "0"},
                        {"message-id": "0A02", "status": "0"},
                    ],
                }
            ),
        ),
        ids=("0A01", "0A02"),
    ),
    by_sms(
        "a raw form, whose credentials stay ours",
        {"type": "raw", "payload": {"text": "Hi", "type": "text", "message-class": 0, "api_key": "other"}},
        sms(text="Hi", type="text", **{"message-class": "0"}),
    ),
    sms_fails(
        "1",
        "Throughput Rate Exceeded - please wait [ 250 ] and retry",
        Failed(THROTTLED, "rate_limited", "1", 0.25),
    ),
    sms_fails("4", "Bad Credentials", Failed(AUTH, "account_credentials", "4")),
    sms_fails("5", "Internal Error", Failed(TRANSIENT, "provider_error", "5")),
    sms_fails("9", "Quota Exceeded", Failed(AUTH, "quota_exceeded", "9")),
    sms_fails("6", "Unroutable 447700900001", Failed(PERMANENT, "invalid_recipient", "6")),
    sms_fails("77", "New", Failed(PERMANENT, "provider_error", "77")),
    by_sms(
        "an answer of the SMS API without an id",
        HELLO,
        sms(text="Hello", type="text"),
        answers=(answer({"messages": [{"status": "0"}]}),),
        ids=(),
        failed=Failed(UNCERTAIN, "provider_error", "http_200"),
    ),
    by_sms(
        "an answer of the SMS API with HTTP 503",
        HELLO,
        sms(text="Hello", type="text"),
        answers=(answer({}, 503, retry_after="3"),),
        ids=(),
        failed=Failed(TRANSIENT, "provider_unavailable", "http_503", 3.0),
    ),
)

URL = "https://gw.example/callbacks/vo-shop"
AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
FROM, NUMBER = "447700900001", "447700900100"


def md5hash(fields: dict[str, str], secret: str = SIGNATURE_SECRET) -> dict[str, str]:
    said = "".join(f"&{name}={fields[name]}" for name in sorted(fields))
    return {**fields, "sig": hashlib.md5(f"{said}{secret}".encode(), usedforsecurity=False).hexdigest()}


def hmac_sha256(fields: dict[str, str], secret: str) -> dict[str, str]:
    # What separates the parameters is replaced in their values.
    said = "".join(f"&{name}={fields[name].replace('&', '_').replace('=', '_')}" for name in sorted(fields))
    return {**fields, "sig": hmac.digest(secret.encode(), said.encode(), "sha256").hex().upper()}


def got(fields: dict[str, str]) -> CallbackRequest:
    return CallbackRequest("GET", URL, fields, {}, b"")


def form(fields: dict[str, str]) -> CallbackRequest:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return CallbackRequest("POST", URL, {}, headers, urlencode(fields).encode())


def as_json(fields: dict[str, str]) -> CallbackRequest:
    return CallbackRequest("POST", URL, {}, {"content-type": "application/json"}, posted(fields))


SMS_AROUND = {"message-timestamp": "2026-11-22 10:00:00", "timestamp": "1795341600", "nonce": "n-1"}
SMS_HI = {**SMS_AROUND, "messageId": "0B01", "msisdn": FROM, "to": NUMBER, "type": "text", "text": "Hi"}
SMS_BINARY = {**SMS_AROUND, "messageId": "0B01", "msisdn": FROM, "to": NUMBER, "type": "binary", "data": "00"}
SMS_DELIVERED = {
    **SMS_AROUND,
    "messageId": "0A01",
    "msisdn": FROM,
    "to": "Shop",
    "status": "delivered",
    "err-code": "0",
    "scts": "2611221000",
    "client-ref": REFERENCE,
}


def sms_wrote(content: InboundContent) -> tuple[InboundMessage, ...]:
    message = InboundMessage(
        provider_message_id="0B01",
        sender=Person(kind="msisdn", id=FROM),
        to=NUMBER,
        content=content,
        sent_at=AT,
    )
    return (message,)


def sms_told(
    name: str, status: str | None, word: str, code: str, reason: Reason | None = None
) -> CallbackRow:
    request = form(md5hash({**SMS_DELIVERED, "status": word, "err-code": code}))
    return CallbackRow(name, request, ("dr",), receipts=(sms_receipt(status, word, reason),), account="sms")


def sms_receipt(status: str | None, word: str, reason: Reason | None = None) -> DeliveryReceipt:
    return DeliveryReceipt.model_validate(
        {
            "provider_message_id": "0A01",
            "reference": REFERENCE,
            "status": status,
            "provider_status": word,
            "reason": reason,
            "occurred_at": AT,
        }
    )


SMS_CALLBACKS = (
    CallbackRow("an SMS that nobody signed", form(SMS_HI), refused=403, account="sms"),
    CallbackRow(
        "an SMS with another text than was signed",
        got({**md5hash(SMS_HI), "text": "Ho"}),
        refused=403,
        account="sms",
    ),
    CallbackRow(
        "an SMS in what is not quite JSON",
        replace(as_json(SMS_HI), body=b'{"sig":'),
        refused=403,
        account="sms",
    ),
    CallbackRow(
        "an SMS by GET",
        got(md5hash(SMS_HI)),
        ("mo",),
        sms_wrote(InboundText(text="Hi")),
        account="sms",
    ),
    CallbackRow(
        "an SMS in JSON, signed by HMAC, with what separates parameters",
        as_json(hmac_sha256({**SMS_HI, "text": "a&b=c"}, SIGNATURE_SECRET)),
        ("mo",),
        sms_wrote(InboundText(text="a&b=c")),
        account="hmac",
    ),
    CallbackRow(
        "an SMS in a form, signed by HMAC with the former secret",
        form(hmac_sha256(SMS_HI, OLD_SECRET)),
        ("mo",),
        sms_wrote(InboundText(text="Hi")),
        account="hmac",
    ),
    CallbackRow(
        "a binary SMS",
        form(md5hash(SMS_BINARY)),
        ("mo",),
        sms_wrote(UnsupportedContent(provider_type="binary", raw=md5hash(SMS_BINARY))),
        account="sms",
    ),
    CallbackRow("an SMS event of another kind", form(md5hash(SMS_AROUND)), ("event",), account="sms"),
    CallbackRow(
        "an SMS delivered, by GET",
        got(md5hash(SMS_DELIVERED)),
        ("dr",),
        receipts=(sms_receipt("delivered", "delivered"),),
        account="sms",
    ),
    sms_told("an SMS buffered", "submitted", "buffered", "0"),
    sms_told("an SMS whose fate is unknown", None, "unknown", "1"),
    sms_told(
        "an SMS failed",
        "failed",
        "failed",
        "9",
        Reason(code="recipient_opted_out", kind=FailureKind.PERMANENT, provider_code="9"),
    ),
    sms_told(
        "an SMS whose time was over",
        "expired",
        "expired",
        "2",
        Reason(code="recipient_unreachable", kind=FailureKind.TRANSIENT, provider_code="2"),
    ),
)
