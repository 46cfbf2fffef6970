"""What the rows of messenger share: accounts, recipient, requests, and how callbacks are proved."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from gateway.model.address import Address
from gateway.model.callback import CallbackRequest
from tests.handlers.rows import Sent, answer

ACCESS_TOKEN, VERIFY_TOKEN = "EAAB-page-token", "chosen-verify-token"
APP_SECRET, OLD_APP_SECRET = "a-very-secret-app", "what-was-secret-before"
PAGE = "1067280970047460"
ACCOUNT: dict[str, Any] = {
    "account": "fb-shop",
    "provider": "messenger",
    "from": ["Shop"],
    "url": "https://graph.example",
    "credentials": {"access_token": ACCESS_TOKEN},
    "callback": {"app_secret": APP_SECRET, "verify_token": VERIFY_TOKEN},
    "parameters": {"page_id": PAGE},
}
# People answer with it, and its app secret is being changed.
DESK = {
    **ACCOUNT,
    "account": "fb-desk",
    "callback": {"app_secret": [APP_SECRET, OLD_APP_SECRET], "verify_token": VERIFY_TOKEN},
    "parameters": {"page_id": PAGE, "message_tag": "HUMAN_AGENT"},
}
TO = Address(kind="psid", id="7073515559329750")
URL = f"https://graph.example/v25.0/{PAGE}/messages"
HEADERS = {"authorization": f"Bearer {ACCESS_TOKEN}", "content-type": "application/json"}
TAKEN = answer({"recipient_id": TO.id, "message_id": "m_OUT"})
DONE = answer({"recipient_id": TO.id})


def posted_to_page(**body: Any) -> Sent:
    return Sent("POST", URL, HEADERS, {"recipient": {"id": TO.id}, **body})


def said(**message: Any) -> Sent:
    return posted_to_page(messaging_type="RESPONSE", message={**message, "metadata": "shop/order-4711"})


def tagged(**message: Any) -> Sent:
    message["metadata"] = "shop/order-4711"
    return posted_to_page(messaging_type="MESSAGE_TAG", tag="HUMAN_AGENT", message=message)


def prove(body: bytes, secret: str = APP_SECRET) -> CallbackRequest:
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"x-hub-signature-256": f"sha256={signature}", "content-type": "application/json"}
    return CallbackRequest("POST", "https://gw.example/callbacks/fb-shop", {}, headers, body)


def asked(**query: str) -> CallbackRequest:
    named = {f"hub.{name}": value for name, value in query.items()}
    return CallbackRequest("GET", "https://gw.example/callbacks/fb-shop", named, {}, b"")
