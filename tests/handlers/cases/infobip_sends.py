"""What is sent through infobip: rows from submission to the exact request, of both APIs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from gateway.errors import FailureKind
from gateway.model.address import Address
from tests.handlers.cases.infobip_accounts import (
    STATUS_CALLBACK,
    TAKEN,
    TO,
    answered,
    message,
    sms,
    state,
)
from tests.handlers.rows import REFERENCE, Failed, SendRow, Sent, answer

PERMANENT, TRANSIENT = FailureKind.PERMANENT, FailureKind.TRANSIENT
THROTTLED, AUTH, UNCERTAIN = FailureKind.THROTTLED, FailureKind.AUTH, FailureKind.UNCERTAIN
HELLO: dict[str, Any] = {"type": "text", "text": "Hello"}
LINK = "https://cdn.example/picture.jpg"
YES = {"type": "reply", "id": "y", "title": "Yes"}
SHOP = {"type": "url", "title": "Shop", "url": "https://shop.example"}
OPEN_SHOP = {"type": "OPEN_URL", "text": "Shop", "url": "https://shop.example"}
REPORTS = {
    "contentType": "application/json",
    "callbackData": REFERENCE,
    "delivery": {"url": STATUS_CALLBACK},
}
SEEN_TOO = REPORTS | {"seen": {"url": STATUS_CALLBACK}}


def sent(name: str, content: dict[str, Any], request: Sent, **more: Any) -> SendRow:
    given = {"to": TO, "sender": "Shop", "answers": (TAKEN,), "ids": (REFERENCE,), **more}
    return SendRow(name, content, requests=(request,), **given)


def on_whatsapp(name: str, said: dict[str, Any], **part: Any) -> SendRow:
    request = message("WHATSAPP", "447700900100", webhooks=SEEN_TOO, **part)
    return sent(name, said, request, sender="447700900100", account="whatsapp")


def on_viber(name: str, content: dict[str, Any], **part: Any) -> SendRow:
    return sent(name, content, message("VIBER_BM", "Shop", content=part), account="viber")


def refused(name: str, reason: str, content: dict[str, Any], **more: Any) -> SendRow:
    return SendRow(name, content, refused=reason, **{"to": TO, "sender": "Shop", **more})


def fails(name: str, document: Any, status: int, failed: Failed, **headers: str) -> SendRow:
    answers = (answer(document, status, **headers),)
    return sent(name, HELLO, sms({"text": "Hello"}), answers=answers, ids=(), failed=failed)


def rejected(number: int, name: str, reason: str, description: str = "No") -> SendRow:
    return sent(
        f"rejected in the answer: {name}",
        HELLO,
        sms({"text": "Hello"}),
        answers=(answered(state(5, number, name, description)),),
        ids=(),
        failed=Failed(PERMANENT, reason, name),
    )


def older(word: str) -> dict[str, Any]:
    return {"requestError": {"serviceException": {"messageId": word, "text": "447700900001 is none"}}}


def newer(code: str) -> dict[str, Any]:
    said = {"action": "Check it", "violations": [], "resources": []}
    return {"errorCode": code, "description": "to 447700900001 is wrong", **said}


BY_SMS = (
    sent("a text", HELLO, sms({"text": "Hello"})),
    sent(
        "a text with an end beyond what Infobip knows",
        HELLO,
        sms({"text": "Hello"}, options={"validityPeriod": {"amount": 172_800, "timeUnit": "SECONDS"}}),
        expires_at=datetime(2199, 1, 1, tzinfo=UTC),
    ),
    sent(
        "a text that is due, with reports",
        HELLO,
        sms(
            {"text": "Hello"},
            options={"validityPeriod": {"amount": 1, "timeUnit": "SECONDS"}},
            webhooks=REPORTS,
        ),
        expires_at=datetime(2026, 1, 1, tzinfo=UTC),
        account="reported",
    ),
    sent(
        "the second part of a text, which has an id of its own",
        HELLO,
        sms({"text": "Hello"}, destinations=[{"to": "447700900001", "messageId": f"{REFERENCE}#2"}]),
        answers=(answered(state(1, 26, "PENDING_ACCEPTED"), f"{REFERENCE}#2"),),
        ids=(f"{REFERENCE}#2",),
        part=2,
    ),
    sent(
        "a text whose id is known already, after an attempt whose outcome was not",
        HELLO,
        sms({"text": "Hello"}),
        answers=(answered(state(5, 23, "REJECTED_DUPLICATE_MESSAGE_ID")),),
    ),
    sent(
        "a raw message, whose recipient and sender stay ours",
        {
            "type": "raw",
            "payload": {
                "content": {"text": "Hi", "transliteration": "ALL"},
                "options": {"flash": True},
                "sender": "Other",
            },
        },
        sms(
            {"text": "Hi", "transliteration": "ALL"},
            options={"flash": True, "validityPeriod": {"amount": 1, "timeUnit": "SECONDS"}},
        ),
        expires_at=datetime(2026, 1, 1, tzinfo=UTC),
    ),
)

ELSEWHERE = (
    on_whatsapp("a text on WhatsApp", HELLO, content={"body": {"type": "TEXT", "text": "Hello"}}),
    on_whatsapp(
        "reply buttons on WhatsApp",
        HELLO | {"buttons": [YES]},
        content={
            "body": {"type": "TEXT", "text": "Hello"},
            "buttons": [{"type": "REPLY", "text": "Yes", "postbackData": "y"}],
        },
    ),
    on_whatsapp(
        "a URL button on WhatsApp",
        HELLO | {"buttons": [SHOP]},
        content={"body": {"type": "TEXT", "text": "Hello"}, "buttons": [OPEN_SHOP]},
    ),
    on_whatsapp(
        "a picture on WhatsApp",
        {"type": "image", "url": LINK, "caption": "New"},
        content={"body": {"type": "IMAGE", "url": LINK, "text": "New"}},
    ),
    on_whatsapp(
        "a video on WhatsApp",
        {"type": "video", "url": LINK},
        content={"body": {"type": "VIDEO", "url": LINK}},
    ),
    on_whatsapp(
        "a document on WhatsApp",
        {"type": "document", "url": LINK, "filename": "a.pdf"},
        content={"body": {"type": "DOCUMENT", "url": LINK, "filename": "a.pdf"}},
    ),
    on_whatsapp(
        "a location",
        {"type": "location", "latitude": 51.5, "longitude": -0.12, "name": "Shop"},
        content={"body": {"type": "LOCATION", "latitude": 51.5, "longitude": -0.12, "name": "Shop"}},
    ),
    on_whatsapp(
        "a template with parameters, one of its buttons without",
        {
            "type": "template",
            "name": "order_sent",
            "language": "en_GB",
            "parameters": {"header": ["4711"], "body": ["Ann", "Monday"], "buttons": ["", "t/1"]},
        },
        template={"templateName": "order_sent", "language": "en_GB"},
        content={
            "header": {"type": "TEXT", "1": "4711"},
            "body": {"type": "TEXT", "1": "Ann", "2": "Monday"},
            "buttons": [
                {"type": "QUICK_REPLY", "postbackData": ""},
                {"type": "OPEN_URL", "suffix": "t/1"},
            ],
        },
    ),
    on_whatsapp(
        "a template without parameters",
        {"type": "template", "name": "hello_world", "language": "en_US"},
        template={"templateName": "hello_world", "language": "en_US"},
    ),
    on_whatsapp(
        "a raw message on WhatsApp",
        {"type": "raw", "payload": {"content": {"body": {"type": "STICKER", "reference": "1"}}}},
        content={"body": {"type": "STICKER", "reference": "1"}},
    ),
    on_viber("a text on Viber", HELLO, body={"type": "TEXT", "text": "Hello"}),
    on_viber(
        "a picture with a button on Viber",
        {"type": "image", "url": LINK, "caption": "New", "buttons": [SHOP]},
        body={"type": "IMAGE", "url": LINK, "text": "New"},
        buttons=[OPEN_SHOP],
    ),
    on_viber(
        "a document on Viber",
        {"type": "document", "url": LINK},
        body={"type": "DOCUMENT", "url": LINK},
    ),
)

REFUSED_HERE = (
    refused("a picture by SMS", "unsupported_content", {"type": "image", "url": LINK}),
    refused("buttons by SMS", "unsupported_content", HELLO | {"buttons": [YES]}),
    refused("a picture by id", "media_unsupported", {"type": "image", "media_id": "1"}, account="viber"),
    refused(
        "a button that calls",
        "unsupported_content",
        HELLO | {"buttons": [{"type": "call", "title": "Call", "phone": "+447700900100"}]},
        account="whatsapp",
    ),
    refused(
        "a raw message whose options are none",
        "invalid_message",
        {"type": "raw", "payload": {"options": "fast"}},
    ),
    refused(
        "an address of another channel",
        "invalid_recipient",
        HELLO,
        to=Address(kind="psid", id="1234567890"),
    ),
)

FAILURES = (
    fails(
        "the key is refused", older("UNAUTHORIZED"), 401, Failed(AUTH, "account_credentials", "UNAUTHORIZED")
    ),
    fails("the key may not send", newer("E403"), 403, Failed(AUTH, "account_credentials", "E403")),
    fails("too fast", newer("E429"), 429, Failed(THROTTLED, "rate_limited", "E429", 2.0), retry_after="2"),
    fails(
        "too fast, in the older form",
        older("TOO_MANY_REQUESTS"),
        429,
        Failed(THROTTLED, "rate_limited", "TOO_MANY_REQUESTS"),
    ),
    fails("a bad request", newer("E400"), 400, Failed(PERMANENT, "invalid_message", "E400")),
    fails(
        "a bad request, in the older form",
        older("BAD_REQUEST"),
        400,
        Failed(PERMANENT, "invalid_message", "BAD_REQUEST"),
    ),
    fails("a code that is not known", newer("E409"), 409, Failed(PERMANENT, "provider_error", "E409")),
    fails("an error of Infobip's own", newer("E500"), 500, Failed(UNCERTAIN, "provider_error", "E500")),
    fails("away", {}, 503, Failed(TRANSIENT, "provider_unavailable", "http_503", 7.0), retry_after="7"),
    rejected(12, "REJECTED_NOT_ENOUGH_CREDITS", "quota_exceeded"),
    rejected(10, "REJECTED_DND", "recipient_opted_out"),
    rejected(25, "REJECTED_MESSAGE_TOO_LONG", "content_too_long"),
    rejected(52, "REJECTED_DESTINATION", "invalid_recipient", "447700900001 is none"),
    rejected(99, "REJECTED_AS_NEVER_BEFORE", "provider_error"),
)

SENDS = BY_SMS + ELSEWHERE + REFUSED_HERE + FAILURES
