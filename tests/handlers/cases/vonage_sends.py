"""What is sent through vonage: rows from submission to the exact request, of both APIs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from gateway.errors import FailureKind
from tests.handlers.cases.vonage_accounts import (
    APPLICATION_ID,
    PSID,
    STATUS_CALLBACK,
    TAKEN,
    TO,
    message,
)
from tests.handlers.rows import Failed, SendRow, Sent, answer

PERMANENT, TRANSIENT = FailureKind.PERMANENT, FailureKind.TRANSIENT
THROTTLED, AUTH, UNCERTAIN = FailureKind.THROTTLED, FailureKind.AUTH, FailureKind.UNCERTAIN
HELLO: dict[str, Any] = {"type": "text", "text": "Hello"}
LINK = "https://cdn.example/picture.jpg"
YES = {"type": "reply", "id": "y", "title": "Yes"}
SHOP = {"type": "url", "title": "Shop", "url": "https://shop.example"}
SECTIONS = [{"title": "Sizes", "rows": [{"id": "s", "title": "Small", "description": "36"}]}]
FAR, PAST = datetime(2199, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)


def sent(name: str, content: dict[str, Any], request: Sent, **more: Any) -> SendRow:
    given = {"to": TO, "sender": "447700900100", "answers": (TAKEN,), "ids": ("uuid-1",), **more}
    return SendRow(name, content, requests=(request,), **given)


def on_viber(name: str, content: dict[str, Any], viber: dict[str, Any], **part: Any) -> SendRow:
    said = {"channel": "viber_service", "from": "Shop", **part}
    request = message(viber_service={"category": "promotion", **viber}, **said)
    return sent(name, content, request, sender="Shop", account="viber")


def refused(name: str, reason: str, content: dict[str, Any], **more: Any) -> SendRow:
    return SendRow(name, content, refused=reason, **{"to": TO, "sender": "447700900100", **more})


def fails(word: str, status: int, failed: Failed, detail: str = "No", **headers: str) -> SendRow:
    problem = {
        "type": f"https://developer.vonage.example/api-errors/messages#{word}",
        "title": "Something",
        "detail": detail,
        "instance": "trace",
    }
    return sent(
        f"problem {word} with HTTP {status}{', retry-after' if headers else ''}",
        HELLO,
        message(**text("Hello")),
        answers=(answer(problem, status, **headers),),
        ids=(),
        failed=failed,
    )


def text(said: str) -> dict[str, str]:
    return {"message_type": "text", "text": said}


def custom(kind: str, part: dict[str, Any]) -> dict[str, Any]:
    return {"message_type": "custom", "custom": {"type": kind, kind: part}}


ON_WHATSAPP = (
    sent("a text on WhatsApp", HELLO, message(**text("Hello"))),
    sent(
        "an answer",
        HELLO,
        message(**text("Hello"), context={"message_uuid": "uuid-9"}),
        in_reply_to="uuid-9",
    ),
    sent("a text with an end, which WhatsApp does not know", HELLO, message(**text("Hello")), expires_at=FAR),
    sent(
        "a picture",
        {"type": "image", "url": LINK, "caption": "New"},
        message(message_type="image", image={"url": LINK, "caption": "New"}),
    ),
    sent("a video", {"type": "video", "url": LINK}, message(message_type="video", video={"url": LINK})),
    sent("audio", {"type": "audio", "url": LINK}, message(message_type="audio", audio={"url": LINK})),
    sent(
        "a document with its name",
        {"type": "document", "url": LINK, "filename": "Invoice.pdf"},
        message(message_type="file", file={"url": LINK, "name": "Invoice.pdf"}),
    ),
    sent(
        "a sticker by id",
        {"type": "sticker", "media_id": "900"},
        message(message_type="sticker", sticker={"id": "900"}),
    ),
    sent(
        "a location",
        {"type": "location", "latitude": 51.5, "longitude": -0.12, "name": "Shop"},
        message(**custom("location", {"latitude": 51.5, "longitude": -0.12, "name": "Shop"})),
    ),
    sent(
        "reply buttons",
        {"type": "text", "text": "Well?", "buttons": [YES]},
        message(
            **custom(
                "interactive",
                {
                    "type": "button",
                    "body": {"text": "Well?"},
                    "action": {"buttons": [{"type": "reply", "reply": {"id": "y", "title": "Yes"}}]},
                },
            )
        ),
    ),
    sent(
        "a list",
        {"type": "list", "text": "Which size?", "button": "Sizes", "sections": SECTIONS},
        message(
            **custom(
                "interactive",
                {
                    "type": "list",
                    "body": {"text": "Which size?"},
                    "action": {"button": "Sizes", "sections": SECTIONS},
                },
            )
        ),
    ),
    sent(
        "a template with parameters, one of its buttons without",
        {
            "type": "template",
            "name": "order_sent",
            "language": "en_GB",
            "parameters": {"header": ["4711"], "body": ["Ann"], "buttons": ["", "t/1"]},
        },
        message(
            **custom(
                "template",
                {
                    "name": "order_sent",
                    "language": {"policy": "deterministic", "code": "en_GB"},
                    "components": [
                        {"type": "header", "parameters": [{"type": "text", "text": "4711"}]},
                        {"type": "body", "parameters": [{"type": "text", "text": "Ann"}]},
                        {
                            "type": "button",
                            "sub_type": "url",
                            "index": "1",
                            "parameters": [{"type": "text", "text": "t/1"}],
                        },
                    ],
                },
            )
        ),
    ),
    *(
        sent(
            f"a reaction: {reaction['action']}",
            {"type": "reaction", "to": "uuid-9", "emoji": reaction.get("emoji", "")},
            message(message_type="reaction", reaction=reaction, context={"message_uuid": "uuid-9"}),
            receipts_follow=False,
        )
        for reaction in ({"action": "react", "emoji": "👍"}, {"action": "unreact"})
    ),
    sent(
        "a raw body, whose recipient stays ours",
        {"type": "raw", "payload": {"message_type": "text", "text": "Hi", "to": "447700900999"}},
        message(**text("Hi")),
    ),
)

ELSEWHERE = (
    sent(
        "an SMS of an application, with receipts",
        HELLO,
        message(
            f"Bearer of {APPLICATION_ID} for 300 s",
            channel="sms",
            **text("Hello"),
            ttl=604_800,
            webhook_url=STATUS_CALLBACK,
            webhook_version="v1",
        ),
        expires_at=FAR,
        account="application",
    ),
    sent(
        "a picture by MMS that is due",
        {"type": "image", "url": LINK},
        message(channel="mms", message_type="image", image={"url": LINK}, ttl=300),
        expires_at=PAST,
        account="mms",
    ),
    sent(
        "a text on Messenger",
        HELLO,
        message(channel="messenger", **{"to": PSID.id, "from": "1234500000"}, **text("Hello")),
        to=PSID,
        sender="1234500000",
        account="messenger",
    ),
    on_viber("a text on Viber", HELLO, {}, **text("Hello")),
    on_viber(
        "a picture on Viber with a button",
        {"type": "image", "url": LINK, "caption": "New", "buttons": [SHOP]},
        {"action": {"url": "https://shop.example", "text": "Shop"}},
        message_type="image",
        image={"url": LINK, "caption": "New"},
    ),
    sent(
        "a text on Viber with a button, that is due",
        {"type": "text", "text": "Hello", "buttons": [SHOP]},
        message(
            channel="viber_service",
            **{"from": "Shop"},
            **text("Hello"),
            viber_service={
                "category": "promotion",
                "action": {"url": "https://shop.example", "text": "Shop"},
                "ttl": 30,
            },
        ),
        sender="Shop",
        expires_at=PAST,
        account="viber",
    ),
)

REFUSED_HERE = (
    refused("a picture by id", "media_unsupported", {"type": "image", "media_id": "1"}),
    refused("a URL button on WhatsApp", "unsupported_content", HELLO | {"buttons": [SHOP]}),
    refused("a reply button on Viber", "unsupported_content", HELLO | {"buttons": [YES]}, account="viber"),
    refused("a picture by SMS", "unsupported_content", {"type": "image", "url": LINK}, account="sms"),
    refused("buttons by SMS", "unsupported_content", HELLO | {"buttons": [YES]}, account="sms"),
    refused("an address of another channel", "invalid_recipient", HELLO, to=PSID),
    refused("an address of another channel by SMS", "invalid_recipient", HELLO, to=PSID, account="sms"),
)

FAILURES = (
    fails("unauthorized", 401, Failed(AUTH, "account_credentials", "unauthorized")),
    fails("low-balance", 402, Failed(AUTH, "quota_exceeded", "low-balance")),
    fails("throttled", 429, Failed(THROTTLED, "rate_limited", "throttled")),
    fails("1000", 429, Failed(THROTTLED, "rate_limited", "1000", 2.0), retry_after="2"),
    fails("1120", 422, Failed(PERMANENT, "sender_invalid", "1120")),
    fails("1170", 422, Failed(PERMANENT, "invalid_recipient", "1170"), detail="+447700900001 is none"),
    fails("1340", 422, Failed(PERMANENT, "outside_session_window", "1340")),
    fails("1030", 500, Failed(TRANSIENT, "provider_error", "1030")),
    fails("9999", 422, Failed(PERMANENT, "provider_error", "9999")),
    fails("9999", 500, Failed(UNCERTAIN, "provider_error", "9999")),
)

SENDS = ON_WHATSAPP + ELSEWHERE + REFUSED_HERE + FAILURES
