"""What the rows of telegram share: the account, the recipient, and how its calls look."""

from __future__ import annotations

from typing import Any

from gateway.model.address import Address
from tests.handlers.rows import Sent, answer

TOKEN, SECRET_TOKEN = "123456:bot-token", "chosen_secret-token"
ACCOUNT = {
    "account": "tg-shop",
    "provider": "telegram",
    "url": "https://tg.example/",
    "credentials": {"token": TOKEN},
    "callback": {"secret_token": SECRET_TOKEN},
}
TO = Address(kind="chat_id", id="4242")
TAKEN = answer({"ok": True, "result": {"message_id": 7, "date": 1, "chat": {"id": 4242, "type": "private"}}})
DONE = answer({"ok": True, "result": True})


def call(method: str, **parameters: Any) -> Sent:
    url = f"https://tg.example/bot{TOKEN}/{method}"
    return Sent("POST", url, {"content-type": "application/json"}, {"chat_id": 4242, **parameters})
