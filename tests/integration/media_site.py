"""A real server with /v1/media and one account, a provider behind it, and a caller in front."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson
from aiohttp import web
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from yarl import URL

from gateway.telemetry.metrics import Metrics
from gateway.transports.http import AiohttpTransport
from gateway.transports.port import HttpRequest, Transports
from gateway.web.api import api
from gateway.web.app import HttpServer
from gateway.web.media import MediaRoute
from tests.handlers.fake_http import FakeTokens
from tests.handlers.fake_mqtt import FakeMqtt
from tests.integration.scripted_server import Answer, ScriptedServer, scripted_server

KEY, OTHER_KEY = "k" * 22, "other-key-of-the-api-0123"
TOKEN = "t0ken-of-the-provider"
MOST_BYTES = 100_000


class Acme:
    """A provider that gives what it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer: HttpRequest | Exception | None = None

    async def media(self, media_id: str, out: Transports) -> HttpRequest | None:
        self.asked.append(media_id)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@dataclass
class Site:
    """The gateway's server with the account `acme`, and a caller."""

    http: aiohttp.ClientSession
    handler: Acme
    port: int = 0
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    async def get(
        self,
        media: str = "acme:7",
        *,
        key: str = f"Bearer {KEY}",
        path: str | None = None,
        method: str = "GET",
    ) -> tuple[int, Mapping[str, str], bytes]:
        url = f"http://127.0.0.1:{self.port}" + (path or f"/v1/media/{quote(media, safe='')}")
        headers = {"Authorization": key} if key else {}
        async with self.http.request(method, URL(url, encoded=True), headers=headers) as response:
            return response.status, response.headers, await response.read()

    async def problem(self, media: str = "acme:7", **options: Any) -> dict[str, Any]:
        """The problem that is the answer, which is to be one."""
        status, headers, body = await self.get(media, **options)
        told: dict[str, Any] = orjson.loads(body)
        assert (headers["Content-Type"], told["status"]) == ("application/problem+json", status)
        assert TOKEN not in body.decode()
        return told

    def counted(self) -> dict[tuple[str, str], float]:
        """How often each outcome was, by account."""
        [family] = [each for each in self.registry.collect() if each.name == "imgw_media"]
        return {
            (sample.labels["account"], sample.labels["outcome"]): sample.value
            for sample in family.samples
            if sample.name.endswith("_total")
        }


@asynccontextmanager
async def open_site(
    keys: str | None = f"{KEY}, {OTHER_KEY}", *, guarded: bool = False
) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        transport = AiohttpTransport(allowed_private_networks=() if guarded else [ip_network("127.0.0.0/8")])
        await transport.start()
        stack.push_async_callback(transport.close)
        site = Site(await stack.enter_async_context(aiohttp.ClientSession()), Acme())
        out = Transports(http=transport, http2=transport, mqtt=FakeMqtt(), tokens=FakeTokens())
        v1 = api(SecretStr(keys) if keys else None)
        route = MediaRoute(
            transport, out, {"acme": site.handler}.get, Metrics(site.registry), most_bytes=MOST_BYTES
        )
        route.register(v1)
        app = web.Application()
        app.add_subapp("/v1", v1)
        server = HttpServer(app, "127.0.0.1", 0, setting="IMGW_WEB__PORT")
        site.port = await server.start()
        stack.push_async_callback(server.stop)
        yield site


@asynccontextmanager
async def provider(*answers: Answer, close_after: int = 1_000_000) -> AsyncIterator[ScriptedServer]:
    async with scripted_server(lambda number: answers[number], close_after=close_after) as server:
        yield server


def wanted(server: ScriptedServer, path: str = "/file") -> HttpRequest:
    return HttpRequest("GET", server.url(path), {"authorization": f"Bearer {TOKEN}"})
