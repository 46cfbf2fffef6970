"""What is sent through twilio: rows from submission to the exact form."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from gateway.errors import FailureKind
from gateway.model.address import Address
from tests.handlers.cases.twilio_accounts import (
    KEY_SECRET,
    KEY_SID,
    ORDER_SID,
    SERVICE_SID,
    STATUS_CALLBACK,
    TAKEN,
    TO,
    WELCOME_SID,
    basic,
    posted,
)
from tests.handlers.rows import Failed, SendRow, Sent, answer

PERMANENT, TRANSIENT = FailureKind.PERMANENT, FailureKind.TRANSIENT
THROTTLED, AUTH, UNCERTAIN = FailureKind.THROTTLED, FailureKind.AUTH, FailureKind.UNCERTAIN
HELLO: dict[str, Any] = {"type": "text", "text": "Hello"}
LINK = "https://cdn.example/picture.jpg"


def sent(name: str, content: dict[str, Any], request: Sent, **more: Any) -> SendRow:
    given = {"to": TO, "sender": "SHOP", "answers": (TAKEN,), "ids": ("SM1",), **more}
    return SendRow(name, content, requests=(request,), **given)


def by_number(name: str, content: dict[str, Any], **fields: str) -> SendRow:
    said = {"From": "+447700900100", "StatusCallback": STATUS_CALLBACK, **fields}
    request = posted(basic(KEY_SID, KEY_SECRET), **said)
    return sent(name, content, request, sender="+447700900100", account="number")


def by_whatsapp(name: str, content: dict[str, Any], **fields: str) -> SendRow:
    said = {
        "To": "whatsapp:+447700900001",
        "From": "whatsapp:+447700900200",
        "StatusCallback": STATUS_CALLBACK,
        **fields,
    }
    return sent(name, content, posted(**said), sender="+447700900200", account="whatsapp")


def by_service(name: str, content: dict[str, Any], **fields: str) -> SendRow:
    request = posted(From=None, MessagingServiceSid=SERVICE_SID, **fields)
    return sent(name, content, request, sender=None, account="service")


def refused(name: str, reason: str, content: dict[str, Any], **more: Any) -> SendRow:
    return SendRow(name, content, refused=reason, **{"to": TO, "sender": "SHOP", **more})


def fails(code: int | None, status: int, failed: Failed, message: str = "No", **headers: str) -> SendRow:
    told = {"code": code, "message": message, "more_info": "https://twilio.example/errors", "status": status}
    return sent(
        f"error {code} with HTTP {status}{' and ' if headers else ''}{', '.join(headers)}",
        HELLO,
        posted(Body="Hello"),
        answers=(answer(told, status, **headers),),
        ids=(),
        failed=failed,
    )


TAKEN_MESSAGES = (
    sent("a text from a name", HELLO, posted(Body="Hello")),
    sent(
        "a text to a number without its plus sign",
        HELLO,
        posted(Body="Hello"),
        to=Address(kind="msisdn", id="447700900001"),
    ),
    sent(
        "a text that is worth delivering for ever, which is longer than Twilio waits",
        HELLO,
        posted(Body="Hello", ValidityPeriod="36000"),
        expires_at=datetime(2199, 1, 1, tzinfo=UTC),
    ),
    sent(
        "a text that is due",
        HELLO,
        posted(Body="Hello", ValidityPeriod="1"),
        expires_at=datetime(2026, 1, 1, tzinfo=UTC),
    ),
    sent(
        "a raw form, whose recipient and sender stay ours",
        {
            "type": "raw",
            "payload": {
                "Body": "Hello",
                "SmartEncoded": True,
                "MediaUrl": [LINK, "https://cdn.example/b.jpg"],
                "To": "+447700900999",
                "From": "OTHER",
            },
        },
        posted(Body="Hello", SmartEncoded="true", MediaUrl=[LINK, "https://cdn.example/b.jpg"]),
    ),
    by_number("a text by an API key, with receipts", HELLO, Body="Hello"),
    by_number(
        "a picture by MMS", {"type": "image", "url": LINK, "caption": "New"}, MediaUrl=LINK, Body="New"
    ),
    by_number("a video by MMS", {"type": "video", "url": LINK}, MediaUrl=LINK),
    by_number("audio by MMS", {"type": "audio", "url": LINK}, MediaUrl=LINK),
    by_number("a document by MMS", {"type": "document", "url": LINK}, MediaUrl=LINK),
    by_service("a text by a messaging service", HELLO, Body="Hello"),
    by_service(
        "a template by its name",
        {"type": "template", "name": "order", "language": "en"},
        ContentSid=ORDER_SID,
    ),
    by_whatsapp("a text on WhatsApp", {"type": "text", "text": "Grüße & €"}, Body="Grüße & €"),
    by_whatsapp(
        "a picture on WhatsApp", {"type": "image", "url": LINK, "caption": "New"}, MediaUrl=LINK, Body="New"
    ),
    by_whatsapp("a video on WhatsApp", {"type": "video", "url": LINK}, MediaUrl=LINK),
    by_whatsapp("audio on WhatsApp", {"type": "audio", "url": LINK}, MediaUrl=LINK),
    by_whatsapp("a document on WhatsApp", {"type": "document", "url": LINK}, MediaUrl=LINK),
    by_whatsapp(
        "a place",
        {"type": "location", "latitude": 51.5, "longitude": -0.12, "name": "Shop", "address": "1 High St"},
        Body="Shop",
        PersistentAction="geo:51.5,-0.12|1 High St",
    ),
    by_whatsapp(
        "a place without a name",
        {"type": "location", "latitude": 51.5, "longitude": -0.12},
        Body="51.5,-0.12",
        PersistentAction="geo:51.5,-0.12",
    ),
    by_whatsapp(
        "a template in one of its languages, with parameters",
        {
            "type": "template",
            "name": "order",
            "language": "de",
            "parameters": {"header": ["4711"], "body": ["Ann"], "buttons": ["t/1"]},
        },
        ContentSid=WELCOME_SID,
        ContentVariables='{"1":"4711","2":"Ann","3":"t/1"}',
    ),
    sent(
        "a template by its Content SID",
        {"type": "template", "name": WELCOME_SID, "language": "en"},
        posted(ContentSid=WELCOME_SID),
    ),
)

REFUSED_HERE = (
    refused("a picture without MMS", "unsupported_content", {"type": "image", "url": LINK}),
    refused(
        "a picture by id",
        "media_unsupported",
        {"type": "image", "media_id": "1"},
        account="whatsapp",
        sender="+447700900200",
    ),
    refused(
        "buttons",
        "unsupported_content",
        HELLO | {"buttons": [{"type": "reply", "id": "y", "title": "Yes"}]},
    ),
    refused(
        "a template that nobody knows",
        "template_unknown",
        {"type": "template", "name": "order", "language": "en"},
    ),
    refused(
        "a raw payload that is no form",
        "invalid_message",
        {"type": "raw", "payload": {"Body": {"text": "Hello"}}},
    ),
    refused(
        "an address of another channel",
        "invalid_recipient",
        HELLO,
        to=Address(kind="psid", id="1234567890"),
    ),
)

FAILURES = (
    fails(20003, 401, Failed(AUTH, "account_credentials", "20003")),
    fails(20404, 404, Failed(AUTH, "account_credentials", "20404")),
    fails(20005, 403, Failed(AUTH, "account_suspended", "20005")),
    fails(20429, 429, Failed(THROTTLED, "rate_limited", "20429")),
    fails(20429, 429, Failed(THROTTLED, "rate_limited", "20429", 2.0), retry_after="2"),
    fails(63038, 429, Failed(THROTTLED, "quota_exceeded", "63038")),
    fails(
        21211,
        400,
        Failed(PERMANENT, "invalid_recipient", "21211"),
        message="The 'To' number +447700900001 is not a valid phone number.",
    ),
    fails(21610, 400, Failed(PERMANENT, "recipient_opted_out", "21610")),
    fails(21408, 400, Failed(PERMANENT, "country_restricted", "21408")),
    fails(21606, 400, Failed(PERMANENT, "sender_invalid", "21606")),
    fails(21617, 400, Failed(PERMANENT, "content_too_long", "21617")),
    fails(63016, 400, Failed(PERMANENT, "outside_session_window", "63016")),
    fails(21730, 503, Failed(TRANSIENT, "provider_unavailable", "21730")),
    fails(99999, 400, Failed(PERMANENT, "provider_error", "99999")),
    fails(99999, 500, Failed(UNCERTAIN, "provider_error", "99999")),
    fails(None, 503, Failed(TRANSIENT, "provider_unavailable", "http_503", 7.0), retry_after="7"),
)

SENDS = TAKEN_MESSAGES + REFUSED_HERE + FAILURES
