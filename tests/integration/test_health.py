"""The admin port of a daemon: alive, ready or why not, and what it counts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from gateway.errors import ConfigurationError
from gateway.telemetry.metrics import Metrics
from gateway.web.app import HttpServer
from gateway.web.health import HealthRoutes


@dataclass
class Admin:
    """A server with the health routes, and a client."""

    health: HealthRoutes
    http: aiohttp.ClientSession
    port: int

    async def get(self, path: str) -> tuple[int, Any]:
        async with self.http.get(f"http://127.0.0.1:{self.port}{path}") as response:
            return response.status, await response.json()


@pytest.fixture
async def admin() -> AsyncIterator[Admin]:
    health = HealthRoutes(Metrics(CollectorRegistry()), {"broker": lambda: None, "store": lambda: None})
    app = web.Application()
    health.register(app)
    server = HttpServer(app, "127.0.0.1", 0, setting="IMGW_ADMIN__PORT")
    async with aiohttp.ClientSession() as http:
        yield Admin(health, http, await server.start())
        await server.stop()


async def test_a_daemon_is_alive_whatever_it_waits_for(admin: Admin) -> None:
    admin.health.checks["broker"] = lambda: "not connected"
    assert await admin.get("/livez") == (200, {"status": "pass"})


async def test_it_is_ready_when_every_check_passes(admin: Admin) -> None:
    assert await admin.get("/readyz") == (200, {"status": "pass", "checks": {}})


async def test_it_is_not_ready_and_says_why_until_it_is(admin: Admin) -> None:
    admin.health.checks["broker"] = lambda: "not connected to 10.0.0.7"
    expected = {"status": "fail", "checks": {"broker": "not connected to 10.0.0.7"}}
    assert await admin.get("/readyz") == (503, expected)
    admin.health.checks["broker"] = lambda: None
    assert await admin.get("/readyz") == (200, {"status": "pass", "checks": {}})


@pytest.mark.parametrize("query", ["?verbose", "?verbose=1", "?verbose="])
async def test_every_check_is_listed_when_asked_for(admin: Admin, query: str) -> None:
    admin.health.checks["store"] = lambda: "MongoDB: no answer in time"
    admin.health.details["accounts"] = lambda: None
    checks = {"broker": "ok", "store": "MongoDB: no answer in time", "accounts": "ok"}
    assert await admin.get(f"/readyz{query}") == (503, {"status": "fail", "checks": checks})


async def test_a_detail_is_told_and_does_not_make_it_unready(admin: Admin) -> None:
    admin.health.details["accounts"] = lambda: "credentials refused: acme"
    checks = {"accounts": "credentials refused: acme"}
    assert await admin.get("/readyz") == (200, {"status": "pass", "checks": checks})


async def test_checks_that_come_later_count(admin: Admin) -> None:
    admin.health.checks["queues"] = lambda: "not every queue is being consumed"
    assert (await admin.get("/readyz"))[0] == 503
    del admin.health.checks["queues"]
    assert (await admin.get("/readyz"))[0] == 200


@pytest.mark.parametrize(
    ("accept", "content_type", "last_line"),
    [
        ("", "text/plain", None),
        ("text/plain", "text/plain", None),
        ("*/*", "text/plain", None),
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text", "# EOF"),
    ],
)
async def test_metrics_come_as_the_client_wants_them(
    admin: Admin, accept: str, content_type: str, last_line: str | None
) -> None:
    url = f"http://127.0.0.1:{admin.port}/metrics"
    async with admin.http.get(url, headers={"Accept": accept}) as response:
        text = await response.text()
        assert (response.status, response.content_type) == (200, content_type)
        assert response.charset == "utf-8"
    assert "imgw_build_info{" in text
    assert (text.splitlines()[-1] == "# EOF") is (last_line == "# EOF")


async def test_other_paths_are_not_found(admin: Admin) -> None:
    async with admin.http.get(f"http://127.0.0.1:{admin.port}/") as response:
        assert response.status == 404


async def test_a_port_that_is_taken_names_the_setting(admin: Admin) -> None:
    second = HttpServer(web.Application(), "127.0.0.1", admin.port, setting="IMGW_ADMIN__PORT")
    with pytest.raises(ConfigurationError) as caught:
        await second.start()
    [problem] = caught.value.problems
    assert problem.where == "IMGW_ADMIN__PORT"
    assert problem.what.startswith(f"cannot listen on 127.0.0.1:{admin.port}: ")


async def test_a_host_that_is_none_names_the_setting() -> None:
    server = HttpServer(web.Application(), "no-such-host.invalid", 0, setting="IMGW_ADMIN__PORT")
    with pytest.raises(ConfigurationError):
        await server.start()
