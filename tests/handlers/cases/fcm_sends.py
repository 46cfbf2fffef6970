"""What is sent through fcm: rows from submission to the exact requests, and what FCM says."""

from __future__ import annotations

from typing import Any

import orjson

from gateway.errors import FailureKind, ProviderError
from gateway.model.address import Address
from gateway.transports.port import HttpResponse
from tests.handlers.cases.fcm_accounts import (
    ACCESS_TOKEN,
    GRANTED,
    GRANTED_AGAIN,
    NEXT_ACCESS_TOKEN,
    TO,
    TOKEN_EXPIRED,
    TOKEN_REQUEST,
    error,
    platforms,
)
from tests.handlers.cases.push_rows import EXPIRES_AT, RECEIPT
from tests.handlers.rows import REFERENCE, Failed, SendRow, Sent, answer

AUTH, PERMANENT = FailureKind.AUTH, FailureKind.PERMANENT
THROTTLED, TRANSIENT, UNCERTAIN = FailureKind.THROTTLED, FailureKind.TRANSIENT, FailureKind.UNCERTAIN

NAME = "projects/shop-1/messages/0:1500415314455276%31bd1c9631bd1c96"
TAKEN = answer({"name": NAME})
HELLO = {"type": "text", "text": "Hello"}
IMAGE = "https://cdn.example/picture.jpg"
DATA = {"reference": REFERENCE, "receipt": orjson.dumps(RECEIPT).decode()}


def message(token: str = ACCESS_TOKEN, **parts: Any) -> Sent:
    url = "https://fcm.example/v1/projects/shop-1/messages:send"
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    return Sent("POST", url, headers, {"message": {"token": TO.id, "data": DATA, **parts}})


def hello(token: str = ACCESS_TOKEN) -> Sent:
    return message(token, notification={"body": "Hello"}, **platforms())


def sent(name: str, content: dict[str, Any], request: Sent, **more: Any) -> SendRow:
    given = {"to": TO, "answers": (GRANTED, TAKEN), "ids": (NAME,), **more}
    return SendRow(name, content, requests=(TOKEN_REQUEST, request), **given)


def refused(name: str, reason: str, content: dict[str, Any] = HELLO, to: Address = TO) -> SendRow:
    return SendRow(name, content, to, refused=reason)


def fails(name: str, response: HttpResponse, *failed: Any) -> SendRow:
    answers, requests = (GRANTED, response), (TOKEN_REQUEST, hello())
    return SendRow(name, HELLO, TO, answers=answers, requests=requests, failed=Failed(*failed))


def grant_fails(name: str, response: HttpResponse | ProviderError, *failed: Any) -> SendRow:
    requests = (TOKEN_REQUEST,)
    return SendRow(name, HELLO, TO, answers=(response,), requests=requests, failed=Failed(*failed))


TAKEN_MESSAGES = (
    sent("a text", HELLO, hello()),
    sent(
        "a text with a title, to be tried for a while without waking anybody, in the place of the last one",
        HELLO,
        message(
            notification={"title": "Order", "body": "Hello"},
            **platforms("normal", until=int(EXPIRES_AT.timestamp()), replacing="order-4711"),
        ),
        attributes={"title": "Order", "urgency": "normal", "collapse_key": "order-4711"},
        expires_at=EXPIRES_AT,
    ),
    sent(
        "an image with a caption",
        {"type": "image", "url": IMAGE, "caption": "This?"},
        message(
            notification={"body": "This?", "image": IMAGE},
            **{
                **platforms(),
                "apns": {
                    "headers": {"apns-priority": "10"},
                    "payload": {"aps": {"mutable-content": 1}},
                },
            },
        ),
    ),
    sent(
        "a payload of data alone, which the app shows by itself",
        {"type": "raw", "payload": {"data": {"order": "4711"}, "token": "of somebody else"}},
        message(data={"order": "4711", **DATA}),
    ),
    SendRow(
        "a text to a topic, which has no receipts",
        HELLO,
        Address(kind="topic", id="/topics/news"),
        answers=(GRANTED, TAKEN),
        requests=(
            TOKEN_REQUEST,
            Sent(
                "POST",
                "https://fcm.example/v1/projects/shop-1/messages:send",
                {"authorization": f"Bearer {ACCESS_TOKEN}", "content-type": "application/json"},
                {
                    "message": {
                        "topic": "news",
                        "notification": {"body": "Hello"},
                        "data": {"reference": REFERENCE},
                        **platforms(),
                    }
                },
            ),
        ),
        ids=(NAME,),
        receipts_follow=False,
    ),
    sent(
        "a text of an account without receipts",
        HELLO,
        message(data={"reference": REFERENCE}, notification={"body": "Hello"}, **platforms()),
        account="silent",
    ),
    SendRow(
        "a text whose access token is renewed once",
        HELLO,
        TO,
        answers=(GRANTED, TOKEN_EXPIRED, GRANTED_AGAIN, TAKEN),
        requests=(TOKEN_REQUEST, hello(), TOKEN_REQUEST, hello(NEXT_ACCESS_TOKEN)),
        ids=(NAME,),
    ),
)

