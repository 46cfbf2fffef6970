"""What line refuses, and what is refused here: rows from submission to the failure."""

from __future__ import annotations

from typing import Any

from gateway.errors import FailureKind
from gateway.model.address import Address
from gateway.transports.port import HttpResponse
from tests.handlers.cases.line_accounts import (
    HELLO,
    PICTURE,
    SHOP,
    SIZES,
    TO,
    TO_GROUP,
    USER,
    YES,
    asked,
    called,
    pushed,
    refusal,
)
from tests.handlers.rows import Failed, SendRow

AUTH, PERMANENT = FailureKind.AUTH, FailureKind.PERMANENT
THROTTLED, UNCERTAIN = FailureKind.THROTTLED, FailureKind.UNCERTAIN


def refused(name: str, reason: str, content: dict[str, Any], to: Address = TO) -> SendRow:
    return SendRow(name, content, to, refused=reason)


def fails(name: str, response: HttpResponse, failed: Failed) -> SendRow:
    return SendRow(name, HELLO, TO, answers=(response,), requests=(pushed(HELLO),), failed=failed)


REFUSED_HERE = (
    refused("a document", "unsupported_content", {"type": "document", "url": "https://cdn.example/a.pdf"}),
    refused("an image by id", "unsupported_content", {"type": "image", "media_id": "1"}),
    refused(
        "an image without TLS", "unsupported_content", {"type": "image", "url": "http://cdn.example/a.jpg"}
    ),
    refused("a caption", "unsupported_content", {"type": "image", "url": PICTURE, "caption": "So"}),
    refused(
        "a caption of a sticker",
        "unsupported_content",
        {"type": "sticker", "media_id": "446:1988", "caption": "So"},
    ),
    refused("a sticker by URL", "unsupported_content", {"type": "sticker", "url": PICTURE}),
    refused("a read mark", "unsupported_content", {"type": "read", "of": "1"}),
    refused("typing in a group", "unsupported_content", {"type": "typing"}, TO_GROUP),
    refused(
        "typing to an address of another channel",
        "invalid_recipient",
        {"type": "typing"},
        Address(kind="msisdn", id="447700900001"),
    ),
    refused("fourteen buttons", "unsupported_content", asked("Well?", *[YES, SHOP] * 7)),
    refused(
        "eleven rows",
        "unsupported_content",
        {**SIZES, "sections": [{"rows": [{"id": str(n), "title": "Row"} for n in range(11)]}]},
    ),
    refused("a button whose id is too long", "content_too_long", asked("Well?", {**YES, "id": "x" * 301})),
    refused("raw without messages", "invalid_message", {"type": "raw", "payload": {"to": USER}}),
    refused(
        "an address of another channel",
        "invalid_recipient",
        HELLO,
        Address(kind="msisdn", id="447700900001"),
    ),
)

TOLD_BY_LINE = (
    fails(
        "no such recipient",
        refusal(400, "The property, 'to', in the request body is invalid (line: -, column: -)"),
        Failed(PERMANENT, "invalid_recipient", "http_400"),
    ),
    fails(
        "nobody there",
        refusal(400, "Failed to send messages"),
        Failed(PERMANENT, "recipient_unreachable", "http_400"),
    ),
    fails(
        "not a friend",
        refusal(400, "The user hasn't added the LINE Official Account as a friend."),
        Failed(PERMANENT, "recipient_unreachable", "http_400"),
    ),
    fails(
        "a text too long",
        refusal(
            400,
            "The request body has 1 error(s)",
            {"message": "Length must be between 0 and 5000", "property": "messages[0].text"},
        ),
        Failed(PERMANENT, "content_too_long", "http_400"),
    ),
    fails(
        "a wrong body",
        refusal(
            400,
            "The request body has 1 error(s)",
            {"message": "May not be empty", "property": "messages[0].text"},
        ),
        Failed(PERMANENT, "invalid_message", "http_400"),
    ),
    fails(
        "a refused token",
        refusal(401, "Authentication failed due to the following reason: invalid token."),
        Failed(AUTH, "account_credentials", "http_401"),
    ),
    fails(
        "a plan without it",
        refusal(403, "Access to this API is not available for your account"),
        Failed(AUTH, "account_credentials", "http_403"),
    ),
    fails(
        "a conflict without a taken request",
        refusal(409, "Conflict"),
        Failed(PERMANENT, "provider_error", "http_409"),
    ),
    fails("too large a body", refusal(413, "Too large"), Failed(PERMANENT, "content_too_long", "http_413")),
    fails("something new", refusal(418, "A teapot"), Failed(PERMANENT, "provider_error", "http_418")),
    fails(
        "too fast",
        refusal(429, "The API rate limit has been exceeded. Try again later.", retry_after="7"),
        Failed(THROTTLED, "rate_limited", "http_429", 7.0),
    ),
    fails(
        "the month's messages are used up",
        refusal(429, "You have reached your monthly limit."),
        Failed(AUTH, "quota_exceeded", "http_429"),
    ),
    fails(
        "a failure of LINE's", refusal(500, "Internal error"), Failed(UNCERTAIN, "provider_error", "http_500")
    ),
    SendRow(
        "typing that is refused",
        {"type": "typing"},
        TO,
        answers=(refusal(400, "The property, 'chatId', in the request body is invalid"),),
        requests=(called("chat/loading/start", {"chatId": USER, "loadingSeconds": 20}),),
        failed=Failed(PERMANENT, "invalid_message", "http_400"),
    ),
)

FAILURES = (*REFUSED_HERE, *TOLD_BY_LINE)
