"""What the rows of slack share: the account, the recipients, how a callback is signed, how its calls look."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import orjson

from gateway.model.address import Address
from gateway.model.base import now
from gateway.model.callback import CallbackRequest
from tests.handlers.rows import Sent, answer

BOT_TOKEN, SIGNING_SECRET, OLD_SECRET = "xoxb-1-bot-token", "signing-secret-of-app", "former-signing-secret"
ACCOUNT: dict[str, Any] = {
    "account": "slack-shop",
    "provider": "slack",
    "url": "https://slack.example/api/",
    "credentials": {"bot_token": BOT_TOKEN},
    "callback": {"signing_secret": [SIGNING_SECRET, OLD_SECRET]},
}
TO, ANN = Address(kind="chat_id", id="C0SHOP"), Address(kind="user_id", id="U0ANNLEE")
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
TIMESTAMP, SIGNATURE = "x-slack-request-timestamp", "x-slack-signature"
URL = "https://gw.example/callbacks/slack-shop"

TAKEN = answer({"ok": True, "channel": "C0SHOP", "ts": "1795341600.000700", "message": {"text": "Hello"}})
DONE = answer({"ok": True})


def call(method: str, **arguments: Any) -> Sent:
    headers = {"authorization": f"Bearer {BOT_TOKEN}", "content-type": "application/json; charset=utf-8"}
    return Sent("POST", f"https://slack.example/api/{method}", headers, arguments)


def posted(**arguments: Any) -> Sent:
    return call("chat.postMessage", **{"channel": "C0SHOP", "mrkdwn": False, **arguments})


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": plain(text)}


def signed(body: bytes, at: datetime, secret: str = SIGNING_SECRET) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    digest = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {TIMESTAMP: stamp, SIGNATURE: f"v0={digest}"}


class SignedNow(Mapping[str, str]):
    """Headers that are signed anew whenever their time is asked for: a signature lasts five minutes, and the
    rows are made when the tests are collected."""

    def __init__(self, body: bytes, content_type: str, secret: str = SIGNING_SECRET) -> None:
        self._body = body
        self._secret = secret
        self._headers = signed(body, now(), secret) | {"content-type": content_type}

    def __getitem__(self, name: str) -> str:
        if name == TIMESTAMP:
            self._headers |= signed(self._body, now(), self._secret)
        return self._headers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._headers)

    def __len__(self) -> int:
        return len(self._headers)


def prove(body: bytes) -> CallbackRequest:
    return CallbackRequest("POST", URL, {}, SignedNow(body, JSON), body)


def submitted(fields: dict[str, str]) -> CallbackRequest:
    body = urlencode(fields).encode()
    return CallbackRequest("POST", URL, {}, SignedNow(body, FORM), body)


def interaction(payload: dict[str, Any]) -> CallbackRequest:
    return submitted({"payload": orjson.dumps(payload).decode()})
