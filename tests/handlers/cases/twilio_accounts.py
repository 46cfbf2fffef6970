"""What the rows of twilio share: the accounts, the recipient, and how its requests look."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qs

from gateway.model.address import Address
from gateway.transports.port import HttpRequest
from tests.handlers.rows import Sent, answer

AUTH_TOKEN, OLD_TOKEN, KEY_SECRET = "an-auth-token-of-twilio", "its-former-auth-token", "an-api-key's-secret"
ACCOUNT_SID, KEY_SID, SERVICE_SID = f"AC{'0' * 32}", f"SK{'1' * 32}", f"MG{'2' * 32}"
ORDER_SID, WELCOME_SID = f"HX{'a' * 32}", f"HX{'b' * 32}"
STATUS_CALLBACK = "https://gw.example/callbacks/tw-shop"

# A name instead of a number: nobody can write to it, and without a status_callback there are no receipts.
ACCOUNT: dict[str, Any] = {
    "account": "tw-shop",
    "provider": "twilio",
    "from": ["SHOP"],
    "url": "https://twilio.example",
    "credentials": {"account_sid": ACCOUNT_SID, "secret": AUTH_TOKEN},
    "callback": {"auth_token": AUTH_TOKEN},
}
NUMBER = ACCOUNT | {
    "from": ["+447700900100"],
    "credentials": {"account_sid": ACCOUNT_SID, "api_key_sid": KEY_SID, "secret": KEY_SECRET},
    "callback": {"auth_token": [AUTH_TOKEN, OLD_TOKEN]},
    "parameters": {"status_callback": STATUS_CALLBACK, "mms": True},
}
SERVICE = {name: value for name, value in ACCOUNT.items() if name != "from"} | {
    "parameters": {"messaging_service_sid": SERVICE_SID, "templates": {"order": ORDER_SID}},
}
WHATSAPP = ACCOUNT | {
    "channel": "whatsapp",
    "from": ["+447700900200"],
    "parameters": {
        "status_callback": STATUS_CALLBACK,
        "templates": {"order": ORDER_SID, "order/de": WELCOME_SID},
    },
}
ACCOUNTS = {"main": ACCOUNT, "number": NUMBER, "service": SERVICE, "whatsapp": WHATSAPP}

TO = Address(kind="msisdn", id="+447700900001")
URL = f"https://twilio.example/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
TAKEN = answer({"sid": "SM1", "status": "queued", "num_segments": "1", "error_code": None}, 201)


def basic(user: str, secret: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{secret}'.encode()).decode()}"


def read(request: HttpRequest) -> Sent:
    """A request with its form as a mapping."""
    fields = parse_qs(request.body.decode(), keep_blank_values=True)
    form = {name: values if len(values) > 1 else values[0] for name, values in fields.items()}
    return Sent(request.method, request.url, dict(request.headers), form)


def posted(authorization: str = basic(ACCOUNT_SID, AUTH_TOKEN), **fields: str | list[str] | None) -> Sent:
    """The request of the account whose name is SHOP, unless the fields say otherwise."""
    headers = {"authorization": authorization, "content-type": "application/x-www-form-urlencoded"}
    form = {"To": "+447700900001", "From": "SHOP", **fields}
    return Sent("POST", URL, headers, {name: value for name, value in form.items() if value is not None})
