"""The table of wechat: what comes back, and how it is proved; what is sent is in wechat_sends
and wechat_failures.

Official accounts get XML. Its rows are those of the account "xml"; those of "main" are JSON, which mini
programs may choose, and which the search for unreadable callbacks can garble.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from gateway.errors import FailureKind
from gateway.model.address import Person
from gateway.model.callback import CallbackReply, CallbackRequest
from gateway.model.content import (
    ButtonReply,
    EventContent,
    InboundContent,
    InboundMediaContent,
    InboundText,
    LocationContent,
    UnsupportedContent,
)
from gateway.model.receipt import DeliveryReceipt, Reason
from handlers.contract import InboundMessage
from tests.handlers.cases.wechat_accounts import (
    ACCOUNT,
    AES_KEY,
    APP_SECRET,
    FRESH,
    OLD_AES_KEY,
    OLD_TOKEN,
    SECURE,
    TOKEN,
    as_json,
    as_xml,
    asked,
    enveloped,
    pushed,
    sealed,
)
from tests.handlers.cases.wechat_failures import FAILURES, REFUSALS
from tests.handlers.cases.wechat_sends import TAKEN
from tests.handlers.rows import CallbackRow, Table

AT, AT_SECONDS = datetime(2026, 11, 22, 10, 0, tzinfo=UTC), 1795341600
SUCCESS = CallbackReply(body=b"success")


def push(kind: str, **fields: Any) -> dict[str, Any]:
    around = {"ToUserName": "gh_1", "FromUserName": "oABCD-ann", "CreateTime": AT_SECONDS, "MsgType": kind}
    return around | fields


def event(name: str, **fields: Any) -> dict[str, Any]:
    return push("event", Event=name, **fields)


def read(content: InboundContent, message_id: str = "24001") -> InboundMessage:
    return InboundMessage(
        provider_message_id=message_id,
        sender=Person(kind="openid", id="oABCD-ann"),
        to="gh_1",
        content=content,
        sent_at=AT,
    )


def rows(name: str, fields: dict[str, Any], **expected: Any) -> tuple[CallbackRow, ...]:
    """The same push as XML, as JSON, and encrypted."""
    given = {"reply": SUCCESS, **expected}
    return (
        CallbackRow(f"{name} (XML)", pushed(as_xml(fields)), account="xml", **given),
        CallbackRow(f"{name} (JSON)", pushed(as_json(fields)), **given),
        CallbackRow(f"{name} (encrypted)", sealed(as_xml(fields)), account="secure", **given),
    )


def wrote(name: str, fields: dict[str, Any], content: InboundContent) -> tuple[CallbackRow, ...]:
    return rows(name, fields, kinds=("mo",), messages=(read(content),))


def happened(name: str, fields: dict[str, Any], content: InboundContent) -> tuple[CallbackRow, ...]:
    message = read(content, f"oABCD-ann:{AT_SECONDS}:{fields['Event']}")
    return rows(name, fields, kinds=("mo",), messages=(message,))


def receipt(word: str, status: Any, reason: Reason | None = None) -> tuple[CallbackRow, ...]:
    told = DeliveryReceipt(
        provider_message_id="200228332",
        status=status,
        provider_status=word,
        reason=reason,
        occurred_at=AT,
    )
    fields = event("TEMPLATESENDJOBFINISH", MsgID=200228332, Status=word)
    return rows(f"a receipt that says {word}", fields, kinds=("dr",), receipts=(told,))


def failed(code: str, word: str) -> Reason:
    return Reason(code=code, kind=FailureKind.PERMANENT, provider_code=word)


def refused(name: str, request: CallbackRequest, status: int, account: str = "xml") -> CallbackRow:
    return CallbackRow(name, request, refused=status, account=account)


HELLO = push("text", Content="Hello", MsgId=24001)
LINK = push("link", Title="News", Description="Of today", Url="https://news.example", MsgId="24001")
DTD = b"<!DOCTYPE x [<!ENTITY a %s>]>"
SAID = as_xml(HELLO).replace(b"<![CDATA[Hello]]>", b"&a;")

MESSAGES = (
    *wrote("a text", HELLO, InboundText(text="Hello")),
    *wrote(
        "a choice from a menu that we sent",
        push("text", Content="Yes", bizmsgmenuid="yes", MsgId=24001),
        ButtonReply(id="yes", title="Yes"),
    ),
    *wrote(
        "an image",
        push("image", PicUrl="https://pic.example/1", MediaId="M1", MsgId=24001),
        InboundMediaContent(type="image", url="https://pic.example/1", media_id="M1"),
    ),
    *wrote(
        "a voice message that WeChat has listened to",
        push("voice", MediaId="M2", Format="amr", Recognition="Hello", MsgId=24001),
        InboundMediaContent(type="audio", media_id="M2", caption="Hello", mime_type="audio/amr"),
    ),
    *wrote(
        "a video",
        push("video", MediaId="M3", ThumbMediaId="T3", MsgId=24001),
        InboundMediaContent(type="video", media_id="video:M3"),
    ),
    *wrote(
        "a short video",
        push("shortvideo", MediaId="M4", ThumbMediaId="T4", MsgId=24001),
        InboundMediaContent(type="video", media_id="video:M4"),
    ),
    *wrote(
        "a location",
        push("location", Location_X="23.13", Location_Y="113.26", Scale="20", Label="1 Road", MsgId=24001),
        LocationContent(latitude=23.13, longitude=113.26, address="1 Road"),
    ),
    CallbackRow(
        "a link",
        pushed(as_json(LINK)),
        ("mo",),
        messages=(read(UnsupportedContent(provider_type="link", raw=LINK)),),
        reply=SUCCESS,
    ),
)

EVENTS = (
    *happened("a follow", event("subscribe", EventKey=""), EventContent(name="opted_in")),
    *happened(
        "a follow after a code was scanned",
        event("subscribe", EventKey="qrscene_7", Ticket="T"),
        EventContent(name="opted_in", details={"EventKey": "qrscene_7", "Ticket": "T"}),
    ),
    *happened("an unfollow", event("unsubscribe", EventKey=""), EventContent(name="opted_out")),
    *happened(
        "a scanned code",
        event("SCAN", EventKey="7", Ticket="T"),
        EventContent(name="referral", details={"EventKey": "7", "Ticket": "T"}),
    ),
    *happened("a pressed menu key", event("CLICK", EventKey="HOURS"), ButtonReply(id="HOURS")),
    *happened(
        "a position",
        event("LOCATION", Latitude="23.13", Longitude="113.26", Precision="60"),
        LocationContent(latitude=23.13, longitude=113.26),
    ),
    *rows("a followed link", event("VIEW", EventKey="https://shop.example"), kinds=("event",)),
    CallbackRow(
        "pictures from a menu, which come again as messages",
        pushed(
            as_xml(event("pic_weixin")).replace(
                b"</xml>",
                b"<SendPicsInfo><Count>2</Count><PicList><item><PicMd5Sum>a</PicMd5Sum></item>"
                b"<item><PicMd5Sum>b</PicMd5Sum></item><item/></PicList></SendPicsInfo></xml>",
            )
        ),
        ("event",),
        reply=SUCCESS,
        account="xml",
    ),
)

RECEIPTS = (
    *receipt("success", "delivered"),
    *receipt("failed:user block", "failed", failed("recipient_blocked", "failed:user block")),
    *receipt("failed: system failed", "failed", failed("provider_error", "failed: system failed")),
    *receipt("on its way", None),
)

PROOFS = (
    *(
        CallbackRow(f"the challenge of {account}", asked(echostr="42"), (), reply=reply, account=account)
        for account, reply in (("main", CallbackReply(body=b"42")), ("secure", CallbackReply(body=b"42")))
    ),
    refused("a challenge with another token", asked("no-token", echostr="42"), 403),
    refused("a push with another token", pushed(as_xml(HELLO), "no-token"), 403),
    CallbackRow(
        "the former token and key, while they are being changed",
        sealed(as_xml(HELLO), token=OLD_TOKEN, key=OLD_AES_KEY),
        ("mo",),
        messages=(read(InboundText(text="Hello")),),
        reply=SUCCESS,
        account="secure",
    ),
    refused("an open push, where secure mode is wanted", pushed(as_xml(HELLO)), 403, "secure"),
    refused("a sealed push, signed with another token", sealed(as_xml(HELLO), token="x"), 403, "secure"),
    refused("a push for another account", sealed(as_xml(HELLO), app_id="wx-other"), 400, "secure"),
    refused(
        "a push under another key",
        sealed(as_xml(HELLO), key="0000000000000000000000000000000000000000000"),
        400,
        "secure",
    ),
    *(
        refused(f"a sealed part that is {name}", enveloped(hidden), 400, "secure")
        for name, hidden in (
            ("not base64", "*"),
            ("no whole block", "YWJj"),
            ("not of blocks at all", "===="),
        )
    ),
    refused("a sealed body that is not XML", sealed(b"hello"), 400, "secure"),
    refused("not XML", pushed(b"hello"), 400),
    refused("XML that is no message", pushed(b"<xml><MsgType>text</MsgType></xml>"), 400),
    refused("an empty element", pushed(b"<xml/>"), 400),
    refused("a DTD alone", pushed(b"<!DOCTYPE x>" + as_xml(HELLO)), 400),
    refused("entities that grow", pushed(DTD % b'"aa"' + SAID), 400),
    refused("an entity that reads a file", pushed(DTD % b'SYSTEM "file:///etc/passwd"' + SAID), 400),
    refused("an encoding that there is not", pushed(b'<?xml version="1.0" encoding="x-no"?><xml/>'), 400),
)

TABLE = Table(
    provider="wechat",
    accounts={"main": ACCOUNT, "xml": ACCOUNT, "secure": SECURE},
    secrets=(APP_SECRET, TOKEN, OLD_TOKEN, AES_KEY, OLD_AES_KEY),
    sends=TAKEN + FAILURES + REFUSALS,
    callbacks=MESSAGES + EVENTS + RECEIPTS + PROOFS,
    prove=pushed,
    proof="signature",
    proof_covers_body=False,
    proof_in="query",
    before=(FRESH,),
)
