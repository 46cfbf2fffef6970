"""A real server with the callback route of one account, and a client to call it with."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from prometheus_client import CollectorRegistry

from gateway.errors import CallbackRefused
from gateway.model.callback import CallbackItem, CallbackReply, CallbackRequest
from gateway.telemetry.metrics import Metrics
from gateway.web.app import HttpServer
from gateway.web.callbacks import CallbackRoute
from tests.processors.fake_broker import FakeBroker

CAP_BYTES = 65_536
ITEMS = {"dr": "first", "mo": "second", "event": "third"}


class Acme:
    """A provider whose callbacks are JSON objects of items by kind, or a receipt in the query of a GET; its
    signature is a word."""

    def __init__(self) -> None:
        self.seen: list[CallbackRequest] = []

    def verify(self, request: CallbackRequest) -> None:
        self.seen.append(request)
        if request.headers.get("x-signature") != "good":
            raise CallbackRefused("the signature is not ours")

    def split(self, request: CallbackRequest) -> Sequence[CallbackItem]:
        if request.method == "GET":
            told = request.query.get("receipt")
            return [] if told is None else [CallbackItem("dr", told.encode())]
        try:
            document = json.loads(request.body)
        except ValueError as error:
            raise CallbackRefused("the body is not JSON", status=400) from error
        return [CallbackItem(kind, json.dumps(item).encode()) for kind, item in document.items()]

    def reply(self, request: CallbackRequest) -> CallbackReply:
        if request.method == "GET":
            return CallbackReply(body=request.query.get("challenge", "").encode())
        return CallbackReply(202, b'{"ok":1}', "application/json", {"X-Acme": "taken"})


@dataclass
class Site:
    """A server with the callback route of one account, `acme`, and a client."""

    http: aiohttp.ClientSession
    port: int = 0
    broker: FakeBroker = field(default_factory=FakeBroker)
    handler: Acme = field(default_factory=Acme)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    async def call(
        self, body: Any = None, *, method: str = "POST", path: str = "/callbacks/acme", **headers: str
    ) -> tuple[int, str]:
        """The status and text of the answer."""
        sent = {"x-signature": "good", **{name.replace("_", "-"): value for name, value in headers.items()}}
        url = f"http://127.0.0.1:{self.port}{path}"
        async with self.http.request(method, url, data=body, headers=sent) as response:
            return response.status, await response.text()

    def counted(self, outcome: str, account: str = "acme") -> float:
        labels = {"account": account, "outcome": outcome}
        return self.registry.get_sample_value("imgw_callbacks_total", labels) or 0.0

    def items(self) -> float:
        rows = [metric for metric in self.registry.collect() if metric.name == "imgw_callback_items"]
        return sum(sample.value for sample in rows[0].samples if sample.name.endswith("_total"))


@asynccontextmanager
async def open_site(public_url: str | None = None) -> AsyncIterator[Site]:
    async with aiohttp.ClientSession() as http:
        made = Site(http)
        route = CallbackRoute(
            made.broker,
            {"acme": made.handler}.get,
            Metrics(made.registry),
            public_url=public_url,
        )
        app = web.Application(client_max_size=CAP_BYTES)
        route.register(app)
        server = HttpServer(app, "127.0.0.1", 0, setting="IMGW_WEB__PORT")
        made.port = await server.start()
        yield made
        await server.stop()


def body(items: Mapping[str, Any] = ITEMS) -> bytes:
    return json.dumps(items).encode()
