"""A running simulator, and a gateway that only listens: for the tests of the simulator."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from handlers.simulator.app import build
from handlers.simulator.config import SimulatorConfig
from tests.waiting import eventually

APP_SECRET = "app-secret"
CALLBACK_SECRET = "callback-secret"
SECRET_TOKEN = "secret-token"
NUMBER_ID = "106540352242922"
CHAT = 700000001
PERSON = "447700900300"

ACCOUNTS: list[dict[str, Any]] = [
    {
        "provider": "whatsapp_cloud",
        "account": "wa-shop",
        "phone_number_id": NUMBER_ID,
        "display_phone_number": "447700900100",
        "access_token": "access-token",
        "app_secret": APP_SECRET,
        "verify_token": "verify-token",
    },
    {
        "provider": "telegram",
        "account": "tg-shop",
        "token": "123456:ABC-def",
        "secret_token": SECRET_TOKEN,
    },
    {
        "provider": "custom_http",
        "account": "sms-shop",
        "secret": "sms-secret",
        "callback_secret": CALLBACK_SECRET,
        "number": "447700900101",
    },
]


@dataclass(frozen=True, slots=True)
class Callback:
    """One request that the gateway got, as it came."""

    account: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def is_signed(self, header: str, secret: str) -> bool:
        """Whether this header is the HMAC of exactly these bytes."""
        digest = hmac.new(secret.encode(), self.body, hashlib.sha256).hexdigest()
        return self.headers.get(header) == f"sha256={digest}"


@dataclass(slots=True)
class Listener:
    """The gateway's side: what came, and how to answer it (200 once `statuses` is used up)."""

    callbacks: list[Callback] = field(default_factory=list)
    statuses: deque[int] = field(default_factory=deque)
    answer: bytes = b""
    verify_token: str = "verify-token"

    async def post(self, request: web.Request) -> web.Response:
        account, body = request.match_info["account"], await request.read()
        status = self.statuses.popleft() if self.statuses else 200
        if status == 200:
            self.callbacks.append(Callback(account, dict(request.headers), body))
        return web.Response(status=status, body=self.answer)

    async def get(self, request: web.Request) -> web.Response:
        if request.query["hub.verify_token"] != self.verify_token:
            return web.Response(status=403)
        return web.Response(text=request.query["hub.challenge"])


@dataclass(frozen=True, slots=True)
class Simulated:
    """The simulator, over HTTP."""

    base: str
    http: aiohttp.ClientSession
    gateway: Listener

    async def call(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """The status and the JSON of the answer; None when it is not JSON."""
        async with self.http.request(method, f"{self.base}{path}", **options) as response:
            raw = await response.read()
            return response.status, json.loads(raw) if response.content_type == "application/json" else None

    async def whatsapp(self, to: str = PERSON, **parts: Any) -> tuple[int, Any]:
        body = {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": "Hello"}}
        headers = {"Authorization": "Bearer access-token"}
        path = f"/whatsapp/v25.0/{NUMBER_ID}/messages"
        return await self.call("POST", path, json=body | parts, headers=headers)

    async def telegram(self, method: str = "sendMessage", **parts: Any) -> tuple[int, Any]:
        body = {"chat_id": CHAT, "text": "Hello"} if method == "sendMessage" else {}
        return await self.call("POST", f"/telegram/bot123456:ABC-def/{method}", json=body | parts)

    async def custom(self, to: str = PERSON, **parts: Any) -> tuple[int, Any]:
        body = {"ext_user_id": "shop/1", "body": "Hello", "im_uid": to}
        headers = {"Authorization": "sms-secret"}
        return await self.call("POST", "/custom/messages", json=body | parts, headers=headers)

    async def rules(self, *rules: Mapping[str, Any]) -> None:
        status, answer = await self.call("PUT", "/simulator/rules", json={"rules": rules})
        assert (status, answer) == (200, {"rules": len(rules)})

    async def drained(self) -> None:
        """Once the gateway has taken every callback there is."""
        _, answer = await self.call("POST", "/simulator/flush", params={"wait_seconds": "10"})
        assert answer == {"pending_callbacks": 0, "abandoned_callbacks": 0}

    async def callbacks(self, number: int) -> list[Callback]:
        """The callbacks, once there are so many."""

        async def enough() -> list[Callback]:
            return self.gateway.callbacks if len(self.gateway.callbacks) >= number else []

        return await eventually(enough)

    async def entries(self, **since: str) -> list[dict[str, Any]]:
        _, page = await self.call("GET", "/simulator/ledger", params=since)
        entries: list[dict[str, Any]] = page["entries"]
        return entries

    async def answers(self) -> list[str]:
        """How each send was answered, in the ledger's words."""
        return [entry["answered"] for entry in await self.entries() if entry["entry"] == "send"]


def config(gateway: str, **settings: Any) -> SimulatorConfig:
    """Quick receipts, everybody reads."""
    quick: dict[str, Any] = {
        "gateway": gateway,
        "accounts": ACCOUNTS,
        "receipt_delay_seconds": [0.0, 0.0],
        "read_share": 1.0,
        "callback_first_wait_seconds": 0.01,
        "callback_longest_wait_seconds": 0.05,
    }
    return SimulatorConfig.model_validate_json(json.dumps(quick | settings))


@asynccontextmanager
async def simulated(**settings: Any) -> AsyncIterator[Simulated]:
    """A simulator with these settings, whose callbacks go to a Listener."""
    listener = Listener()
    app = web.Application()
    app.add_routes(
        [web.post("/callbacks/{account}", listener.post), web.get("/callbacks/{account}", listener.get)]
    )
    async with TestServer(app) as gateway:
        built = build(config(str(gateway.make_url("/")), **settings))
        async with TestServer(built) as server, aiohttp.ClientSession() as http:
            yield Simulated(str(server.make_url("/")).rstrip("/"), http, listener)


def statuses(callbacks: list[Callback]) -> list[dict[str, Any]]:
    """All WhatsApp statuses in these, in order."""
    return [
        status
        for callback in callbacks
        for entry in callback.json()["entry"]
        for change in entry["changes"]
        for status in change["value"].get("statuses", [])
    ]
