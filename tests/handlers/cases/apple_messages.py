"""The table of apple_messages: what comes back, and how it is proved; what is sent is in
apple_messages_sends."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import jwt

from gateway.model.address import Person
from gateway.model.callback import CallbackRequest
from gateway.model.content import (
    ButtonReply,
    EventContent,
    InboundContent,
    InboundMediaContent,
    InboundText,
    ListReply,
    UnsupportedContent,
)
from handlers.contract import InboundMessage
from tests.handlers.cases.apple_messages_accounts import (
    ACCOUNT,
    BUSINESS,
    CHANGING,
    KEY,
    MSP,
    OLD_KEY,
    OLD_SECRET,
    SECRET,
    TO,
    read,
)
from tests.handlers.cases.apple_messages_sends import EXTENSION, SENDS
from tests.handlers.rows import CallbackRow, Table, posted

PLACE = "https://gw.example/callbacks/apple-shop/message"
NUMBER = "8d0f6a1e-0000-4000-8000-00000000000a"


def token(key: bytes = KEY, **claims: Any) -> str:
    return jwt.encode({"aud": MSP, "iat": 1_795_341_600 - 40_000_000, **claims}, key, algorithm="HS256")


def proved(body: bytes, authorization: str, business: str = BUSINESS) -> CallbackRequest:
    headers = {
        "authorization": authorization,
        "id": NUMBER,
        "source-id": TO.id,
        "destination-id": business,
        "content-encoding": "gzip",
        "capability-list": "QUICK,LIST,TIME",
    }
    return CallbackRequest("POST", PLACE, {}, headers, body)


def prove(body: bytes) -> CallbackRequest:
    return proved(body, f"Bearer {token()}")


def document(kind: str, **part: Any) -> dict[str, Any]:
    around = {"v": 1, "id": NUMBER, "sourceId": TO.id, "destinationId": BUSINESS, "locale": "en_GB"}
    return {**around, "type": kind, **part}


def got(content: InboundContent, number: int = 1, **more: Any) -> InboundMessage:
    return InboundMessage(
        provider_message_id=NUMBER if number == 1 else f"{NUMBER}:{number}",
        sender=Person(kind="user_id", id=TO.id),
        to=BUSINESS,
        content=content,
        **more,
    )


def wrote(name: str, content: InboundContent, kind: str, **part: Any) -> CallbackRow:
    return CallbackRow(name, prove(posted(document(kind, **part))), ("mo",), messages=(got(content),))


def chose(name: str, data: dict[str, Any], *contents: InboundContent) -> CallbackRow:
    told = {"bid": EXTENSION, "data": {"version": "1.0", "requestIdentifier": "request-1", **data}}
    return CallbackRow(
        name,
        prove(posted(document("interactive", interactiveData=told))),
        ("mo",),
        messages=tuple(
            got(content, number, in_reply_to="request-1") for number, content in enumerate(contents, start=1)
        ),
    )


def refused(name: str, authorization: str, **more: Any) -> CallbackRow:
    return CallbackRow(name, proved(posted(document("text", body="Hi")), authorization, **more), refused=403)


FILE_KEY = "00" + "4f" * 32
FILE = {
    "name": "IMG_1.HEIC",
    "mimeType": "image/heic",
    "size": 7,
    "key": FILE_KEY,
    "url": "https://mmcs.example/2",
    "owner": "owner-2",
    "signature": "0116AF7C",
}
OTHER_FILE = {
    "name": "a.pdf",
    "mimeType": "application/pdf",
    "size": 7,
    "key": FILE_KEY,
    "url": "https://mmcs.example/3",
    "owner": "owner-3",
    "signature-base64": "ARavfA==",
}


def media_id(url: str, owner: str) -> str:
    named = {"url": url, "owner": owner, "signature-base64": "ARavfA==", "key": FILE_KEY}
    whole = json.dumps(named, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(whole).decode().rstrip("=")


FILE_ID = media_id("https://mmcs.example/2", "owner-2")
IMAGE = InboundMediaContent(
    type="image", media_id=FILE_ID, filename="IMG_1.HEIC", mime_type="image/heic", caption="Broken"
)
PDF = InboundMediaContent(
    type="document",
    media_id=media_id("https://mmcs.example/3", "owner-3"),
    filename="a.pdf",
    mime_type="application/pdf",
)
ITEMS = [{"identifier": "y", "title": "Yes"}, {"identifier": "n", "title": "No"}]
REFERENCE_TO_DATA = {"url": "https://mmcs.example/4", "bid": EXTENSION, "key": FILE_KEY, "size": 20_000}
EVENT = {"identifier": "1", "timeslots": [{"identifier": "slot-1", "duration": 3_600}]}
WITHOUT_ENVELOPE = {"type": "text", "body": "Hi", "destinationId": BUSINESS}

CALLBACKS = (
    wrote("a text", InboundText(text="Hi"), "text", body="Hi"),
    CallbackRow(
        "a text that is still compressed",
        prove(gzip.compress(posted(document("text", body="Hi")))),
        ("mo",),
        messages=(got(InboundText(text="Hi")),),
        account="changing",
    ),
    CallbackRow(
        "a text whose envelope is only in the headers",
        prove(posted(WITHOUT_ENVELOPE)),
        ("mo",),
        messages=(got(InboundText(text="Hi")),),
    ),
    CallbackRow(
        "a text while the secret is being changed",
        proved(posted(document("text", body="Hi")), f"Bearer {token(OLD_KEY)}"),
        ("mo",),
        messages=(got(InboundText(text="Hi")),),
        account="changing",
    ),
    wrote("an image with a text", IMAGE, "text", body="\ufffcBroken", attachments=[FILE]),
    CallbackRow(
        "two files",
        prove(posted(document("text", body="\ufffc \ufffc", attachments=[FILE, OTHER_FILE]))),
        ("mo",),
        messages=(got(IMAGE.model_copy(update={"caption": None})), got(PDF, 2)),
    ),
    chose(
        "a quick reply",
        {"quick-reply": {"items": ITEMS, "selectedIdentifier": "n", "selectedIndex": 1}},
        ButtonReply(id="n", title="No"),
    ),
    chose(
        "a quick reply by its number",
        {"quick-reply": {"items": ITEMS, "selectedIndex": 0}},
        ButtonReply(id="y", title="Yes"),
    ),
    chose(
        "a row of a list",
        {"listPicker": {"sections": [{"items": [{"identifier": "b", "title": "Bread"}]}, {"items": ITEMS}]}},
        ListReply(id="b", title="Bread"),
    ),
    chose(
        "several rows of a list",
        {"listPicker": {"sections": [{"items": ITEMS}]}},
        ListReply(id="y", title="Yes"),
        ListReply(id="n", title="No"),
    ),
    chose(
        "a time",
        {"event": EVENT},
        UnsupportedContent(
            provider_type="interactive.event",
            raw={"version": "1.0", "requestIdentifier": "request-1", "event": EVENT},
        ),
    ),
    wrote(
        "a choice that is too large for a message",
        UnsupportedContent(provider_type="interactiveDataRef", raw=REFERENCE_TO_DATA),
        "interactive",
        interactiveDataRef=REFERENCE_TO_DATA,
    ),
    wrote(
        "a message of a new kind",
        UnsupportedContent(provider_type="hologram", raw=document("hologram", size=3)),
        "hologram",
        size=3,
    ),
    wrote("somebody types", EventContent(name="typing"), "typing_start"),
    CallbackRow("somebody has stopped to type", prove(posted(document("typing_end"))), ("event",)),
    wrote(
        "somebody has deleted the conversation",
        EventContent(name="opted_out", details={"type": "close"}),
        "close",
    ),
    CallbackRow("not JSON", prove(b"<xml/>"), refused=400),
    CallbackRow("a list", prove(b"[]"), refused=400),
    CallbackRow("a message without a type", prove(b"{}"), refused=400),
    CallbackRow("a body that only begins like a compressed one", prove(b"\x1f\x8b{}"), refused=400),
    CallbackRow("a body that is cut short", prove(gzip.compress(b'{"type":"text"}')[:-9]), refused=400),
    CallbackRow("a body that is far too large", prove(gzip.compress(b" " * 5_000_000)), refused=400),
    refused("a token of somebody else", f"Bearer {token(OLD_KEY)}"),
    refused("a token for another provider of the service", f"Bearer {token(aud='msp-4712')}"),
    refused("a token for nobody", f"Bearer {jwt.encode({'iat': 1_700_000_000}, KEY, algorithm='HS256')}"),
    refused("a token that has expired", f"Bearer {token(exp=1_700_000_000)}"),
    refused("a token that is not signed", f"Bearer {jwt.encode({'aud': MSP}, '', algorithm='none')}"),
    refused("a token under another scheme", f"Basic {token()}"),
    refused("a message to another business", f"Bearer {token()}", business="urn:biz:0"),
    CallbackRow("a GET", CallbackRequest("GET", PLACE, {}, {"destination-id": BUSINESS}, b""), refused=403),
)

TABLE = Table(
    provider="apple_messages",
    accounts={"main": ACCOUNT, "changing": CHANGING},
    secrets=(SECRET, OLD_SECRET),
    sends=SENDS,
    callbacks=CALLBACKS,
    prove=prove,
    proof="authorization",
    proof_covers_body=False,
    read=read,
)
