"""What is sent through web_push: rows from submission to what a browser gets, and what push services say."""

from __future__ import annotations

from typing import Any

from gateway.errors import FailureKind
from gateway.model.address import Address
from gateway.transports.port import HttpResponse
from handlers.shared.push_receipts import receipt_token
from tests.handlers.cases.push_rows import EXPIRES_AT, RECEIPT, RECEIPT_URL, SECRET, UNTIL_THEN
from tests.handlers.cases.web_push_accounts import CONTACT, MOZILLA, PLACE, subscription
from tests.handlers.rows import REFERENCE, Failed, SendRow, Sent, answer

AUTH, PERMANENT = FailureKind.AUTH, FailureKind.PERMANENT
THROTTLED, TRANSIENT, UNCERTAIN = FailureKind.THROTTLED, FailureKind.TRANSIENT, FailureKind.UNCERTAIN

TO = subscription()
LOCATION = f"{MOZILLA}/m/gAAAAA"
TAKEN = HttpResponse(201, {"location": LOCATION, "ttl": "60"})
HELLO = {"type": "text", "text": "Hello"}
IMAGE = "https://cdn.example/picture.jpg"
FOREVER = "2419200"
HEADERS = {
    "authorization": f"vapid for {MOZILLA} by {CONTACT}",
    "content-encoding": "aes128gcm",
    "content-type": "application/octet-stream",
    "ttl": FOREVER,
    "urgency": "high",
}
TOLD = {"reference": REFERENCE, "receipt": RECEIPT}


def push(notification: dict[str, Any], **headers: str) -> Sent:
    shown = {"title": "Shop", "data": TOLD, **notification}
    document = {"web_push": 8030, "notification": shown, "mutable": True}
    return Sent("POST", PLACE, {**HEADERS, **headers}, document)


def sent(name: str, content: dict[str, Any], request: Sent, **more: Any) -> SendRow:
    given = {"to": TO, "answers": (TAKEN,), "ids": (LOCATION,), **more}
    return SendRow(name, content, requests=(request,), **given)


def refused(name: str, reason: str, content: dict[str, Any] = HELLO, to: Address = TO) -> SendRow:
    return SendRow(name, content, to, refused=reason)


def fails(name: str, response: HttpResponse, *failed: Any) -> SendRow:
    request = push({"body": "Hello"})
    return SendRow(name, HELLO, TO, answers=(response,), requests=(request,), failed=Failed(*failed))


def mozilla(status: int, errno: int, message: str, **headers: str) -> HttpResponse:
    told = {"code": status, "errno": errno, "error": "-", "message": message, "more_info": "-"}
    return answer(told, status, **headers)


def urls(count: int) -> list[dict[str, str]]:
    return [
        {"type": "url", "title": f"Shop {n}", "url": f"https://shop.example/{n}"} for n in range(1, count + 1)
    ]


TAKEN_MESSAGES = (
    sent("a text", HELLO, push({"body": "Hello"})),
    sent(
        "a text with a title, to be tried for a while without waking anybody, in the place of the last one",
        HELLO,
        push({"title": "Order", "body": "Hello"}, ttl=UNTIL_THEN, urgency="low", topic="order-4711"),
        attributes={"title": "Order", "urgency": "low", "collapse_key": "order-4711"},
        expires_at=EXPIRES_AT,
    ),
    sent(
        "a collapse key that is no topic",
        HELLO,
        push({"body": "Hello"}, topic="43b498b4eb10b3a9c70a83ba5ab78854"),
        attributes={"collapse_key": "my order"},
    ),
    sent(
        "an image with a caption and a button",
        {"type": "image", "url": IMAGE, "caption": "This?", "buttons": urls(1)},
        push(
            {
                "body": "This?",
                "image": IMAGE,
                "actions": [{"action": "open-1", "title": "Shop 1", "navigate": "https://shop.example/1"}],
            }
        ),
    ),
    sent(
        "two buttons",
        {**HELLO, "buttons": urls(2)},
        push(
            {
                "body": "Hello",
                "actions": [
                    {"action": "open-1", "title": "Shop 1", "navigate": "https://shop.example/1"},
                    {"action": "open-2", "title": "Shop 2", "navigate": "https://shop.example/2"},
                ],
            }
        ),
    ),
    sent(
        "a payload of the application's own",
        {"type": "raw", "payload": {"order": 4711, "data": {"a": 1}}},
        Sent("POST", PLACE, HEADERS, {"order": 4711, "data": {"a": 1, **TOLD}}),
    ),
    sent(
        "the second part of a long text, whose receipt has a token of its own",
        HELLO,
        push(
            {
                "body": "Hello",
                "data": {
                    "reference": f"{REFERENCE}#2",
                    "receipt": {"token": receipt_token(SECRET, f"{REFERENCE}#2"), "url": RECEIPT_URL},
                },
            }
        ),
        part=2,
    ),
    sent(
        "a text of an account without receipts, with a page to open, to a service of its own",
        HELLO,
        Sent(
            "POST",
            "https://eu.push.example/x?token=a%2fb",
            {
                **HEADERS,
                "authorization": "vapid for https://eu.push.example by https://shop.example/contact",
            },
            {
                "web_push": 8030,
                "notification": {
                    "title": "Shop",
                    "body": "Hello",
                    "navigate": "https://shop.example/orders",
                    "data": {"reference": REFERENCE},
                },
            },
        ),
        to=subscription("https://eu.push.example/x?token=a%2fb"),
        account="silent",
    ),
    sent(
        "to a service that does not say where it keeps the message",
        HELLO,
        push({"body": "Hello"}),
        answers=(HttpResponse(201, {"apns-id": "A1"}),),
        ids=(REFERENCE,),
    ),
)

