"""What is sent through x_dm: rows from submission to the exact requests."""

from __future__ import annotations

import base64
from typing import Any

from gateway.errors import FailureKind, ProviderError
from gateway.model.address import Address
from gateway.transports.port import HttpResponse
from tests.handlers.cases.x_dm_accounts import BEARER, EVENT_ID, SIGNED, TAKEN, TO, UPLOAD, URL, said
from tests.handlers.rows import Failed, SendRow, Sent, answer

AUTH, PERMANENT, THROTTLED = FailureKind.AUTH, FailureKind.PERMANENT, FailureKind.THROTTLED
TRANSIENT, UNCERTAIN = FailureKind.TRANSIENT, FailureKind.UNCERTAIN
LINK = "https://cdn.example/picture.jpg"
PICTURE = HttpResponse(200, {"content-type": "image/JPEG; q=1"}, b"\xff\xd8picture")
UPLOADED = answer({"data": {"id": "555", "media_key": "3_555", "expires_after_secs": 86_400, "size": 9}})
FETCH = Sent("GET", LINK, {}, "")
JSON = {**SIGNED, "content-type": "application/json"}
ENCODED = base64.b64encode(b"\xff\xd8picture").decode()
PUT = Sent("POST", UPLOAD, JSON, {"media": ENCODED, "media_category": "dm_image", "media_type": "image/jpeg"})
HELLO = {"type": "text", "text": "Hello"}
IMAGE = {"type": "image", "url": LINK}
PROBLEMS = "https://api.x.com/2/problems"


def sent(name: str, content: dict[str, Any], request: Sent, **more: Any) -> SendRow:
    return SendRow(
        name, content, TO, **{"answers": (TAKEN,), "requests": (request,), "ids": (EVENT_ID,), **more}
    )


def refused(name: str, reason: str, content: dict[str, Any], **more: Any) -> SendRow:
    return SendRow(name, content, refused=reason, **{"to": TO, **more})


def fails(name: str, told: HttpResponse, failed: Failed) -> SendRow:
    return SendRow(name, HELLO, TO, (told,), (said(text="Hello"),), failed=failed)


def problem(status: int, kind: str, failed: Failed, **more: Any) -> SendRow:
    told = {"title": "Some Problem", "detail": "In words.", "status": status, "type": kind, **more}
    return fails(f"{status} {kind.rpartition('/')[2]}", answer(told, status), failed)


def numbered(code: int, kind: FailureKind, reason: str, status: int = 403) -> SendRow:
    told = answer({"errors": [{"code": code, "message": "In words."}]}, status)
    return fails(f"code {code}", told, Failed(kind, reason, str(code)))


def image(name: str, *answers: Any, requests: tuple[Sent, ...], failed: Failed) -> SendRow:
    return SendRow(name, IMAGE, TO, answers, requests, failed=failed)


TAKEN_MESSAGES = (
    sent("a text", HELLO, said(text="Hello")),
    sent(
        "an image by id, with a caption",
        {"type": "image", "media_id": "555", "caption": "This?"},
        said(text="This?", attachments=[{"media_id": "555"}]),
    ),
    SendRow(
        "an image by URL, which is uploaded first",
        {**IMAGE, "caption": "This?"},
        TO,
        (PICTURE, UPLOADED, TAKEN),
        (FETCH, PUT, said(text="This?", attachments=[{"media_id": "555"}])),
        (EVENT_ID,),
    ),
    SendRow(
        "an image whose URL points on",
        IMAGE,
        TO,
        (HttpResponse(302, {"location": "/there.jpg"}), PICTURE, UPLOADED, TAKEN),
        (
            FETCH,
            Sent("GET", "https://cdn.example/there.jpg", {}, ""),
            PUT,
            said(attachments=[{"media_id": "555"}]),
        ),
        (EVENT_ID,),
    ),
    SendRow(
        "an image whose server does not say what it is",
        {**IMAGE, "mime_type": "image/jpeg"},
        TO,
        (HttpResponse(200, {"content-type": "application/octet-stream"}, PICTURE.body), UPLOADED, TAKEN),
        (FETCH, PUT, said(attachments=[{"media_id": "555"}])),
        (EVENT_ID,),
    ),
    sent(
        "a raw body",
        {"type": "raw", "payload": {"text": "x", "attachments": [{"media_id": "9"}]}},
        said(text="x", attachments=[{"media_id": "9"}]),
    ),
    SendRow(
        "a text with a token of OAuth 2.0",
        HELLO,
        TO,
        (TAKEN,),
        (
            Sent(
                "POST",
                URL,
                {"authorization": f"Bearer {BEARER}", "content-type": "application/json"},
                {"text": "Hello"},
            ),
        ),
        (EVENT_ID,),
        account="oauth2",
    ),
)

