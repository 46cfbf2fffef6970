"""What is sent through rtm: rows from submission to the exact publications."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from gateway.errors import FailureKind, ProviderError
from gateway.model.address import Address, Thread
from gateway.model.base import now, rfc3339
from gateway.transports.port import MqttMessage
from tests.handlers.rows import REFERENCE, Failed, Published, SendRow, seen_published

PASSWORD, HOOK_SECRET = "broker-password", "what-the-broker-proves-itself-with"
LOGIN = {"username": "gateway", "password": PASSWORD}
MAIN = {
    "account": "rtm-main",
    "provider": "rtm",
    "channel": "rtm",
    "url": "mqtts://broker.example",
    "credentials": LOGIN,
    "from": ["Shop"],
}
OLD = MAIN | {
    "account": "rtm-old",
    "url": "mqtt://old.example:18830",
    "callback": {"secret": HOOK_SECRET},
    "parameters": {"protocol": "3.1.1", "access": "dynamic_security"},
}
ACCOUNTS = {"main": MAIN, "old": OLD}

ALICE = Address(kind="user_id", id="alice@shop.example")
PHONE = Address(kind="device", id="alice@shop.example/phone.1")
NEWS = Address(kind="topic", id="news || sport")
DOWN = "imgw/v1/shop/u/alice%40shop%2Eexample/down"
PHONE_DOWN = "imgw/v1/shop/u/alice%40shop%2Eexample/d/phone%2E1/down"

EXPIRES_AT = now() + timedelta(days=2)
JUST_NOW, IN_HALF_A_MINUTE, UNTIL_THEN = "just now", "in half a minute", 172_800
TRACE = {
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "tracestate": "vendor=1",
    "x-other": "not told",
}
THREAD = Thread(id="t-1", type="conversation", title="Your order")

HELLO = {"type": "text", "text": "Hello"}
IMAGE = "https://cdn.example/picture.jpg"
BUTTONS = [
    {"type": "reply", "id": "yes", "title": "Yes"},
    {"type": "url", "title": "Shop", "url": "https://shop.example/"},
    {"type": "call", "title": "Call us", "phone": "+447700900200"},
    {"type": "location", "title": "Where are you?"},
]
ROWS = {"title": "Red", "rows": [{"id": "r-1", "title": "Small", "description": "For one"}]}


def read_published(message: MqttMessage) -> Published:
    """A publication in a form that does not depend on when the test runs."""
    made = seen_published(message)
    body = dict(made.body)
    body["sent_at"] = _soon(body["sent_at"], 0, JUST_NOW)
    if body.get("expires_at") != rfc3339(EXPIRES_AT):
        body |= (
            {"expires_at": _soon(body["expires_at"], 30, IN_HALF_A_MINUTE)} if "expires_at" in body else {}
        )
    seconds = made.expiry_seconds
    lasting = seconds is not None and 0 <= (EXPIRES_AT - now()).total_seconds() + 1 - seconds < 10
    return replace(made, body=body, expiry_seconds=UNTIL_THEN if lasting else seconds)


def _soon(told: str, seconds: float, word: str) -> str:
    away = (datetime.fromisoformat(told) - now()).total_seconds() - seconds
    return word if -10 < away <= 0 else told


def published(content: dict[str, Any], topic: str = DOWN, *, to: Address = ALICE, **more: Any) -> Published:
    """`more` is what else is in the document; `sender` goes by another name there."""
    body = {
        "type": "message",
        "message_id": "order-4711",
        "app_id": "shop",
        "to": {"kind": to.kind, "id": to.id},
        "content": content,
        "sent_at": JUST_NOW,
        "expires_at": rfc3339(EXPIRES_AT),
        **{"from" if name == "sender" else name: value for name, value in more.items()},
    }
    properties = (("type", "message"), ("message_id", "order-4711"))
    return Published(topic, body, UNTIL_THEN, "application/json", b"order-4711", properties)


def sent(name: str, content: dict[str, Any], told: dict[str, Any] | None = None, **more: Any) -> SendRow:
    """`told` is what the devices get as content, where it has more in it than was given."""
    given: dict[str, Any] = {
        "to": ALICE,
        "published": (published(told or content),),
        "expires_at": EXPIRES_AT,
        "ids": (REFERENCE,),
        **more,
    }
    return SendRow(name, content, **given)


def passing(name: str, content: dict[str, Any], **more: Any) -> SendRow:
    soon = replace(published(content, expires_at=IN_HALF_A_MINUTE), expiry_seconds=30)
    return sent(name, content, published=(soon,), receipts_follow=False, **more)


def refused(name: str, reason: str, content: dict[str, Any] = HELLO, to: Address = ALICE) -> SendRow:
    return SendRow(name, content, to, refused=reason)


def fails(name: str, kind: FailureKind, reason: str) -> SendRow:
    error = ProviderError(kind, reason=reason, code="0x97")
    return SendRow(name, HELLO, ALICE, answers=(error,), failed=Failed(kind, reason, "0x97"))


def with_defaults(content: dict[str, Any]) -> dict[str, Any]:
    """As a text or media are told, with what is always there."""
    return {**({"preview_url": False} if content["type"] == "text" else {}), "buttons": [], **content}


TEXT = with_defaults(HELLO)
MEDIA = [
    {"type": kind, "url": IMAGE, "caption": "Look", "filename": "a.jpg", "mime_type": "image/jpeg"}
    for kind in ("image", "video", "audio", "document", "sticker")
]
OTHERS: list[dict[str, Any]] = [
    {"type": "location", "latitude": 51.5, "longitude": -0.1, "name": "Shop", "address": "1 High Street"},
    {"type": "contact", "name": "Shop", "phones": ["+447700900200"], "emails": ["shop@shop.example"]},
    {"type": "list", "text": "Which?", "button": "Choose", "sections": [ROWS]},
    {"type": "reaction", "to": "mo-1", "emoji": "\N{THUMBS UP SIGN}"},
    {"type": "raw", "payload": {"card": {"price": 1.5, "tags": ["a", None]}}},
]

NOBODY = (
    *(
        Address(kind="user_id", id=id)
        for id in ("alice/phone", "+", "#", "al ice", "ähm", ".alice", "a" * 129)
    ),
    *(
        Address(kind="device", id=id)
        for id in ("alice", "alice/", "/phone", "alice/phone/1", "alice/+", "alice/" + "d" * 65)
    ),
)

SENDS = (
    sent("a text", HELLO, TEXT),
    sent("a long text in one piece", {**HELLO, "text": "x" * 65_536}, {**TEXT, "text": "x" * 65_536}),
    *(
        sent(f"a text with a {each['type']} button", HELLO | {"buttons": [each]}, TEXT | {"buttons": [each]})
        for each in BUTTONS
    ),
    sent("a text with many buttons", HELLO | {"buttons": BUTTONS * 16}, TEXT | {"buttons": BUTTONS * 16}),
    *(sent(f"{each['type']} by url", each, with_defaults(each)) for each in MEDIA),
    sent("an image with buttons", {**MEDIA[0], "buttons": BUTTONS}, {**MEDIA[0], "buttons": BUTTONS}),
    *(sent(each["type"], each) for each in OTHERS),
    passing("a typing mark", {"type": "typing"}),
    passing("a mark that something was read", {"type": "read", "of": "mo-1"}, expires_at=None),
    sent(
        "an answer in a thread, from a sender",
        HELLO,
        published=(
            published(
                TEXT,
                sender="Shop",
                in_reply_to="mo-1",
                thread={"id": "t-1", "type": "conversation", "title": "Your order"},
            ),
        ),
        sender="Shop",
        in_reply_to="mo-1",
        thread=THREAD,
    ),
    sent("to one device", HELLO, published=(published(TEXT, PHONE_DOWN, to=PHONE),), to=PHONE),
    sent(
        "to all who follow topics, each on their own",
        HELLO,
        published=tuple(
            published(TEXT, f"imgw/v1/shop/u/{user}/down", to=NEWS) for user in ("alice", "bob%2E1", "eve")
        ),
        to=NEWS,
        audience=("alice", "bob.1", "eve"),
    ),
    sent(
        "within a trace",
        HELLO,
        published=(
            replace(
                published(TEXT),
                user_properties=(
                    ("type", "message"),
                    ("message_id", "order-4711"),
                    ("traceparent", TRACE["traceparent"]),
                    ("tracestate", "vendor=1"),
                ),
            ),
        ),
        trace=TRACE,
    ),
    sent(
        "with a trace that no property can hold",
        HELLO,
        TEXT,
        trace={"traceparent": "00\x00", "tracestate": "x" * 513},
    ),
    sent(
        "through a broker that speaks 3.1.1",
        HELLO,
        TEXT,
        account="old",
    ),
    refused("media by id", "media_unsupported", {"type": "image", "media_id": "m-1"}),
    refused("a template", "unsupported_content", {"type": "template", "name": "n", "language": "en"}),
    refused("to a topic that nobody follows", "recipient_unreachable", to=NEWS),
    *(
        refused(f"to what is no {to.kind}: {number}", "invalid_recipient", to=to)
        for number, to in enumerate(NOBODY)
    ),
    refused("to a number", "invalid_recipient", to=Address(kind="msisdn", id="447700900001")),
    fails("no room at the broker", FailureKind.THROTTLED, "rate_limited"),
    fails("not let in by the broker", FailureKind.AUTH, "account_credentials"),
)
