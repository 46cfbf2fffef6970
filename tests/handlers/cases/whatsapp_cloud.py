"""The table of whatsapp_cloud: what comes back, as in Meta's reference, with numbers that are nobody's."""

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
    ListReply,
    LocationContent,
    ReactionContent,
    UnsupportedContent,
)
from gateway.model.receipt import DeliveryReceipt, Reason
from handlers.contract import InboundMessage
from tests.handlers.cases.whatsapp_cloud_accounts import (
    ACCESS_TOKEN,
    ACCOUNT,
    APP_SECRET,
    BSUID,
    VERIFY_TOKEN,
)
from tests.handlers.cases.whatsapp_cloud_sends import SENDS
from tests.handlers.rows import REFERENCE, CallbackRow, Table, posted


def prove(body: bytes) -> CallbackRequest:
    signature = hmac.new(APP_SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {"x-hub-signature-256": f"sha256={signature}", "content-type": "application/json"}
    return CallbackRequest("POST", "https://gw.example/callbacks/wa-shop", {}, headers, body)


def asked(**query: str) -> CallbackRequest:
    named = {f"hub.{name}": value for name, value in query.items()}
    return CallbackRequest("GET", "https://gw.example/callbacks/wa-shop", named, {}, b"")


METADATA = {"display_phone_number": "447700900100", "phone_number_id": "106540352242922"}
ANN = {"profile": {"name": "Ann"}, "wa_id": "447700900001"}
AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
AT_SECONDS = "1795341600"


def delivery(*values: dict[str, Any], field: str = "messages") -> dict[str, Any]:
    changes = [{"field": field, "value": {"messaging_product": "whatsapp", **value}} for value in values]
    return {"object": "whatsapp_business_account", "entry": [{"id": "1022", "changes": changes}]}


def incoming(kind: str, part: Any, **more: Any) -> dict[str, Any]:
    message = {"from": "447700900001", "id": "wamid.IN", "timestamp": AT_SECONDS, "type": kind, kind: part}
    return {"metadata": METADATA, "contacts": [ANN], "messages": [{**message, **more}]}


def read(content: InboundContent, **more: Any) -> InboundMessage:
    given = {
        "provider_message_id": "wamid.IN",
        "sender": Person(kind="msisdn", id="447700900001", name="Ann"),
        "to": "447700900100",
        "sent_at": AT,
        **more,
    }
    return InboundMessage(content=content, **given)


def wrote(name: str, value: dict[str, Any], *messages: InboundMessage) -> CallbackRow:
    return CallbackRow(name, prove(posted(delivery(value))), ("mo",), messages=messages)


def status(word: str, **more: Any) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": "wamid.OUT",
        "status": word,
        "timestamp": AT_SECONDS,
        "recipient_id": "447700900001",
    }
    told |= {"biz_opaque_callback_data": REFERENCE, "pricing": {"billable": True}}
    return {"metadata": METADATA, "statuses": [{**told, **more}]}


def receipt(news: Any, word: str, **more: Any) -> DeliveryReceipt:
    given = {"provider_message_id": "wamid.OUT", "reference": REFERENCE, "occurred_at": AT, **more}
    return DeliveryReceipt(status=news, provider_status=word, **given)


def told(name: str, value: dict[str, Any], *receipts: DeliveryReceipt) -> CallbackRow:
    return CallbackRow(name, prove(posted(delivery(value))), ("dr",), receipts=receipts)


FAILED_ERRORS = [{"code": 131026, "title": "Undeliverable", "error_data": {"details": "Not on WhatsApp"}}]
MEDIA = {"id": "55", "mime_type": "image/jpeg", "sha256": "x", "caption": "Broken"}