REFUSED_MESSAGES = (
    refused("a name in place of a number", "invalid_recipient", HELLO, to=Address(kind="user_id", id="@ann")),
    refused("a phone number", "invalid_recipient", HELLO, to=Address(kind="msisdn", id="447700900001")),
    refused("an image by a made-up id", "invalid_message", {"type": "image", "media_id": "../1"}),
    refused("a video", "unsupported_content", {"type": "video", "url": LINK}),
    refused("a template", "unsupported_content", {"type": "template", "name": "n", "language": "en"}),
    refused(
        "buttons",
        "unsupported_content",
        {**HELLO, "buttons": [{"type": "reply", "id": "y", "title": "Yes"}]},
    ),
    refused("a body that JSON cannot hold", "invalid_message", {"type": "raw", "payload": {"text": 2**70}}),
)

NOT_FOUND = {
    "value": "4242424242",
    "detail": "Could not find user with id: [4242424242].",
    "title": "No user",
}
FAILED_MESSAGES = (
    problem(
        400,
        f"{PROBLEMS}/invalid-request",
        Failed(PERMANENT, "invalid_message", "invalid-request"),
        errors=[{"parameters": {"text": ["Hello"]}, "message": "`text` is too long: [Hello]"}],
    ),
    problem(
        403,
        f"{PROBLEMS}/client-forbidden",
        Failed(AUTH, "account_credentials", "client-forbidden"),
        reason="client-not-enrolled",
    ),
    problem(
        403,
        "https://api.twitter.com/2/problems/oauth1-permissions",
        Failed(AUTH, "account_credentials", "oauth1-permissions"),
    ),
    problem(
        403,
        f"{PROBLEMS}/not-authorized-for-resource",
        Failed(PERMANENT, "recipient_unreachable", "not-authorized-for-resource"),
    ),
    problem(402, f"{PROBLEMS}/credits", Failed(AUTH, "quota_exceeded", "credits")),
    problem(
        403,
        "about:blank",
        Failed(PERMANENT, "recipient_unreachable", "http_403"),
        detail="You do not have permission to DM one or more participants.",
    ),
    problem(403, f"{PROBLEMS}/brand-new", Failed(PERMANENT, "provider_error", "brand-new")),
    problem(410, f"{PROBLEMS}/brand-new", Failed(PERMANENT, "provider_error", "brand-new")),
    problem(401, "about:blank", Failed(AUTH, "account_credentials", "http_401")),
    problem(503, "about:blank", Failed(TRANSIENT, "provider_unavailable", "http_503")),
    fails(
        "an error in a success",
        answer({"errors": [{**NOT_FOUND, "type": f"{PROBLEMS}/resource-not-found"}]}),
        Failed(PERMANENT, "invalid_recipient", "resource-not-found"),
    ),
    fails(
        "an unknown error in a success",
        answer({"errors": [{"code": 9_999}]}),
        Failed(PERMANENT, "provider_error", "9999"),
    ),
    fails("a 403 without a word", HttpResponse(403), Failed(AUTH, "account_credentials", "http_403")),
    fails("a 201 without an id", answer({"data": {}}, 201), Failed(UNCERTAIN, "provider_error", "http_201")),
    fails(
        "too fast, until a time that has passed",
        answer(
            {"title": "Too Many Requests", "type": "about:blank", "status": 429},
            429,
            x_rate_limit_reset="1700000000",
            x_rate_limit_remaining="0",
        ),
        Failed(THROTTLED, "rate_limited", "http_429", 0.0),
    ),
    fails(
        "too fast, by its kind and with the seconds",
        answer({"title": "Too Many", "type": f"{PROBLEMS}/rate-limit-exceeded"}, 429, retry_after="7"),
        Failed(THROTTLED, "rate_limited", "rate-limit-exceeded", 7.0),
    ),
    fails(
        "the day's messages are used up, until a time that has passed",
        answer(
            {"title": "UsageCapExceeded", "type": f"{PROBLEMS}/usage-capped"},
            429,
            x_user_limit_24hour_remaining="0",
            x_user_limit_24hour_reset="1700000000",
            x_rate_limit_remaining="5",
            x_rate_limit_reset="soon",
        ),
        Failed(THROTTLED, "quota_exceeded", "usage-capped", 0.0),
    ),
    fails(
        "too fast, and no time that can be read",
        answer({}, 429, x_rate_limit_reset="soon"),
        Failed(THROTTLED, "rate_limited", "http_429"),
    ),
    numbered(89, AUTH, "account_credentials", status=401),
    numbered(326, AUTH, "account_suspended"),
    numbered(226, THROTTLED, "rate_limited"),
    numbered(130, TRANSIENT, "provider_unavailable", status=503),
    numbered(131, UNCERTAIN, "provider_error", status=500),
    numbered(349, PERMANENT, "recipient_unreachable"),
    numbered(63, PERMANENT, "recipient_gone"),
    numbered(354, PERMANENT, "content_too_long"),
    numbered(386, PERMANENT, "invalid_message"),
    numbered(4_711, PERMANENT, "provider_error", status=400),
    image(
        "an image that is gone",
        HttpResponse(404),
        requests=(FETCH,),
        failed=Failed(PERMANENT, "media_unreachable", "http_404"),
    ),
    image(
        "an image whose server is away",
        HttpResponse(502),
        requests=(FETCH,),
        failed=Failed(TRANSIENT, "media_unreachable", "http_502"),
    ),
    image(
        "an image that ends in the middle",
        ProviderError(UNCERTAIN, reason="provider_error", code="connection_lost"),
        requests=(FETCH,),
        failed=Failed(TRANSIENT, "media_unreachable", "connection_lost"),
    ),
    image(
        "an image at an address that is not allowed",
        ProviderError(PERMANENT, reason="provider_error", code="address_refused"),
        requests=(FETCH,),
        failed=Failed(PERMANENT, "media_unreachable", "address_refused"),
    ),
    image(
        "an image whose URL points in a circle",
        *[HttpResponse(301, {"location": LINK})] * 4,
        requests=(FETCH,) * 4,
        failed=Failed(PERMANENT, "media_unreachable", "redirections"),
    ),
    image(
        "an image whose URL points nowhere",
        HttpResponse(301, {"location": "https://["}),
        requests=(FETCH,),
        failed=Failed(PERMANENT, "media_unreachable", "redirections"),
    ),
    image(
        "an image that is none",
        HttpResponse(200, {"content-type": "text/html"}, b"<html/>"),
        requests=(FETCH,),
        failed=Failed(PERMANENT, "media_unsupported", None),
    ),
    image(
        "an upload that may have been taken",
        PICTURE,
        HttpResponse(500),
        requests=(FETCH, PUT),
        failed=Failed(TRANSIENT, "provider_error", "http_500"),
    ),
    image(
        "an upload whose answer cannot be read",
        PICTURE,
        answer({}),
        requests=(FETCH, PUT),
        failed=Failed(TRANSIENT, "provider_error", "http_200"),
    ),
    image(
        "an upload that is refused",
        PICTURE,
        answer({"errors": [{"code": 324, "message": "No"}]}, 400),
        requests=(FETCH, PUT),
        failed=Failed(PERMANENT, "media_unsupported", "324"),
    ),
)

SENDS = TAKEN_MESSAGES + REFUSED_MESSAGES + FAILED_MESSAGES
