"""The table of viber: what comes back, as in Viber's documentation, from people who are nobody."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

from gateway.errors import FailureKind
from gateway.model.address import Person
from gateway.model.callback import CallbackReply, CallbackRequest
from gateway.model.content import (
    ButtonReply,
    ContactContent,
    EventContent,
    InboundContent,
    InboundMediaContent,
    InboundText,
    LocationContent,
    UnsupportedContent,
)
from gateway.model.receipt import DeliveryReceipt, Reason
from handlers.contract import InboundMessage
from tests.handlers.cases.viber_accounts import (
    ACCOUNT,
    CHANGING,
    ID,
    OLD_TOKEN,
    TOKEN,
    TRACKING,
    USER,
    WELCOMING,
    tracking,
)
from tests.handlers.cases.viber_sends import SENDS
from tests.handlers.rows import REFERENCE, CallbackRow, Table, posted

AT, AT_MILLISECONDS = datetime(2026, 11, 22, 10, 0, tzinfo=UTC), 1795341600000
ANN = {"id": USER, "name": "Ann", "avatar": "https://avatar.example", "country": "UK", "api_version": 10}


def prove(body: bytes, token: str = TOKEN) -> CallbackRequest:
    signature = hmac.new(token.encode(), body, hashlib.sha256).hexdigest()
    headers = {"x-viber-content-signature": signature, "content-type": "application/json"}
    return CallbackRequest("POST", "https://gw.example/callbacks/viber-shop", {}, headers, body)


def told(event: str, **part: Any) -> bytes:
    return posted({"event": event, "timestamp": AT_MILLISECONDS, "message_token": int(ID), **part})


def written(kind: str, **part: Any) -> bytes:
    return told("message", sender=ANN, message={"type": kind, **part}, silent=False)


def got(content: InboundContent, **more: Any) -> InboundMessage:
    given = {
        "provider_message_id": ID,
        "sender": Person(kind="user_id", id=USER, name="Ann"),
        "sent_at": AT,
        **more,
    }
    return InboundMessage(content=content, **given)


def wrote(name: str, content: InboundContent, kind: str, **part: Any) -> CallbackRow:
    return CallbackRow(name, prove(written(kind, **part)), ("mo",), messages=(got(content),))


def happened(name: str, body: bytes, message: InboundMessage, **more: Any) -> CallbackRow:
    return CallbackRow(name, prove(body), ("mo",), messages=(message,), **more)


def receipt(news: Any, word: str, **more: Any) -> DeliveryReceipt:
    return DeliveryReceipt(provider_message_id=ID, status=news, provider_status=word, occurred_at=AT, **more)


def heard(name: str, body: bytes, *receipts: DeliveryReceipt) -> CallbackRow:
    return CallbackRow(name, prove(body), ("dr",), receipts=receipts)


STARTED = told("conversation_started", type="open", context="poster-12", user=ANN, subscribed=False)
STARTED_MESSAGE = got(
    EventContent(name="conversation_started", details={"context": "poster-12", "subscribed": False}),
    provider_message_id=f"conversation_started:{ID}",
)

CALLBACKS = (
    CallbackRow("the test of a new webhook", prove(told("webhook"))),
    CallbackRow("not JSON", prove(b"<xml/>"), refused=400),
    CallbackRow("not a callback", prove(b'{"status":0}'), refused=400),
    CallbackRow("signed with another token", prove(written("text", text="Hi"), token="another"), refused=403),
    CallbackRow(
        "signed with a token that is no more",
        prove(written("text", text="Hi"), token=OLD_TOKEN),
        refused=403,
    ),
    CallbackRow(
        "without a signature",
        CallbackRequest(
            "POST", "https://gw.example/callbacks/viber-shop", {}, {}, written("text", text="Hi")
        ),
        refused=403,
    ),
    CallbackRow(
        "signed with the token that is being replaced",
        prove(written("text", text="Hi"), token=OLD_TOKEN),
        ("mo",),
        messages=(got(InboundText(text="Hi")),),
        account="changing",
    ),
    wrote("a text", InboundText(text="Hi"), "text", text="Hi"),
    wrote(
        "a text after a message of somebody else's",
        InboundText(text="y"),
        "text",
        text="y",
        tracking_data="step 2",
    ),
    happened(
        "a text after a message of ours",
        written("text", text="Fine", tracking_data=TRACKING),
        got(InboundText(text="Fine"), in_reply_to=REFERENCE),
    ),
    happened(
        "a pressed button",
        written("text", text="y", tracking_data=tracking(y="Yes", n="No")),
        got(ButtonReply(id="y", title="Yes"), in_reply_to=REFERENCE),
    ),
    happened(
        "a text where a button could have been pressed",
        written("text", text="Perhaps", tracking_data=tracking(y="Yes", n="No")),
        got(InboundText(text="Perhaps"), in_reply_to=REFERENCE),
    ),
    wrote(
        "a picture",
        InboundMediaContent(type="image", url="https://dl.example/p.jpg", caption="Broken", filename="p.jpg"),
        "picture",
        media="https://dl.example/p.jpg",
        text="Broken",
        file_name="p.jpg",
        thumbnail="https://dl.example/t.jpg",
    ),
    wrote(
        "a video",
        InboundMediaContent(type="video", url="https://dl.example/v.mp4"),
        "video",
        media="https://dl.example/v.mp4",
        duration=8,
        size=10_000,
    ),
    wrote(
        "a file",
        InboundMediaContent(type="document", url="https://dl.example/f", filename="a.pdf"),
        "file",
        media="https://dl.example/f",
        file_name="a.pdf",
        file_size=12_000,
    ),
    wrote(
        "a sticker",
        InboundMediaContent(type="sticker", media_id="46105", url="https://dl.example/s.png"),
        "sticker",
        sticker_id=46105,
        media="https://dl.example/s.png",
    ),
    wrote("a link", InboundText(text="https://news.example"), "url", media="https://news.example"),
    wrote(
        "a location",
        LocationContent(latitude=50.76891, longitude=6.11499),
        "location",
        location={"lat": 50.76891, "lon": 6.11499},
    ),
    wrote(
        "a contact",
        ContactContent(name="Bo", phones=("+447700900002",)),
        "contact",
        contact={"name": "Bo", "phone_number": "+447700900002"},
    ),
    wrote(
        "a contact without a name",
        ContactContent(name="+447700900002", phones=("+447700900002",)),
        "contact",
        contact={"phone_number": "+447700900002"},
    ),
    wrote(
        "a kind that is not known",
        UnsupportedContent(provider_type="poll", raw={"type": "poll", "poll_id": 5741311803571721087}),
        "poll",
        poll_id=5741311803571721087,
    ),
    happened("a started conversation", STARTED, STARTED_MESSAGE),
    happened(
        "a started conversation that is answered with a welcome",
        STARTED,
        STARTED_MESSAGE,
        account="welcoming",
        reply=CallbackReply(
            body=b'{"sender":{"name":"Shop","avatar":"https://cdn.example/shop.png"},'
            b'"type":"text","text":"Welcome! Write to us."}',
            content_type="application/json",
        ),
    ),
    happened(
        "a subscriber",
        told("subscribed", user=ANN),
        got(EventContent(name="opted_in"), provider_message_id=f"subscribed:{ID}"),
        account="welcoming",
    ),
    happened(
        "a subscriber who left",
        told("unsubscribed", user_id=USER),
        got(
            EventContent(name="opted_out"),
            provider_message_id=f"unsubscribed:{ID}",
            sender=Person(kind="user_id", id=USER),
        ),
    ),
    heard("delivered", told("delivered", user_id=USER), receipt("delivered", "delivered")),
    heard("seen", told("seen", user_id=USER), receipt("read", "seen")),
    heard(
        "failed",
        told("failed", user_id=USER, desc="failure description"),
        receipt(
            "failed",
            "failed",
            reason=Reason(
                code="provider_error", kind=FailureKind.PERMANENT, provider_text="failure description"
            ),
        ),
    ),
    CallbackRow("something new", prove(told("client_status", user=ANN)), ("event",)),
)

TABLE = Table(
    provider="viber",
    accounts={"main": ACCOUNT, "welcoming": WELCOMING, "changing": CHANGING},
    secrets=(TOKEN, OLD_TOKEN),
    sends=SENDS,
    callbacks=CALLBACKS,
    prove=prove,
    proof="x-viber-content-signature",
    proof_covers_body=True,
)
