"""What is sent through viber: rows from submission to the exact requests."""

from __future__ import annotations

from typing import Any

from gateway.errors import FailureKind, ProviderError
from gateway.model.address import Address
from gateway.transports.port import HttpResponse
from tests.handlers.cases.viber_accounts import ID, TAKEN, TO, refusal, said, sized, tracking
from tests.handlers.fake_http import Answer
from tests.handlers.rows import Failed, SendRow, Sent, answer

AUTH, PERMANENT = FailureKind.AUTH, FailureKind.PERMANENT
TRANSIENT, THROTTLED, UNCERTAIN = FailureKind.TRANSIENT, FailureKind.THROTTLED, FailureKind.UNCERTAIN
HELLO: dict[str, Any] = {"type": "text", "text": "Hello"}
PICTURE, FILM, PAPER = (
    "https://cdn.example/a.jpg",
    "https://cdn.example/a.mp4",
    "https://cdn.example/f/My%20bill.pdf",
)
YES = {"type": "reply", "id": "y", "title": "Yes"}
SHOP = {"type": "url", "title": "Shop", "url": "https://shop.example"}
HERE = {"type": "location", "title": "Here"}


def sent(name: str, content: dict[str, Any], *requests: Sent, **more: Any) -> SendRow:
    given = {"to": TO, "answers": (TAKEN,), "ids": (ID,), **more}
    return SendRow(name, content, requests=requests, **given)


def refused(name: str, reason: str, content: dict[str, Any], to: Address = TO) -> SendRow:
    return SendRow(name, content, to, refused=reason)


def fails(status: int, words: str, kind: FailureKind, reason: str) -> SendRow:
    return SendRow(
        f"status {status} {words}",
        HELLO,
        TO,
        answers=(refusal(status, words),),
        requests=(said(**HELLO),),
        failed=Failed(kind, reason, str(status)),
    )


def unsized(name: str, told: Answer, failed: Failed) -> SendRow:
    film = {"type": "video", "url": FILM}
    return SendRow(name, film, TO, answers=(told,), requests=(sized(FILM),), failed=failed)


def measured(size: str, status: int = 200) -> HttpResponse:
    return HttpResponse(status, {"content-length": size})


def key(columns: int, title: str, action: str, body: str) -> dict[str, Any]:
    return {"Columns": columns, "Rows": 1, "Text": title, "ActionType": action, "ActionBody": body}


def keyboard(*keys: dict[str, Any]) -> dict[str, Any]:
    return {"Type": "keyboard", "Buttons": list(keys)}


def asked(*buttons: dict[str, str]) -> dict[str, Any]:
    return {"type": "text", "text": "Well?", "buttons": list(buttons)}


CARD = {"Type": "rich_media", "Buttons": []}

