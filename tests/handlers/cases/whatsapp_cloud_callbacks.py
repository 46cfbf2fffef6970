"""How callbacks of whatsapp_cloud look, and how they are proved and read."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

from gateway.model.address import Person
from gateway.model.callback import CallbackRequest
from gateway.model.content import InboundContent
from gateway.model.receipt import DeliveryReceipt
from handlers.contract import InboundMessage
from tests.handlers.cases.whatsapp_cloud_accounts import APP_SECRET
from tests.handlers.rows import REFERENCE, CallbackRow, posted


def prove(body: bytes, secret: str = APP_SECRET) -> CallbackRequest:
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
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