CALLBACKS = (
    CallbackRow(
        "the subscription request",
        asked(mode="subscribe", verify_token=VERIFY_TOKEN, challenge="1158201444"),
        reply=CallbackReply(body=b"1158201444"),
    ),
    CallbackRow(
        "a wrong verify token", asked(mode="subscribe", verify_token="x", challenge="1"), refused=403
    ),
    CallbackRow("a request for something else", asked(verify_token=VERIFY_TOKEN), refused=403),
    CallbackRow("not JSON", prove(b"<xml/>"), refused=400),
    CallbackRow("no entries", prove(b'{"object":"page"}'), refused=400),
    wrote("a text", incoming("text", {"body": "Hi"}), read(InboundText(text="Hi"))),
    wrote(
        "a text that quotes",
        incoming("text", {"body": "Yes"}, context={"from": "447700900100", "id": "wamid.OUT"}),
        read(InboundText(text="Yes"), in_reply_to="wamid.OUT"),
    ),
    wrote(
        "a text of somebody who hides the number",
        {
            "metadata": METADATA,
            "contacts": [{"profile": {"name": "Bo"}, "user_id": BSUID.id}],
            "messages": [
                {"id": "wamid.B", "from_user_id": BSUID.id, "type": "text", "text": {"body": "Hi"}},
            ],
        },
        InboundMessage(
            provider_message_id="wamid.B",
            sender=Person(kind="bsuid", id=BSUID.id, name="Bo"),
            to="447700900100",
            content=InboundText(text="Hi"),
        ),
    ),
    wrote(
        "a text with its time in milliseconds",
        incoming("text", {"body": "Hi"}, timestamp="1795341600000"),
        read(InboundText(text="Hi")),
    ),
    wrote(
        "an image",
        incoming("image", MEDIA),
        read(InboundMediaContent(type="image", media_id="55", caption="Broken", mime_type="image/jpeg")),
    ),
    wrote(
        "a voice message",
        incoming("voice", {"id": "56", "mime_type": "audio/ogg"}),
        read(InboundMediaContent(type="audio", media_id="56", mime_type="audio/ogg")),
    ),
    wrote(
        "a document",
        incoming("document", {"id": "57", "filename": "a.pdf"}),
        read(InboundMediaContent(type="document", media_id="57", filename="a.pdf")),
    ),
    wrote(
        "a location",
        incoming("location", {"latitude": 51.5, "longitude": -0.12, "name": ""}),
        read(LocationContent(latitude=51.5, longitude=-0.12)),
    ),
    wrote(
        "two contacts",
        incoming(
            "contacts",
            [
                {"name": {"formatted_name": "Cy"}, "phones": [{"phone": "+447700900003"}]},
                {"phones": [{"phone": "+447700900004"}], "emails": [{"email": "d@shop.example"}]},
            ],
        ),
        read(ContactContent(name="Cy", phones=("+447700900003",))),
        read(
            ContactContent(name="+447700900004", phones=("+447700900004",), emails=("d@shop.example",)),
            provider_message_id="wamid.IN:2",
        ),
    ),
    wrote(
        "a reaction",
        incoming("reaction", {"message_id": "wamid.OUT", "emoji": "👍"}),
        read(ReactionContent(to="wamid.OUT", emoji="👍")),
    ),
    wrote(
        "a reaction taken back",
        incoming("reaction", {"message_id": "wamid.OUT"}),
        read(ReactionContent(to="wamid.OUT", emoji="")),
    ),
    wrote(
        "a button of a template",
        incoming("button", {"text": "Stop", "payload": "stop-1"}),
        read(ButtonReply(id="stop-1", title="Stop")),
    ),
    wrote(
        "a reply button",
        incoming("interactive", {"type": "button_reply", "button_reply": {"id": "b1", "title": "Button 1"}}),
        read(ButtonReply(id="b1", title="Button 1")),
    ),
    wrote(
        "a row of a list",
        incoming(
            "interactive",
            {"type": "list_reply", "list_reply": {"id": "s", "title": "Small", "description": "36"}},
        ),
        read(ListReply(id="s", title="Small")),
    ),
    wrote(
        "a flow",
        incoming("interactive", {"type": "nfm_reply", "nfm_reply": {"response_json": "{}"}}),
        read(UnsupportedContent(provider_type="interactive.nfm_reply")),
    ),
    wrote(
        "an order", incoming("order", {"catalog_id": "1"}), read(UnsupportedContent(provider_type="order"))
    ),
    wrote(
        "a changed number",
        {
            "metadata": METADATA,
            "messages": [
                {
                    "from": "447700900001",
                    "id": "wamid.S",
                    "timestamp": AT_SECONDS,
                    "type": "system",
                    "system": {
                        "type": "user_changed_number",
                        "body": "Ann changed from 447700900001 to 447700900009",
                        "wa_id": "447700900009",
                    },
                }
            ],
        },
        read(
            EventContent(name="number_changed", details={"wa_id": "447700900009"}),
            provider_message_id="wamid.S",
            sender=Person(kind="msisdn", id="447700900001"),
        ),
    ),
    wrote(
        "another system message",
        incoming("system", {"type": "customer_identity_changed"}),
        read(UnsupportedContent(provider_type="system.customer_identity_changed")),
    ),
    told("sent", status("sent"), receipt("submitted", "sent")),
    told("delivered", status("delivered"), receipt("delivered", "delivered")),
    told("read", status("read"), receipt("read", "read")),
    told("a voice message listened to", status("played"), receipt("read", "played")),
    told("a status without meaning", status("deleted"), receipt(None, "deleted")),
    told(
        "failed",
        status("failed", errors=FAILED_ERRORS),
        receipt(
            "failed",
            "failed",
            reason=Reason(
                code="recipient_unreachable",
                kind=FailureKind.PERMANENT,
                provider_code="131026",
                provider_text="Not on WhatsApp",
            ),
        ),
    ),
    told(
        "failed without a word",
        status("failed"),
        receipt("failed", "failed", reason=Reason(code="provider_error", kind=FailureKind.PERMANENT)),
    ),
    CallbackRow(
        "many things at once",
        prove(
            posted(
                {
                    "object": "whatsapp_business_account",
                    "entry": [
                        *delivery(
                            {**incoming("text", {"body": "Hi"}), **status("sent")}, status("delivered")
                        )["entry"],
                        *delivery({"event": "DISABLED_UPDATE"}, field="account_update")["entry"],
                        *delivery({"errors": [{"code": 131000}]})["entry"],
                    ],
                }
            )
        ),
        ("mo", "dr", "dr", "event", "event"),
        messages=(read(InboundText(text="Hi")),),
        receipts=(receipt("submitted", "sent"), receipt("delivered", "delivered")),
    ),
)

TABLE = Table(
    provider="whatsapp_cloud",
    accounts={"main": ACCOUNT},
    secrets=(ACCESS_TOKEN, APP_SECRET, VERIFY_TOKEN),
    sends=SENDS,
    callbacks=CALLBACKS,
    prove=prove,
    proof_header="x-hub-signature-256",
    proof_covers_body=True,
)
