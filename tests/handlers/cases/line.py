"""The table of line: what comes back, as in LINE's reference, from people who are nobody."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

from gateway.model.address import Person, Thread
from gateway.model.callback import CallbackRequest
from gateway.model.content import (
    ButtonReply,
    EventContent,
    InboundContent,
    InboundMediaContent,
    InboundText,
    LocationContent,
    UnsupportedContent,
)
from handlers.contract import InboundMessage
from tests.handlers.cases.line_accounts import (
    ACCESS_TOKEN,
    ACCOUNT,
    CHANNEL_SECRET,
    GROUP,
    OLD_SECRET,
    USER,
    WITH_PREVIEW,
    read,
)
from tests.handlers.cases.line_sends import SENDS
from tests.handlers.rows import CallbackRow, Table, posted

AT, AT_MILLISECONDS = datetime(2026, 11, 22, 10, 0, tzinfo=UTC), 1795341600000
BOT, ROOM, EVENT_ID = (
    "U8e742f61d673b39c7fff3cecb7536ef0",
    "Ra8dbf4673c4c812cd491258042226c99",
    "01FZ74A0TDDPYRVKNK77XKC3ZR",
)
FROM_USER = {"type": "user", "userId": USER}
FROM_GROUP = {"type": "group", "groupId": GROUP, "userId": USER}
FROM_ROOM = {"type": "room", "roomId": ROOM}


def prove(body: bytes, secret: str = CHANNEL_SECRET) -> CallbackRequest:
    digest = hmac.digest(secret.encode(), body, hashlib.sha256)
    headers = {"x-line-signature": base64.b64encode(digest).decode(), "content-type": "application/json"}
    return CallbackRequest("POST", "https://gw.example/callbacks/line-shop", {}, headers, body)


def event(kind: str, **part: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "mode": "active",
        "timestamp": AT_MILLISECONDS,
        "source": FROM_USER,
        "webhookEventId": EVENT_ID,
        "deliveryContext": {"isRedelivery": False},
        "replyToken": "nHuyWiB7yP5Zw52FIkcQobQuGDXCTA",
        **part,
    }


def message(kind: str, **part: Any) -> dict[str, Any]:
    return event("message", message={"id": "444573844083572737", "type": kind, **part})


def delivery(*events: dict[str, Any]) -> dict[str, Any]:
    return {"destination": BOT, "events": list(events)}


def got(content: InboundContent, **more: Any) -> InboundMessage:
    given = {
        "provider_message_id": "444573844083572737",
        "sender": Person(kind="user_id", id=USER),
        "to": BOT,
        "sent_at": AT,
        **more,
    }
    return InboundMessage(content=content, **given)


def wrote(name: str, part: dict[str, Any], *messages: InboundMessage) -> CallbackRow:
    return CallbackRow(name, prove(posted(delivery(part))), ("mo",), messages=messages)


def happened(name: str, part: dict[str, Any], content: InboundContent, **more: Any) -> CallbackRow:
    return wrote(name, part, got(content, **{"provider_message_id": EVENT_ID, **more}))


def kept(name: str, part: dict[str, Any]) -> CallbackRow:
    return CallbackRow(name, prove(posted(delivery(part))), ("event",))


IN_GROUP = {
    "sender": Person(kind="chat_id", id=GROUP),
    "thread": Thread(id=GROUP, type="conversation"),
}
QUOTABLE = {"quoteToken": "q3Plxr4AgKd"}
LINE_KEEPS = {"contentProvider": {"type": "line"}}
TEXT = message("text", text="Hi", **QUOTABLE)

CALLBACKS = (
    CallbackRow("a test of the connection", prove(posted(delivery()))),
    CallbackRow("not JSON", prove(b"<xml/>"), refused=400),
    CallbackRow("not a delivery", prove(b'{"destination":"U1"}'), refused=400),
    CallbackRow("an event without a type", prove(posted(delivery({"mode": "active"}))), refused=400),
    CallbackRow("signed by another channel", prove(posted(delivery(TEXT)), secret="another"), refused=403),
    CallbackRow(
        "without a signature",
        CallbackRequest("POST", "https://gw.example/callbacks/line-shop", {}, {}, posted(delivery(TEXT))),
        refused=403,
    ),
    CallbackRow(
        "signed with the secret that is being replaced",
        prove(posted(delivery(TEXT)), secret=OLD_SECRET),
        ("mo",),
        messages=(got(InboundText(text="Hi")),),
    ),
    wrote("a text", TEXT, got(InboundText(text="Hi"))),
    wrote(
        "a text that is delivered again",
        {**TEXT, "deliveryContext": {"isRedelivery": True}},
        got(InboundText(text="Hi")),
    ),
    wrote(
        "a text that quotes",
        message("text", text="This", quotedMessageId="461230966842064897", **QUOTABLE),
        got(InboundText(text="This"), in_reply_to="461230966842064897"),
    ),
    wrote("a text in a group", {**TEXT, "source": FROM_GROUP}, got(InboundText(text="Hi"), **IN_GROUP)),
    wrote(
        "a text in a room, of somebody who hides",
        {**TEXT, "source": FROM_ROOM},
        got(
            InboundText(text="Hi"),
            sender=Person(kind="chat_id", id=ROOM),
            thread=Thread(id=ROOM, type="conversation"),
        ),
    ),
    wrote(
        "an image",
        message("image", **LINE_KEEPS, **QUOTABLE),
        got(InboundMediaContent(type="image", media_id="444573844083572737")),
    ),
    wrote(
        "a video that is kept elsewhere",
        message(
            "video",
            **QUOTABLE,
            duration=60_000,
            contentProvider={"type": "external", "originalContentUrl": "https://cdn.example/v.mp4"},
        ),
        got(InboundMediaContent(type="video", url="https://cdn.example/v.mp4")),
    ),
    wrote(
        "audio",
        message("audio", duration=60_000, **LINE_KEEPS),
        got(InboundMediaContent(type="audio", media_id="444573844083572737")),
    ),
    wrote(
        "a file",
        message("file", fileName="a.pdf", fileSize=2138),
        got(InboundMediaContent(type="document", media_id="444573844083572737", filename="a.pdf")),
    ),
    wrote(
        "a sticker with words",
        message(
            "sticker",
            **QUOTABLE,
            packageId="446",
            stickerId="1988",
            stickerResourceType="MESSAGE",
            text="Let's go",
        ),
        got(InboundMediaContent(type="sticker", media_id="446:1988", caption="Let's go")),
    ),
    wrote(
        "a location",
        message("location", title="Shop", address="1 High St", latitude=35.65, longitude=139.7),
        got(LocationContent(latitude=35.65, longitude=139.7, name="Shop", address="1 High St")),
    ),
    wrote(
        "a kind that is not known",
        message("hologram", depth=3),
        got(
            UnsupportedContent(
                provider_type="hologram",
                raw={"id": "444573844083572737", "type": "hologram", "depth": 3},
            )
        ),
    ),
    happened("a pressed button", event("postback", postback={"data": "y"}), ButtonReply(id="y")),
    happened(
        "a new friend",
        event("follow", follow={"isUnblocked": False}),
        EventContent(name="opted_in", details={"isUnblocked": False}),
    ),
    happened(
        "a friend again",
        event("follow", follow={"isUnblocked": True}),
        EventContent(name="unblocked", details={"isUnblocked": True}),
    ),
    happened("blocked", event("unfollow"), EventContent(name="blocked")),
    happened(
        "taken into a group",
        event("join", source=FROM_GROUP),
        EventContent(name="opted_in"),
        **IN_GROUP,
    ),
    happened(
        "put out of a group", event("leave", source=FROM_GROUP), EventContent(name="blocked"), **IN_GROUP
    ),
    happened(
        "a message that was unsent",
        event("unsend", unsend={"messageId": "444573844083572737"}),
        EventContent(name="message_deleted", details={"messageId": "444573844083572737"}),
        deleted=True,
    ),
    kept("a message that another system has the conversation of", {**TEXT, "mode": "standby"}),
    kept("a beacon", event("beacon", beacon={"hwid": "d41d8cd98f", "type": "enter"})),
    kept("the receipt of a notification message", event("delivery", delivery={"data": "hash"})),
    CallbackRow(
        "a batch",
        prove(posted(delivery(TEXT, event("memberJoined"), event("postback", postback={"data": "n"})))),
        ("mo", "event", "mo"),
        messages=(
            got(InboundText(text="Hi")),
            got(ButtonReply(id="n"), provider_message_id=EVENT_ID),
        ),
    ),
)

TABLE = Table(
    provider="line",
    accounts={"main": ACCOUNT, "films": WITH_PREVIEW},
    secrets=(ACCESS_TOKEN, CHANNEL_SECRET, OLD_SECRET),
    sends=SENDS,
    callbacks=CALLBACKS,
    prove=prove,
    proof="x-line-signature",
    proof_covers_body=True,
    read=read,
)
