"""What the rows of viber share: the accounts, the recipient, and how its requests look."""

from __future__ import annotations

from typing import Any

import orjson

from gateway.model.address import Address
from gateway.transports.port import HttpResponse
from tests.handlers.rows import REFERENCE, Sent, answer

TOKEN, OLD_TOKEN = "445da6az1s345z78-dazcczb2542zv51a-e0vc5fva17480im9", "4453b6ac1s345z78-old-viber-token"
ACCOUNT = {
    "account": "viber-shop",
    "provider": "viber",
    "from": ["Shop", "Shop support"],
    "url": "https://viber.example/",
    "credentials": {"auth_token": TOKEN},
}
WELCOMING = {
    **ACCOUNT,
    "account": "viber-welcome",
    "parameters": {"avatar_url": "https://cdn.example/shop.png", "welcome_text": "Welcome! Write to us."},
}
CHANGING = {**ACCOUNT, "account": "viber-changing", "callback": {"auth_token": [TOKEN, OLD_TOKEN]}}
USER = "01234567890A="
TO = Address(kind="user_id", id=USER)
# Odd, and over 53 bits: as floating point it would end in 1000.
ID = "5741311803571721087"
TAKEN = HttpResponse(
    200,
    {},
    b'{"status":0,"status_message":"ok","message_token":5741311803571721087,'
    b'"chat_hostname":"SN-CHAT-05_","billing_status":1}',
)
TRACKING = orjson.dumps({"reference": REFERENCE}).decode()


def said(**part: Any) -> Sent:
    headers = {"x-viber-auth-token": TOKEN, "content-type": "application/json"}
    body = {"receiver": USER, "min_api_version": 1, "sender": {"name": "Shop"}, "tracking_data": TRACKING}
    return Sent("POST", "https://viber.example/pa/send_message", headers, {**body, **part})


def sized(url: str) -> Sent:
    return Sent("HEAD", url, {"accept-encoding": "identity"}, "")


def tracking(**buttons: str) -> str:
    return orjson.dumps({"reference": REFERENCE, "buttons": buttons}).decode()


def refusal(status: int, words: str, http_status: int = 200, **headers: str) -> HttpResponse:
    return answer({"status": status, "status_message": words}, http_status, **headers)
