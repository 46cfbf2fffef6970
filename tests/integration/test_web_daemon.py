"""What the web daemon serves, put together as the daemon does it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast
from urllib.parse import quote

import aiohttp
import orjson
from prometheus_client import CollectorRegistry
from yarl import URL

from gateway.settings import load_settings
from gateway.store.connect import Database
from gateway.store.customers import Customers
from gateway.store.threads import Threads
from gateway.store.topics import Topics
from gateway.telemetry.metrics import Metrics
from gateway.web.api.description import document
from processors.ways_out import WaysOut
from processors.web import build_web
from processors.wiring import Parts
from tests.handlers.fake_http import FakeTokens
from tests.integration.scripted_server import http, scripted_server
from tests.processors.fake_broker import FakeBroker
from tests.processors.fakes import Provider, catalogue_of

KEY = "a-key-of-the-api-0123456789"
SETTINGS = {
    "IMGW_WEB__HOST": "127.0.0.1",
    "IMGW_WEB__PORT": "0",
    "IMGW_API__KEYS": KEY,
    "IMGW_API__MAX_MEDIA_BYTES": "2000",
    "IMGW_HTTP__ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8",
}


async def test_callbacks_are_taken_and_media_are_passed_on_to_who_has_a_key(tmp_path: Path) -> None:
    settings, broker = load_settings({**SETTINGS, "IMGW_DATA_DIR": str(tmp_path)}), FakeBroker()
    database = Database("mongodb://127.0.0.1:1", "nothing-is-asked-of-it")
    ways_out = WaysOut(settings, FakeTokens(), "test")
    parts = SimpleNamespace(
        settings=settings,
        broker=broker,
        catalogue=SimpleNamespace(current=catalogue_of(Provider())),
        metrics=Metrics(CollectorRegistry()),
        name="test",
        database=database,
        customers=Customers(database),
        threads=Threads(database),
        topics=Topics(database),
    )
    server = build_web(cast(Parts, parts), ways_out)
    await ways_out.start()
    port = await server.start()

    async def ask(method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        url = URL(f"http://127.0.0.1:{port}{path}", encoded=True)
        async with client.request(method, url, data=body, headers=headers) as response:
            return response.status, await response.read()

    async with aiohttp.ClientSession() as client, scripted_server(lambda _: http(b"media")) as provider:
        media = f"/v1/media/{quote(f'acme:{provider.url()}', safe='')}"
        assert (await ask("GET", media))[0] == 401
        assert await ask("GET", media, Authorization=f"Bearer {KEY}") == (200, b"media")
        described = await ask("GET", "/v1/openapi.json", Authorization=f"Bearer {KEY}")
        assert (described[0], orjson.loads(described[1])) == (200, document())
        assert await ask("POST", "/callbacks/acme", b"[]") == (200, b"")
        assert [publication.body for publication in broker.published] == [b"[]"]
    await server.stop()
    await ways_out.close()
    await database.close()