TAKEN_MESSAGES = (
    sent("a text", HELLO, said(**HELLO)),
    sent(
        "a text under another of the account's names",
        HELLO,
        said(**HELLO, sender={"name": "Shop support"}),
        sender="Shop support",
    ),
    sent(
        "a text with the account's picture",
        HELLO,
        said(**HELLO, sender={"name": "Shop", "avatar": "https://cdn.example/shop.png"}),
        account="welcoming",
    ),
    sent(
        "buttons, of which a place needs a newer app",
        asked(YES, SHOP, HERE),
        said(
            type="text",
            text="Well?",
            min_api_version=3,
            tracking_data=tracking(y="Yes"),
            keyboard=keyboard(
                key(6, "Yes", "reply", "y"),
                key(6, "Shop", "open-url", "https://shop.example"),
                key(6, "Here", "location-picker", "location"),
            ),
        ),
    ),
    sent(
        "thirteen buttons, two in a row",
        asked(*[SHOP] * 13),
        said(
            type="text",
            text="Well?",
            keyboard=keyboard(*[key(3, "Shop", "open-url", "https://shop.example")] * 13),
        ),
    ),
    sent(
        "an image with a caption and a button",
        {"type": "image", "url": PICTURE, "caption": "This?", "buttons": [YES]},
        said(
            type="picture",
            media=PICTURE,
            text="This?",
            tracking_data=tracking(y="Yes"),
            keyboard=keyboard(key(6, "Yes", "reply", "y")),
        ),
    ),
    sent(
        "an image without a caption, which Viber wants empty",
        {"type": "image", "url": PICTURE},
        said(type="picture", media=PICTURE, text=""),
    ),
    sent(
        "a video, whose size is asked for",
        {"type": "video", "url": FILM},
        sized(FILM),
        said(type="video", media=FILM, size=10_000),
        answers=(measured("10000"), TAKEN),
    ),
    sent(
        "a document under its own name",
        {"type": "document", "url": PAPER},
        sized(PAPER),
        said(type="file", media=PAPER, size=52_428_800, file_name="My bill.pdf"),
        answers=(measured("52428800"), TAKEN),
    ),
    sent(
        "a document under another name",
        {"type": "document", "url": PAPER, "filename": "x" * 260 + ".pdf"},
        sized(PAPER),
        said(type="file", media=PAPER, size=1, file_name="x" * 252 + ".pdf"),
        answers=(measured("1"), TAKEN),
    ),
    sent(
        "a document without any name",
        {"type": "document", "url": "https://cdn.example"},
        sized("https://cdn.example"),
        said(type="file", media="https://cdn.example", size=1, file_name="file"),
        answers=(measured("1"), TAKEN),
    ),
    sent("a sticker", {"type": "sticker", "media_id": "46105"}, said(type="sticker", sticker_id="46105")),
    sent(
        "a location",
        {"type": "location", "latitude": 37.7898, "longitude": -122.3942},
        said(type="location", location={"lat": 37.7898, "lon": -122.3942}),
    ),
    sent(
        "a contact whose name is too long",
        {"type": "contact", "name": "A" * 29, "phones": ["+44 (7700) 900-002"]},
        said(type="contact", contact={"name": "A" * 27 + "…", "phone_number": "+447700900002"}),
    ),
    sent(
        "a raw message, whose recipient stays ours",
        {
            "type": "raw",
            "payload": {"type": "rich_media", "min_api_version": 7, "rich_media": CARD, "receiver": "x"},
        },
        said(type="rich_media", min_api_version=7, rich_media=CARD),
    ),
    sent(
        "a token that comes as text",
        HELLO,
        said(**HELLO),
        answers=(answer({"status": 0, "message_token": "17"}),),
        ids=("17",),
    ),
)

REFUSED_HERE = (
    refused("audio", "unsupported_content", {"type": "audio", "url": "https://cdn.example/a.mp3"}),
    refused("a video by id", "unsupported_content", {"type": "video", "media_id": "1"}),
    refused("a caption of a video", "unsupported_content", {"type": "video", "url": FILM, "caption": "So"}),
    refused("a sticker by URL", "unsupported_content", {"type": "sticker", "url": PICTURE}),
    refused(
        "a contact without a number", "unsupported_content", {"type": "contact", "name": "A", "phones": []}
    ),
    refused(
        "a contact with too long a number",
        "unsupported_content",
        {"type": "contact", "name": "A", "phones": ["+4477009000020000000"]},
    ),
    refused("a call button", "unsupported_content", asked({"type": "call", "title": "Us", "phone": "+4477"})),
    refused("twenty-five buttons", "unsupported_content", asked(*[SHOP] * 25)),
    refused(
        "buttons with too much in their ids",
        "content_too_long",
        asked(*[{**YES, "id": f"{n}" * 1_000} for n in range(4)]),
    ),
    refused("typing", "unsupported_content", {"type": "typing"}),
    refused("raw without a type", "invalid_message", {"type": "raw", "payload": {"text": "Hello"}}),
    refused(
        "an address of another channel",
        "invalid_recipient",
        HELLO,
        Address(kind="msisdn", id="447700900001"),
    ),
    SendRow(
        "a video that is too large",
        {"type": "video", "url": FILM},
        TO,
        answers=(measured("27262977"),),
        requests=(sized(FILM),),
        refused="media_too_large",
    ),
)

