"""The table of infobip: what comes back, and how it is proved; what is sent is in infobip_sends."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime
from typing import Any

from gateway.errors import FailureKind
from gateway.model.address import Person
from gateway.model.callback import CallbackRequest
from gateway.model.content import (
    ButtonReply,
    InboundContent,
    InboundMediaContent,
    InboundText,
    ListReply,
    LocationContent,
    ReactionContent,
    UnsupportedContent,
)
from gateway.model.receipt import DeliveryReceipt, Reason
from handlers.contract import InboundMessage
from handlers.shared.basic import basic
from tests.handlers.cases.infobip_accounts import (
    ACCOUNTS,
    API_KEY,
    HMAC_SECRET,
    OLD_PASSWORD,
    PASSWORD,
    state,
)
from tests.handlers.cases.infobip_sends import SENDS
from tests.handlers.rows import REFERENCE, CallbackRow, Table, posted

URL = "https://gw.example/callbacks/ib-shop"
AT, AT_TEXT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC), "2026-11-22T10:00:00.000+0000"
FROM, TO = "447700900001", "447700900100"
MEDIA = "https://infobip.example/whatsapp/1/senders/447700900100/media/1"
NO_ERROR = {"groupId": 0, "groupName": "OK", "id": 0, "name": "NO_ERROR", "permanent": False}


def prove(body: bytes, password: str = PASSWORD) -> CallbackRequest:
    headers = {"authorization": basic("infobip", password), "content-type": "application/json"}
    return CallbackRequest("POST", URL, {}, headers, body)


def signed(body: bytes, secret: str = HMAC_SECRET) -> CallbackRequest:
    headers = {"x-ib-signature": hmac.digest(secret.encode(), body, "sha256").hex()}
    return CallbackRequest("POST", URL, {}, headers, body)


def results(*documents: Any) -> bytes:
    return posted({"results": list(documents)})


def sms(**part: Any) -> dict[str, Any]:
    around = {"messageId": "mo-1", "from": FROM, "to": TO, "receivedAt": AT_TEXT, "smsCount": 1}
    return {**around, **part}


def message(*content: Any, **part: Any) -> dict[str, Any]:
    around = {"event": "MO", "channel": "WHATSAPP", "sender": FROM, "destination": TO}
    told = {"content": list(content), "receivedAt": AT_TEXT, "messageId": "mo-1", "messageCount": 1}
    return {**around, **told, **part}


def said(kind: str, text: str) -> dict[str, Any]:
    return {"type": kind, "text": text, "cleanText": text}


def incoming(content: InboundContent, **more: Any) -> InboundMessage:
    given = {
        "provider_message_id": "mo-1",
        "sender": Person(kind="msisdn", id=FROM),
        "to": TO,
        "sent_at": AT,
        **more,
    }
    return InboundMessage(content=content, **given)


def wrote(name: str, part: dict[str, Any], content: InboundContent, **around: Any) -> CallbackRow:
    answered = around.get("pairedMessageId")
    return CallbackRow(
        name,
        signed(results(message(part, **around))),
        ("mo",),
        (incoming(content, in_reply_to=answered),),
        account="whatsapp",
    )


def report(status: dict[str, Any], error: dict[str, Any] | None = None, **part: Any) -> dict[str, Any]:
    around = {"bulkId": "bulk-1", "messageId": REFERENCE, "to": FROM, "callbackData": REFERENCE}
    times = {"sentAt": AT_TEXT, "doneAt": AT_TEXT}
    return {**around, **times, "status": status, "error": error or NO_ERROR, **part}


def receipt(news: str | None, word: str, reason: Reason | None = None) -> DeliveryReceipt:
    return DeliveryReceipt.model_validate(
        {
            "provider_message_id": REFERENCE,
            "reference": REFERENCE,
            "status": news,
            "provider_status": word,
            "reason": reason,
            "occurred_at": AT,
        }
    )


def told(news: str | None, group: int, number: int, word: str, reason: Reason | None = None) -> CallbackRow:
    request = prove(results(report(state(group, number, word, "Said so"))))
    return CallbackRow(word, request, ("dr",), receipts=(receipt(news, word, reason),))


def failure(code: str, word: str) -> Reason:
    return Reason(code=code, kind=FailureKind.PERMANENT, provider_code=word, provider_text="Said so")


def at_the_network(error: dict[str, Any], reason: Reason) -> CallbackRow:
    word = "UNDELIVERABLE_NOT_DELIVERED"
    request = prove(results(report(state(2, 9, word), error)))
    return CallbackRow(str(error["name"]), request, ("dr",), receipts=(receipt("failed", word, reason),))


DELIVERED = state(3, 5, "DELIVERED_TO_HANDSET")
SEEN = {
    "event": "SEEN",
    "channel": "WHATSAPP",
    "sender": TO,
    "destination": FROM,
    "bulkId": "bulk-1",
    "messageId": REFERENCE,
    "callbackData": REFERENCE,
    "sentAt": AT_TEXT,
    "seenAt": AT_TEXT,
}
TYPING = {"event": "TYPING_STARTED", "channel": "WHATSAPP", "sender": FROM, "receivedAt": AT_TEXT}

PROOFS = (
    CallbackRow("not JSON", prove(b"results"), refused=400),
    CallbackRow("without results", prove(b"{}"), refused=400),
    CallbackRow("without a password", CallbackRequest("POST", URL, {}, {}, b'{"results":[]}'), refused=403),
    CallbackRow("another password", prove(b'{"results":[]}', "guessed"), refused=403),
    CallbackRow(
        "the former password, while it is being changed",
        prove(results(sms(text="Hi")), OLD_PASSWORD),
        ("mo",),
        (incoming(InboundText(text="Hi")),),
    ),
    CallbackRow(
        "another body than was signed",
        CallbackRequest("POST", URL, {}, signed(b"{}").headers, b'{"results":[]}'),
        refused=403,
        account="whatsapp",
    ),
    CallbackRow(
        "signed with another key", signed(b'{"results":[]}', "guessed"), refused=403, account="whatsapp"
    ),
)

MESSAGES = (
    CallbackRow(
        "an SMS",
        prove(results(sms(text="SHOP hi", cleanText="hi", keyword="SHOP"))),
        ("mo",),
        (incoming(InboundText(text="SHOP hi")),),
    ),
    CallbackRow(
        "an SMS without a text",
        prove(results(sms())),
        ("mo",),
        (incoming(UnsupportedContent(provider_type="no content", raw=sms())),),
    ),
    wrote("a text", said("TEXT", "Hi"), InboundText(text="Hi")),
    wrote(
        "a picture",
        {"type": "IMAGE", "url": MEDIA, "text": "Broken"},
        InboundMediaContent(type="image", url=MEDIA, caption="Broken"),
    ),
    wrote("a file", {"type": "FILE", "url": MEDIA}, InboundMediaContent(type="document", url=MEDIA)),
    wrote(
        "a location",
        {"type": "LOCATION", "latitude": 51.5, "longitude": -0.12},
        LocationContent(latitude=51.5, longitude=-0.12),
    ),
    wrote(
        "a pressed button, as the answer to a message",
        {"type": "BUTTON_REPLY", "text": "Yes", "payload": "y"},
        ButtonReply(id="y", title="Yes"),
        pairedMessageId=REFERENCE,
    ),
    wrote(
        "a choice from a list",
        {"type": "LIST_REPLY", "text": "Small", "id": "s"},
        ListReply(id="s", title="Small"),
    ),
    *(
        wrote(
            f"a reaction: {action}",
            {"type": "REACTION", "emoji": "👍", "action": action},
            ReactionContent(to=REFERENCE, emoji=emoji),
            pairedMessageId=REFERENCE,
        )
        for action, emoji in (("ADDED", "👍"), ("REMOVED", ""))
    ),
    wrote(
        "a link",
        {"type": "URL", "url": "https://shop.example"},
        UnsupportedContent(provider_type="URL", raw={"type": "URL", "url": "https://shop.example"}),
    ),
    CallbackRow(
        "a message of two contents",
        signed(results(message(said("SUBJECT", "Hi"), said("TEXT", "Ho")))),
        ("mo",),
        (
            incoming(InboundText(text="Hi")),
            incoming(InboundText(text="Ho"), provider_message_id="mo-1:2"),
        ),
        account="whatsapp",
    ),
)

RECEIPTS = (
    told("submitted", 1, 7, "PENDING_ENROUTE"),
    told("submitted", 3, 2, "DELIVERED_TO_OPERATOR"),
    told("delivered", 3, 5, "DELIVERED_TO_HANDSET"),
    told("expired", 4, 15, "EXPIRED_EXPIRED", failure("recipient_unreachable", "EXPIRED_EXPIRED")),
    told(
        "failed",
        5,
        12,
        "REJECTED_NOT_ENOUGH_CREDITS",
        failure("quota_exceeded", "REJECTED_NOT_ENOUGH_CREDITS"),
    ),
    told(None, 5, 23, "REJECTED_DUPLICATE_MESSAGE_ID"),
    told(None, 9, 99, "SOMETHING_NEW"),
    at_the_network(
        {
            "id": 1,
            "name": "EC_UNKNOWN_SUBSCRIBER",
            "description": "447700900001 is unknown",
            "permanent": True,
        },
        Reason(
            code="recipient_gone",
            kind=FailureKind.PERMANENT,
            provider_code="EC_UNKNOWN_SUBSCRIBER",
            provider_text="… is unknown",
        ),
    ),
    at_the_network(
        {"id": 6, "name": "EC_ABSENT_SUBSCRIBER_SM", "permanent": False},
        Reason(
            code="recipient_unreachable",
            kind=FailureKind.TRANSIENT,
            provider_code="EC_ABSENT_SUBSCRIBER_SM",
        ),
    ),
    CallbackRow(
        "seen",
        signed(results(SEEN)),
        ("dr",),
        receipts=(receipt("read", "SEEN"),),
        account="whatsapp",
    ),
    CallbackRow(
        "seen on Viber",
        CallbackRequest("POST", URL, {}, {"authorization": basic("ib", PASSWORD)}, results(SEEN)),
        ("dr",),
        receipts=(receipt("read", "SEEN"),),
        account="viber",
    ),
    CallbackRow(
        "many things at once",
        prove(
            results(report(DELIVERED), report(DELIVERED, event="DELIVERY"), sms(text="Hi"), TYPING, {"x": 1})
        ),
        ("dr", "dr", "mo", "event", "event"),
        messages=(incoming(InboundText(text="Hi")),),
        receipts=(receipt("delivered", "DELIVERED_TO_HANDSET"),) * 2,
    ),
)

TABLE = Table(
    provider="infobip",
    accounts=ACCOUNTS,
    secrets=(API_KEY, PASSWORD, OLD_PASSWORD, HMAC_SECRET),
    sends=SENDS,
    callbacks=PROOFS + MESSAGES + RECEIPTS,
    prove=prove,
    proof="authorization",
    proof_covers_body=False,
)
