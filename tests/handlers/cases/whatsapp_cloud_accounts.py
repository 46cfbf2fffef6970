"""What the rows of whatsapp_cloud share: the accounts, the recipients, and how its requests look."""

from __future__ import annotations

from typing import Any

from gateway.model.address import Address
from tests.handlers.rows import REFERENCE, Sent, answer

ACCESS_TOKEN, VERIFY_TOKEN = "EAAG-access-token", "chosen-verify-token"
APP_SECRET, OLD_APP_SECRET = "a-very-secret-app", "what-was-secret-before"
ACCOUNT: dict[str, Any] = {
    "account": "wa-shop",
    "provider": "whatsapp_cloud",
    "from": ["447700900100"],
    "url": "https://graph.example",
    "credentials": {"access_token": ACCESS_TOKEN},
    "callback": {"app_secret": APP_SECRET, "verify_token": VERIFY_TOKEN},
    "parameters": {"phone_number_id": "106540352242922"},
}
# Its app secret is being changed.
CHANGING = {
    **ACCOUNT,
    "account": "wa-changing",
    "callback": {"app_secret": [APP_SECRET, OLD_APP_SECRET], "verify_token": VERIFY_TOKEN},
}
TO = Address(kind="msisdn", id="+447700900001")
BSUID = Address(kind="bsuid", id="US.13491208655302741918")
URL = "https://graph.example/v25.0/106540352242922/messages"
HEADERS = {"authorization": f"Bearer {ACCESS_TOKEN}", "content-type": "application/json"}
TAKEN = answer({"messaging_product": "whatsapp", "contacts": [], "messages": [{"id": "wamid.OUT"}]})
DONE = answer({"success": True})


def said(**part: Any) -> Sent:
    body = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "447700900001",
        "biz_opaque_callback_data": REFERENCE,
    }
    return Sent("POST", URL, HEADERS, {name: value for name, value in {**body, **part}.items() if value})


def marked(**part: Any) -> Sent:
    return Sent("POST", URL, HEADERS, {"messaging_product": "whatsapp", "status": "read", **part})
