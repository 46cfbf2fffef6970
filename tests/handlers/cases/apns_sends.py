"""What is sent through apns: rows from submission to the exact pushes, and what Apple says."""

from __future__ import annotations

from typing import Any

from gateway.errors import FailureKind
from gateway.model.address import Address
from gateway.transports.port import HttpResponse
from tests.handlers.cases.apns_accounts import ASKING, MESSAGE_ID, TO, TOPIC
from tests.handlers.cases.push_rows import EXPIRES_AT, RECEIPT
from tests.handlers.rows import REFERENCE, Failed, SendRow, Sent, answer

AUTH, PERMANENT = FailureKind.AUTH, FailureKind.PERMANENT
THROTTLED, TRANSIENT, UNCERTAIN = FailureKind.THROTTLED, FailureKind.TRANSIENT, FailureKind.UNCERTAIN

TAKEN = HttpResponse(200, {"apns-id": MESSAGE_ID.upper()})
HELLO = {"type": "text", "text": "Hello"}
IMAGE = "https://cdn.example/picture.jpg"
HEADERS = {
    "authorization": ASKING,
    "apns-id": MESSAGE_ID,
    "apns-topic": TOPIC,
    "apns-push-type": "alert",
    "apns-priority": "10",
}
DATA = {"reference": REFERENCE, "receipt": RECEIPT}


def push(payload: dict[str, Any], **headers: str) -> Sent:
    named = {f"apns-{name.replace('_', '-')}": value for name, value in headers.items()}
    url = f"https://apns.example/3/device/{TO.id.lower()}"
    return Sent("POST", url, {**HEADERS, **named}, {"data": DATA, **payload})


def alert(body: str, **parts: Any) -> dict[str, Any]:
    aps = {"alert": {"body": body}, "sound": "default", "mutable-content": 1}
    return {"aps": {**aps, **parts}}


def sent(name: str, content: dict[str, Any], request: Sent, **more: Any) -> SendRow:
    given = {"to": TO, "answers": (TAKEN,), "ids": (MESSAGE_ID,), **more}
    return SendRow(name, content, requests=(request,), **given)


def refused(
    name: str, reason: str, content: dict[str, Any] = HELLO, to: Address = TO, account: str = "main"
) -> SendRow:
    return SendRow(name, content, to, refused=reason, account=account)


def fails(status: int, code: str, *failed: Any, **headers: str) -> SendRow:
    response = answer({"reason": code}, status, **headers)
    kind, reason, *seconds = failed
    return SendRow(
        f"{status} {code}",
        HELLO,
        TO,
        answers=(response,),
        requests=(push(alert("Hello")),),
        failed=Failed(kind, reason, code, *seconds),
    )


TAKEN_MESSAGES = (
    sent("a text", HELLO, push(alert("Hello"))),
    sent(
        "a text with a title, to be tried for a while and when it saves power, in the place of the last one",
        HELLO,
        push(
            alert("Hello", alert={"title": "Order", "body": "Hello"}),
            priority="5",
            expiration=str(int(EXPIRES_AT.timestamp())),
            collapse_id="order-4711",
        ),
        attributes={"title": "Order", "urgency": "normal", "collapse_key": "order-4711"},
        expires_at=EXPIRES_AT,
    ),
    sent(
        "an image, which the app's extension shows",
        {"type": "image", "url": IMAGE, "caption": "This?"},
        push({**alert("This?"), "image": IMAGE}),
    ),
    sent(
        "a payload that shows something",
        {"type": "raw", "payload": {"aps": {"badge": 3, "category": "order"}, "data": {"a": 1}}},
        push({"aps": {"badge": 3, "category": "order"}, "data": {"a": 1, **DATA}}),
    ),
    sent(
        "a payload that wakes the app, and may not be urgent",
        {"type": "raw", "payload": {"aps": {"content-available": 1}}},
        push({"aps": {"content-available": 1}}, push_type="background", priority="5"),
    ),
    sent(
        "a silent text of an account without receipts",
        HELLO,
        push({"aps": {"alert": {"body": "Hello"}}, "data": {"reference": REFERENCE}}),
        account="silent",
    ),
)

REFUSED_MESSAGES = (
    refused("a video", "unsupported_content", {"type": "video", "url": "https://cdn.example/v.mp4"}),
    refused("an image by id", "media_unsupported", {"type": "image", "media_id": "1"}),
    refused(
        "an image for an app that cannot show it",
        "unsupported_content",
        {"type": "image", "url": IMAGE},
        account="silent",
    ),
    refused(
        "a button",
        "unsupported_content",
        {**HELLO, "buttons": [{"type": "url", "title": "Shop", "url": "https://shop.example"}]},
    ),
    refused("a payload that is too large", "content_too_long", {"type": "raw", "payload": {"x": "y" * 4090}}),
    refused("a payload whose data is a list", "invalid_message", {"type": "raw", "payload": {"data": [1]}}),
    refused("to what is not hex", "invalid_recipient", to=Address(kind="device_token", id="../../x" * 4)),
    refused("to a topic", "invalid_recipient", to=Address(kind="topic", id="0123456789ABCDEF" * 4)),
)

FAILED_MESSAGES = (
    fails(410, "Unregistered", PERMANENT, "recipient_gone"),
    fails(410, "ExpiredToken", PERMANENT, "recipient_gone"),
    fails(400, "BadDeviceToken", PERMANENT, "invalid_recipient"),
    fails(400, "DeviceTokenNotForTopic", PERMANENT, "invalid_recipient"),
    fails(403, "InvalidProviderToken", AUTH, "account_credentials"),
    # It was made a moment ago, so the fault is in a clock: another one would be refused as well.
    fails(403, "ExpiredProviderToken", AUTH, "account_credentials"),
    fails(400, "TopicDisallowed", AUTH, "sender_invalid"),
    fails(429, "TooManyRequests", TRANSIENT, "rate_limited"),
    fails(429, "TooManyProviderTokenUpdates", THROTTLED, "rate_limited", 9.0, retry_after="9"),
    fails(500, "InternalServerError", TRANSIENT, "provider_error"),
    fails(503, "Shutdown", TRANSIENT, "provider_unavailable", 4.0, retry_after="4"),
    fails(413, "PayloadTooLarge", PERMANENT, "content_too_long"),
    fails(400, "BadCollapseId", PERMANENT, "invalid_message"),
    fails(400, "ReasonOfNextYear", PERMANENT, "provider_error"),
    fails(500, "ReasonOfNextYear", UNCERTAIN, "provider_error"),
)

SENDS = TAKEN_MESSAGES + REFUSED_MESSAGES + FAILED_MESSAGES