UNSIZED = (
    unsized(
        "a video that is not there", measured("9", 404), Failed(PERMANENT, "media_unreachable", "http_404")
    ),
    unsized("a video without a size", HttpResponse(200), Failed(PERMANENT, "media_unreachable", "http_200")),
    unsized("an empty video", measured("0"), Failed(PERMANENT, "media_unreachable", "http_200")),
    unsized(
        "a video whose server is busy",
        HttpResponse(503, {"retry-after": "5"}),
        Failed(TRANSIENT, "media_unreachable", "http_503", 5.0),
    ),
    unsized(
        "a video whose server does not answer: nothing was sent",
        ProviderError(UNCERTAIN, reason="provider_unavailable", code="timeout"),
        Failed(TRANSIENT, "media_unreachable", "timeout"),
    ),
    unsized(
        "a video at an address that is not allowed",
        ProviderError(PERMANENT, reason="provider_unavailable", code="address"),
        Failed(PERMANENT, "media_unreachable", "address"),
    ),
)

TOLD_BY_VIBER = (
    fails(2, "invalidAuthToken", AUTH, "account_credentials"),
    fails(3, "badData", PERMANENT, "invalid_message"),
    fails(4, "missingData", PERMANENT, "invalid_message"),
    fails(5, "receiverNotRegistered", PERMANENT, "recipient_gone"),
    fails(6, "notSubscribed", PERMANENT, "recipient_opted_out"),
    fails(7, "publicAccountBlocked", AUTH, "account_suspended"),
    fails(8, "publicAccountNotFound", AUTH, "account_credentials"),
    fails(9, "publicAccountSuspended", AUTH, "account_suspended"),
    fails(10, "webhookNotSet", AUTH, "account_credentials"),
    fails(11, "receiverNoSuitableDevice", PERMANENT, "recipient_unreachable"),
    fails(13, "apiVersionNotSupported", PERMANENT, "recipient_unreachable"),
    fails(14, "incompatibleWithVersion", PERMANENT, "invalid_message"),
    fails(15, "publicAccountNotAuthorized", AUTH, "account_credentials"),
    fails(16, "inchatReplyMessageNotAllowed", PERMANENT, "unsupported_content"),
    fails(20, "broadcastNotAllowed", PERMANENT, "policy_rejected"),
    fails(21, "unsupportedCountry", PERMANENT, "country_restricted"),
    fails(23, "freeMessagesExceeded", AUTH, "quota_exceeded"),
    fails(99, "generalError", TRANSIENT, "provider_error"),
    SendRow(
        "too fast",
        HELLO,
        TO,
        answers=(refusal(12, "tooManyRequests", retry_after="10"),),
        requests=(said(**HELLO),),
        failed=Failed(THROTTLED, "rate_limited", "12", 10.0),
    ),
    SendRow(
        "a status that HTTP has, too",
        HELLO,
        TO,
        answers=(refusal(3, "badData", 400),),
        requests=(said(**HELLO),),
        failed=Failed(PERMANENT, "invalid_message", "3"),
    ),
    SendRow(
        "a success that HTTP does not have",
        HELLO,
        TO,
        answers=(refusal(0, "ok", 502),),
        requests=(said(**HELLO),),
        failed=Failed(UNCERTAIN, "provider_error", "http_502"),
    ),
    SendRow(
        "taken under a token that floating point has spoilt",
        HELLO,
        TO,
        answers=(answer({"status": 0, "message_token": 5.741311803571721e18}),),
        requests=(said(**HELLO),),
        failed=Failed(UNCERTAIN, "provider_error", "http_200"),
    ),
)

SENDS = (*TAKEN_MESSAGES, *REFUSED_HERE, *UNSIZED, *TOLD_BY_VIBER)
