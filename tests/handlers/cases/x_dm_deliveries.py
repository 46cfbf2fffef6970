"""How X delivers, and proves it: the requests that the rows of x_dm are about."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

from gateway.model.callback import CallbackRequest
from tests.handlers.cases.x_dm_accounts import CONSUMER_SECRET, OUR_ID
from tests.handlers.rows import posted

SIGNATURE = "x-twitter-webhooks-signature"
PLACE = "https://gw.example/callbacks/x-shop"
ANN = {"id": "4242", "created_timestamp": "1400000000000", "name": "Ann", "screen_name": "ann_x"}
US = {"id": OUR_ID, "name": "Shop", "screen_name": "shop"}
AT, AT_MILLISECONDS = datetime(2026, 11, 22, 10, 0, tzinfo=UTC), "1795341600000"


def signature(body: bytes) -> str:
    digest = hmac.new(CONSUMER_SECRET.encode(), body, hashlib.sha256).digest()
    return f"sha256={base64.b64encode(digest).decode()}"


def prove(body: bytes) -> CallbackRequest:
    headers = {SIGNATURE: signature(body), "content-type": "application/json"}
    return CallbackRequest("POST", PLACE, {}, headers, body)


def asked(**query: str) -> CallbackRequest:
    return CallbackRequest("GET", PLACE, query, {}, b"")


def delivery(**events: Any) -> CallbackRequest:
    return prove(posted({"for_user_id": OUR_ID, **events, "users": {"4242": ANN, OUR_ID: US}, "apps": {}}))


def activity(kind: str, **payload: Any) -> CallbackRequest:
    whole = {**payload, "users": {"4242": {"data": ANN}}}
    told = {"event_type": kind, "event_uuid": "u-1", "filter": {"user_id": OUR_ID}, "payload": whole}
    return prove(posted({"data": told}))


def message(text: str = "Hi", sender: str = "4242", number: str = "1001", **part: Any) -> dict[str, Any]:
    told = {"text": text, "entities": {"urls": []}, **part}
    created = {"target": {"recipient_id": OUR_ID}, "sender_id": sender, "message_data": told}
    return {
        "type": "message_create",
        "id": number,
        "created_timestamp": AT_MILLISECONDS,
        "message_create": created,
    }


def marked(sender: str, last: str, **more: Any) -> dict[str, Any]:
    target = {"recipient_id": OUR_ID}
    return {"created_timestamp": AT_MILLISECONDS, "sender_id": sender, "target": target, **more} | {
        "last_read_event_id": last
    }


def attachment(kind: str, **more: Any) -> dict[str, Any]:
    media = {"id": 9, "type": kind, "url": "https://t.co/abc", **more}
    return {"type": "media", "media": media}
