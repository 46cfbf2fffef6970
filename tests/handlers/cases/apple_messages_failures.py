"""What fails on the way through apple_messages: rows from submission to the failure."""

from __future__ import annotations

from typing import Any

from gateway.errors import FailureKind, ProviderError
from gateway.transports.port import HttpResponse
from tests.handlers.cases.apple_messages_accounts import TO, asked, said
from tests.handlers.rows import Failed, SendRow, Sent, answer

AUTH, PERMANENT, THROTTLED = FailureKind.AUTH, FailureKind.PERMANENT, FailureKind.THROTTLED
TRANSIENT, UNCERTAIN = FailureKind.TRANSIENT, FailureKind.UNCERTAIN
HELLO = {"type": "text", "text": "Hello"}
LINK = "https://cdn.example/a/the%20picture.jpg?size=1"
PICTURE = HttpResponse(200, {"content-type": "image/jpeg"}, b"picture")
PLACE = answer(
    {
        "upload-url": "https://upload.example/1?sign=x",
        "mmcs-url": "https://mmcs.example/1",
        "mmcs-owner": "owner-1",
    }
)
UPLOADED = answer({"singleFile": {"fileChecksum": "ARavfJ5X", "receipt": "r", "size": 7}})
FETCH = Sent("GET", LINK, {}, "")
ASK = asked("preUpload", mmcs_size="7")
PUT = Sent(
    "POST",
    "https://upload.example/1?sign=x",
    {"content-type": "application/octet-stream"},
    "7 bytes that only the key opens",
)


def fails(name: str, told: HttpResponse, failed: Failed) -> SendRow:
    return SendRow(name, HELLO, TO, (told,), (said(type="text", body="Hello"),), failed=failed)


def upload(name: str, *answers: Any, requests: tuple[Sent, ...], failed: Failed) -> SendRow:
    return SendRow(name, {"type": "image", "url": LINK}, TO, answers, requests, failed=failed)


FAILED_MESSAGES = (
    fails(
        "a message that is not well formed",
        HttpResponse(400),
        Failed(PERMANENT, "invalid_message", "http_400"),
    ),
    fails("a token that is refused", HttpResponse(401), Failed(AUTH, "account_credentials", "http_401")),
    fails(
        "a conversation that is closed",
        HttpResponse(403),
        Failed(PERMANENT, "recipient_unreachable", "http_403"),
    ),
    fails(
        "a person that is not there", HttpResponse(404), Failed(PERMANENT, "invalid_recipient", "http_404")
    ),
    fails("too large", HttpResponse(413), Failed(PERMANENT, "content_too_long", "http_413")),
    fails("a status that is not known", HttpResponse(418), Failed(PERMANENT, "provider_error", "http_418")),
    fails(
        "too fast",
        HttpResponse(429, {"retry-after": "3"}),
        Failed(THROTTLED, "rate_limited", "http_429", 3.0),
    ),
    fails("Apple is away", HttpResponse(503), Failed(TRANSIENT, "provider_unavailable", "http_503")),
    fails("Apple has failed", HttpResponse(500), Failed(UNCERTAIN, "provider_error", "http_500")),
    fails(
        "an answer that is not empty",
        HttpResponse(200, {"content-length": "7"}, b"<html/>"),
        Failed(UNCERTAIN, "provider_error", "http_200"),
    ),
    fails(
        "an answer that does not say where it ends",
        HttpResponse(200),
        Failed(UNCERTAIN, "provider_error", "http_200"),
    ),
    upload(
        "a file that is gone",
        HttpResponse(404),
        requests=(FETCH,),
        failed=Failed(PERMANENT, "media_unreachable", "http_404"),
    ),
    upload(
        "a place for a file that is not given, with the wait",
        PICTURE,
        HttpResponse(429, {"retry-after": "9"}),
        requests=(FETCH, ASK),
        failed=Failed(THROTTLED, "rate_limited", "http_429", 9.0),
    ),
    upload(
        "a place for a file that cannot be read",
        PICTURE,
        answer({"upload-url": "https://upload.example/1"}),
        requests=(FETCH, ASK),
        failed=Failed(TRANSIENT, "provider_error", "http_200"),
    ),
    upload(
        "an upload whose connection is lost",
        PICTURE,
        PLACE,
        ProviderError(UNCERTAIN, reason="provider_unavailable", code="connection_lost"),
        requests=(FETCH, ASK, PUT),
        failed=Failed(TRANSIENT, "provider_unavailable", "connection_lost"),
    ),
    upload(
        "an upload that is not confirmed",
        PICTURE,
        PLACE,
        answer({"singleFile": {"fileChecksum": ""}}),
        requests=(FETCH, ASK, PUT),
        failed=Failed(TRANSIENT, "provider_error", "http_200"),
    ),
)