REFUSED_MESSAGES = (
    refused("a video", "unsupported_content", {"type": "video", "url": "https://cdn.example/v.mp4"}),
    refused("an image by id", "media_unsupported", {"type": "image", "media_id": "1"}),
    refused(
        "a reply button",
        "unsupported_content",
        {**HELLO, "buttons": [{"type": "reply", "id": "y", "title": "Yes"}]},
    ),
    refused("a payload whose data is a list", "invalid_message", {"type": "raw", "payload": {"data": [1]}}),
    refused("a payload that is too large", "content_too_long", {"type": "raw", "payload": {"x": "y" * 4000}}),
    SendRow("an unknown urgency", HELLO, TO, attributes={"urgency": "soon"}, refused="invalid_message"),
    refused("to a device token", "invalid_recipient", to=Address(kind="device_token", id="abcd")),
    refused("to what is not JSON", "invalid_recipient", to=Address(kind="subscription", id=PLACE)),
    refused("to a key on no curve", "invalid_recipient", to=subscription(p256dh="BAAA")),
    refused("to a short secret", "invalid_recipient", to=subscription(auth="AAAA")),
    refused("to a secret that is not base64url", "invalid_recipient", to=subscription(auth="a+b/")),
    *(
        refused(f"to {endpoint}", "invalid_recipient", to=subscription(endpoint))
        for endpoint in (
            "http://updates.push.services.mozilla.com/x",
            "https://intranet.example/x",
            "https://notpush.apple.com/x",
            "https://web.push.apple.com:8443/x",
            "https://me@web.push.apple.com/x",
            "https://intranet.example\\.push.apple.com/x",
            "https://[::1/x",
        )
    ),
)

FAILED_MESSAGES = (
    fails(
        "an expired subscription",
        mozilla(410, 106, "Request did not validate invalid token"),
        PERMANENT,
        "recipient_gone",
        "106",
    ),
    fails("an unknown subscription", HttpResponse(404), PERMANENT, "recipient_gone", "http_404"),
    fails("too large", mozilla(413, 104, "too large"), PERMANENT, "content_too_long", "104"),
    fails(
        "another key, at Mozilla",
        mozilla(401, 109, "VAPID public key mismatch"),
        PERMANENT,
        "invalid_recipient",
        "109",
    ),
    fails(
        "another key, at Google",
        HttpResponse(
            403,
            {"content-type": "text/plain"},
            b"the VAPID credentials in the authorization header do not correspond to the credentials used "
            b"to create the subscriptions.\n",
        ),
        PERMANENT,
        "invalid_recipient",
        "http_403",
    ),
    fails(
        "another key, at Apple",
        answer({"reason": "VapidPkHashMismatch"}, 400),
        PERMANENT,
        "invalid_recipient",
        "VapidPkHashMismatch",
    ),
    fails(
        "a wrong token", answer({"reason": "BadJwtToken"}, 403), AUTH, "account_credentials", "BadJwtToken"
    ),
    fails(
        "wrong authorization",
        mozilla(401, 109, "Invalid authorization"),
        AUTH,
        "account_credentials",
        "109",
    ),
    fails("a bad request", mozilla(400, 110, "Invalid crypto keys"), PERMANENT, "provider_error", "110"),
    fails(
        "too fast",
        HttpResponse(429, {"retry-after": "30"}),
        THROTTLED,
        "rate_limited",
        "http_429",
        30.0,
    ),
    fails("too fast, at Microsoft", HttpResponse(406), THROTTLED, "rate_limited", "http_406"),
    fails(
        "a service that is busy",
        mozilla(503, 202, "Use exponential back-off for retries", retry_after="5"),
        TRANSIENT,
        "provider_unavailable",
        "202",
        5.0,
    ),
    fails("a service that failed", HttpResponse(500), UNCERTAIN, "provider_error", "http_500"),
)

SENDS = TAKEN_MESSAGES + REFUSED_MESSAGES + FAILED_MESSAGES
