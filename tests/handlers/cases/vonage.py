"""The table of vonage: what comes back, and how it is proved; what is sent is in vonage_sends."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import jwt

from gateway.errors import FailureKind
from gateway.model.address import Person
from gateway.model.callback import CallbackRequest
from gateway.model.content import (
    ButtonReply,
    InboundContent,
    InboundMediaContent,
    InboundText,
    LocationContent,
    ReactionContent,
    UnsupportedContent,
)
from gateway.model.receipt import DeliveryReceipt, Reason
from handlers.contract import InboundMessage
from tests.handlers.cases.vonage_accounts import (
    ACCOUNTS,
    API_SECRET,
    OLD_SECRET,
    PRIVATE_KEY,
    SIGNATURE_SECRET,
    read,
)
from tests.handlers.cases.vonage_sends import SENDS
from tests.handlers.cases.vonage_sms import SMS_CALLBACKS, SMS_SENDS
from tests.handlers.rows import REFERENCE, CallbackRow, Table, posted

URL = "https://gw.example/callbacks/vo-shop"
AT, AT_TEXT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC), "2026-11-22T10:00:00Z"
FROM, TO = "447700900001", "447700900100"
MEDIA = "https://api-eu.nexmo.com/v3/media/1"


def proof(body: bytes, secret: str = SIGNATURE_SECRET, algorithm: str = "HS256", **claims: str) -> str:
    told = {
        "iss": "Vonage",
        "iat": 1_795_341_600,
        "jti": "1",
        "payload_hash": hashlib.sha256(body).hexdigest(),
    }
    return f"Bearer {jwt.encode({**told, **claims}, secret, algorithm=algorithm)}"


def prove(body: bytes) -> CallbackRequest:
    headers = {"authorization": proof(body), "content-type": "application/json"}
    return CallbackRequest("POST", URL, {}, headers, body)


def message(kind: str, part: Any, **more: Any) -> dict[str, Any]:
    document = {
        "channel": "whatsapp",
        "message_uuid": "uuid-9",
        "to": TO,
        "from": FROM,
        "timestamp": AT_TEXT,
        "profile": {"name": "Ann"},
        "context_status": "none",
        "message_type": kind,
    }
    return {**document, **({} if part is None else {kind: part}), **more}


def incoming(content: InboundContent, **more: Any) -> InboundMessage:
    given = {
        "provider_message_id": "uuid-9",
        "sender": Person(kind="msisdn", id=FROM, name="Ann"),
        "to": TO,
        "sent_at": AT,
        **more,
    }
    return InboundMessage(content=content, **given)


def wrote(name: str, document: dict[str, Any], content: InboundContent, **more: Any) -> CallbackRow:
    account = more.pop("account", "main")
    request = prove(posted(document))
    return CallbackRow(name, request, ("mo",), (incoming(content, **more),), account=account)


def told(
    name: str, status: str | None, word: str, code: Any = None, reason: Reason | None = None
) -> CallbackRow:
    document: dict[str, Any] = {
        "message_uuid": "uuid-1",
        "to": FROM,
        "from": TO,
        "timestamp": AT_TEXT,
        "status": word,
        "channel": "whatsapp",
        "client_ref": REFERENCE,
    }
    if code is not None:
        document["error"] = {
            "type": f"https://vonage.example#{code}",
            "title": code,
            "detail": f"{FROM} said no",
        }
    receipt = DeliveryReceipt.model_validate(
        {
            "provider_message_id": "uuid-1",
            "reference": REFERENCE,
            "status": status,
            "provider_status": word,
            "reason": reason,
            "occurred_at": AT,
        }
    )
    return CallbackRow(name, prove(posted(document)), ("dr",), receipts=(receipt,))


def failure(code: str, provider_code: str) -> Reason:
    return Reason(
        code=code,
        kind=FailureKind.PERMANENT,
        provider_code=provider_code,
        provider_text="… said no",
    )


HI = posted(message("text", "Hi"))
PROOFS = (
    CallbackRow(
        "signed with the former secret, while it is being changed",
        replace(prove(HI), headers={"authorization": proof(HI, OLD_SECRET)}),
        ("mo",),
        (incoming(InboundText(text="Hi")),),
    ),
    CallbackRow("without a token", replace(prove(HI), headers={}), refused=403),
    CallbackRow(
        "a token for another body", replace(prove(HI), headers={"authorization": proof(b"{}")}), refused=403
    ),
    CallbackRow(
        "a token signed with another secret",
        replace(prove(HI), headers={"authorization": proof(HI, "a-secret-of-somebody-else-32-long")}),
        refused=403,
    ),
    CallbackRow(
        "a token that is not signed",
        replace(prove(HI), headers={"authorization": proof(HI, "", "none")}),
        refused=403,
    ),
    CallbackRow(
        "a token that says nothing of the body",
        replace(
            prove(HI),
            headers={"authorization": f"Bearer {jwt.encode({'iss': 'Vonage'}, SIGNATURE_SECRET)}"},
        ),
        refused=403,
    ),
    CallbackRow("not JSON", prove(b"message"), refused=400),
    CallbackRow("not a webhook", prove(b"[]"), refused=400),
    CallbackRow("something else", prove(b'{"event":"usage"}'), ("event",)),
)

MESSAGES = (
    wrote("a text", message("text", "Hi"), InboundText(text="Hi")),
    wrote(
        "a text of somebody who hides the number",
        message("text", "Hi", **{"from": "US.13491208655302741918"}),
        InboundText(text="Hi"),
        sender=Person(kind="bsuid", id="US.13491208655302741918", name="Ann"),
    ),
    wrote(
        "an answer",
        message("text", "Hi", context={"message_uuid": "uuid-1"}),
        InboundText(text="Hi"),
        in_reply_to="uuid-1",
    ),
    wrote(
        "a picture",
        message("image", {"url": MEDIA, "caption": "Broken"}),
        InboundMediaContent(type="image", url=MEDIA, caption="Broken"),
    ),
    wrote(
        "a document",
        message("file", {"url": MEDIA, "name": "a.pdf"}),
        InboundMediaContent(type="document", url=MEDIA, filename="a.pdf"),
    ),
    wrote(
        "a location",
        message("location", {"lat": 51.5, "long": -0.12, "name": "Shop", "address": "1 High St"}),
        LocationContent(latitude=51.5, longitude=-0.12, name="Shop", address="1 High St"),
    ),
    wrote(
        "a pressed button",
        message("reply", {"id": "y", "title": "Yes"}),
        ButtonReply(id="y", title="Yes"),
    ),
    wrote(
        "a pressed button of a template",
        message("button", {"payload": "yes", "text": "Yes"}),
        ButtonReply(id="yes", title="Yes"),
    ),
    *(
        wrote(
            f"a reaction: {action}",
            message("reaction", {"action": action, "emoji": "👍"}, context={"message_uuid": "uuid-1"}),
            ReactionContent(to="uuid-1", emoji=emoji),
            in_reply_to="uuid-1",
        )
        for action, emoji in (("react", "👍"), ("unreact", ""))
    ),
    wrote(
        "an order",
        message("order", {"catalog_id": "1", "product_items": []}),
        UnsupportedContent(provider_type="order", raw={"catalog_id": "1", "product_items": []}),
    ),
    wrote(
        "something that Vonage cannot read",
        message("unsupported", None),
        UnsupportedContent(provider_type="unsupported", raw=message("unsupported", None)),
    ),
    wrote(
        "a text on Messenger",
        message("text", "Hi", channel="messenger", **{"from": "1234567890"}, profile={}),
        InboundText(text="Hi"),
        sender=Person(kind="psid", id="1234567890"),
        account="messenger",
    ),
)

RECEIPTS = (
    told("submitted", "submitted", "submitted"),
    told("delivered", "delivered", "delivered"),
    told("read", "read", "read"),
    told("a status without meaning", None, "clicked"),
    told("rejected", "failed", "rejected", 1340, failure("outside_session_window", "1340")),
    told("undeliverable", "failed", "undeliverable", "1300", failure("recipient_unreachable", "1300")),
    told("its time was over", "expired", "rejected", 1360, failure("recipient_unreachable", "1360")),
    told("a code that is not known", "failed", "rejected", 1999, failure("provider_error", "1999")),
)

TABLE = Table(
    provider="vonage",
    accounts=ACCOUNTS,
    secrets=(API_SECRET, SIGNATURE_SECRET, OLD_SECRET, PRIVATE_KEY),
    sends=SENDS + SMS_SENDS,
    callbacks=PROOFS + MESSAGES + RECEIPTS + SMS_CALLBACKS,
    prove=prove,
    proof="authorization",
    proof_covers_body=True,
    read=read,
)