REFUSED_MESSAGES = (
    refused("a video", "unsupported_content", {"type": "video", "url": "https://cdn.example/v.mp4"}),
    refused("an image by id", "media_unsupported", {"type": "image", "media_id": "1"}),
    refused(
        "a button",
        "unsupported_content",
        {**HELLO, "buttons": [{"type": "url", "title": "Shop", "url": "https://shop.example"}]},
    ),
    refused("a payload whose data is a list", "invalid_message", {"type": "raw", "payload": {"data": [1]}}),
    refused("a number over 64 bits", "invalid_message", {"type": "raw", "payload": {"android": 2**64}}),
    refused("to a number", "invalid_recipient", to=Address(kind="msisdn", id="+447700900001")),
)

FAILED_MESSAGES = (
    fails("an app that is gone", error(404, "UNREGISTERED"), PERMANENT, "recipient_gone", "UNREGISTERED"),
    fails(
        "what is no token",
        error(400, "INVALID_ARGUMENT", "The registration token is not a valid FCM registration token"),
        PERMANENT,
        "invalid_recipient",
        "INVALID_ARGUMENT",
    ),
    fails(
        "too large",
        error(400, "INVALID_ARGUMENT", "Android message is too big"),
        PERMANENT,
        "content_too_long",
        "INVALID_ARGUMENT",
    ),
    fails(
        "a wrong value",
        answer(
            {
                "error": {
                    "code": 400,
                    "message": "Invalid value at 'message.data[0].value' (TYPE_STRING), 12",
                    "status": "INVALID_ARGUMENT",
                    "details": [
                        {
                            "@type": "type.googleapis.com/google.rpc.BadRequest",
                            "fieldViolations": [{"field": "message.data[0].value", "description": "-"}],
                        }
                    ],
                }
            },
            400,
        ),
        PERMANENT,
        "invalid_message",
        "INVALID_ARGUMENT",
    ),
    fails(
        "a token of another project",
        error(403, "SENDER_ID_MISMATCH"),
        PERMANENT,
        "invalid_recipient",
        "SENDER_ID_MISMATCH",
    ),
    fails(
        "Apple refuses the project, which a new access token would not change",
        error(401, "THIRD_PARTY_AUTH_ERROR"),
        AUTH,
        "account_credentials",
        "THIRD_PARTY_AUTH_ERROR",
    ),
    fails(
        "the account may not send",
        answer({"error": {"code": 403, "message": "No.", "status": "PERMISSION_DENIED"}}, 403),
        AUTH,
        "account_credentials",
        "PERMISSION_DENIED",
    ),
    SendRow(
        "a second refusal of the access token",
        HELLO,
        TO,
        answers=(GRANTED, TOKEN_EXPIRED, GRANTED_AGAIN, TOKEN_EXPIRED),
        requests=(TOKEN_REQUEST, hello(), TOKEN_REQUEST, hello(NEXT_ACCESS_TOKEN)),
        failed=Failed(AUTH, "account_credentials", "UNAUTHENTICATED"),
    ),
    fails(
        "too fast, and how long to wait in the header",
        error(429, "QUOTA_EXCEEDED", retry_after="7"),
        THROTTLED,
        "rate_limited",
        "QUOTA_EXCEEDED",
        7.0,
    ),
    fails(
        "too fast, and how long to wait in the details",
        error(429, "QUOTA_EXCEEDED", "No.", {"retryDelay": "21.5s"}),
        THROTTLED,
        "rate_limited",
        "QUOTA_EXCEEDED",
        21.5,
    ),
    fails(
        "too fast, and no word of how long to wait",
        error(429, "QUOTA_EXCEEDED"),
        THROTTLED,
        "rate_limited",
        "QUOTA_EXCEEDED",
        60.0,
    ),
    fails(
        "FCM is busy",
        error(503, "UNAVAILABLE", retry_after="12"),
        TRANSIENT,
        "provider_unavailable",
        "UNAVAILABLE",
        12.0,
    ),
    fails("FCM failed", error(500, "INTERNAL"), TRANSIENT, "provider_error", "INTERNAL"),
    fails("a code of next year", error(400, "NEW_CODE"), PERMANENT, "provider_error", "NEW_CODE"),
    fails("no word at all", HttpResponse(500), UNCERTAIN, "provider_error", "http_500"),
    grant_fails(
        "the key is refused",
        answer({"error": "invalid_grant", "error_description": "Invalid JWT Signature."}, 400),
        AUTH,
        "account_credentials",
        "invalid_grant",
    ),
    grant_fails(
        "too many access tokens",
        HttpResponse(429, {"retry-after": "3"}),
        THROTTLED,
        "rate_limited",
        "http_429",
        3.0,
    ),
    grant_fails(
        "no access token for a failure, after which nothing was sent",
        HttpResponse(500, {"retry-after": "2"}),
        TRANSIENT,
        "provider_unavailable",
        "http_500",
        2.0,
    ),
    grant_fails(
        "an access token that cannot be read", answer({}), TRANSIENT, "provider_unavailable", "http_200"
    ),
    grant_fails(
        "no access token for silence, after which nothing was sent",
        ProviderError(UNCERTAIN, reason="provider_unavailable", code="timeout"),
        TRANSIENT,
        "provider_unavailable",
        "timeout",
    ),
    grant_fails(
        "no connection for an access token",
        ProviderError(TRANSIENT, reason="provider_unavailable", code="connect"),
        TRANSIENT,
        "provider_unavailable",
        "connect",
    ),
)

SENDS = TAKEN_MESSAGES + REFUSED_MESSAGES + FAILED_MESSAGES
