"""What the rows of line share: the account, the recipients, and how its requests look."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway.model.address import Address
from gateway.transports.port import HttpRequest, HttpResponse
from tests.handlers.rows import REFERENCE, Sent, answer, seen

ACCESS_TOKEN, CHANNEL_SECRET, OLD_SECRET = "line-access-token", "line-channel-secret", "line-old-secret"
ACCOUNT = {
    "account": "line-shop",
    "provider": "line",
    "url": "https://line.example/",
    "credentials": {"channel_access_token": ACCESS_TOKEN},
    "callback": {"channel_secret": [CHANNEL_SECRET, OLD_SECRET]},
    "parameters": {"content_url": "https://line-data.example"},
}
WITH_PREVIEW = {
    **ACCOUNT,
    "account": "line-films",
    "parameters": {"video_preview_url": "https://cdn.example/film.jpg", "audio_seconds": 9},
}
USER, GROUP = "U4af4980629d1f0a9e4b4e4a1f2e0d111", "Ca56f94637cc4347f90a25382909b24b9"
TO, TO_GROUP = Address(kind="user_id", id=USER), Address(kind="chat_id", id=GROUP)
RETRY_KEYS = {
    "7fc8497c-9b5b-56e3-a685-ac43f06bb228": REFERENCE,
    "46361c35-198f-5287-95d4-337fd3e5f44c": f"{REFERENCE}#2",
}
HELLO: dict[str, Any] = {"type": "text", "text": "Hello"}
PICTURE = "https://cdn.example/a.jpg"
YES, NO = {"type": "reply", "id": "y", "title": "Yes"}, {"type": "reply", "id": "n", "title": "No"}
SHOP = {"type": "url", "title": "Shop", "url": "https://shop.example"}
SIZES = {
    "type": "list",
    "text": "Which size?",
    "button": "Choose",
    "sections": [
        {"title": "Shoes", "rows": [{"id": "s", "title": "Small", "description": "36"}]},
        {"rows": [{"id": "m", "title": "Medium"}]},
    ],
}
TAKEN = answer({"sentMessages": [{"id": "461230966842064897", "quoteToken": "IStG5h1Tz7b"}]})
TAKEN_TWO = answer({"sentMessages": [{"id": "461230966842064897"}, {"id": "461230966842064898"}]})
ID, SECOND_ID = "461230966842064897", "461230966842064898"


def called(what: str, body: dict[str, Any], **headers: str) -> Sent:
    named = {"authorization": f"Bearer {ACCESS_TOKEN}", "content-type": "application/json", **headers}
    return Sent("POST", f"https://line.example/v2/bot/{what}", named, body)


def pushed(*messages: dict[str, Any], key: str = REFERENCE, **more: Any) -> Sent:
    body = {"to": USER, "messages": list(messages), **more}
    return called("message/push", body, **{"x-line-retry-key": f"UUID of {key}"})


def read(request: HttpRequest) -> Sent:
    """The request, with what its retry key was made of in place of it."""
    sent = seen(request)
    key = sent.headers.get("x-line-retry-key")
    if key is None:
        return sent
    return replace(sent, headers={**sent.headers, "x-line-retry-key": f"UUID of {RETRY_KEYS[key]}"})


def refusal(status: int, message: str, *details: dict[str, str], **headers: str) -> HttpResponse:
    return answer({"message": message} | ({"details": list(details)} if details else {}), status, **headers)


def asked(text: str, *buttons: dict[str, str]) -> dict[str, Any]:
    return {"type": "text", "text": text, "buttons": list(buttons)}
