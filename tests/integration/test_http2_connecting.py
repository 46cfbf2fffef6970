"""The HTTP/2 transport where no connection comes about, or must not: nothing was taken."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.errors import FailureKind, ProviderError
from gateway.ports import free_port
from gateway.transports.http2 import Http2Transport
from gateway.transports.port import HttpRequest
from tests.integration.http2_world import LOOPBACK, SECRET, World, failing, get, trusted_world
from tests.integration.names import resolving_to
from tests.integration.scripted_server import http, scripted_server


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return trusted_world(tmp_path, monkeypatch)


@pytest.fixture
async def transport(world: World) -> AsyncIterator[Http2Transport]:
    made = Http2Transport(allowed_private_networks=LOOPBACK, max_response_bytes=20_000)
    yield made
    await made.close()


@pytest.fixture
async def guarded(world: World) -> AsyncIterator[Http2Transport]:
    """As it is without any setting."""
    made = Http2Transport()
    yield made
    await made.close()


async def test_nobody_listening_means_not_taken(transport: Http2Transport) -> None:
    url = f"https://127.0.0.1:{free_port()}/{SECRET}"
    assert await failing(transport, url) == (FailureKind.TRANSIENT, "provider_unavailable", "connect")


async def test_an_unknown_name_means_not_taken(
    transport: Http2Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving_to(monkeypatch)
    url = f"https://api.provider.example/{SECRET}"
    assert await failing(transport, url) == (FailureKind.TRANSIENT, "provider_unavailable", "dns")


async def test_a_slow_name_server_means_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    transport = Http2Transport(connect_timeout_seconds=0.05)
    resolving_to(monkeypatch, "127.0.0.1", delay_seconds=30)
    found = await failing(transport, f"https://api.provider.example/{SECRET}")
    await transport.close()
    assert found == (FailureKind.TRANSIENT, "provider_unavailable", "connect_timeout")


async def test_a_server_that_does_not_shake_hands_in_time_means_not_taken(world: World) -> None:
    transport = Http2Transport(allowed_private_networks=LOOPBACK, connect_timeout_seconds=0.1)
    async with scripted_server(lambda _: None) as server:
        found = await failing(transport, server.url(f"/{SECRET}", scheme="https"))
    await transport.close()
    assert found == (FailureKind.TRANSIENT, "provider_unavailable", "connect_timeout")


async def test_a_certificate_that_nobody_vouches_for_means_not_taken(
    transport: Http2Transport, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    async with world.serving() as server:
        found = await failing(transport, server.url(f"/{SECRET}"))
        assert found == (FailureKind.TRANSIENT, "provider_unavailable", "tls")
        assert server.requests == []


async def test_a_server_that_does_not_speak_http2_means_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = trusted_world(tmp_path, monkeypatch, http2=False)
    transport = Http2Transport(allowed_private_networks=LOOPBACK)
    async with scripted_server(lambda _: http(b"old"), tls=old.tls) as server:
        found = await failing(transport, server.url(f"/{SECRET}", scheme="https"))
        assert (found, server.requests) == ((FailureKind.TRANSIENT, "provider_unavailable", "no_http2"), [])
    await transport.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"])
async def test_a_private_address_is_refused_without_connecting(
    guarded: Http2Transport, world: World, host: str
) -> None:
    async with world.serving() as server:
        found = await failing(guarded, server.url(f"/{SECRET}", host=host))
        assert found == (FailureKind.PERMANENT, "provider_error", "address_refused")
        assert server.connections == 0


async def test_a_public_name_with_only_private_addresses_is_refused(
    guarded: Http2Transport, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world.serving() as server:
        resolving_to(monkeypatch, "127.0.0.1", "10.0.0.7", "fd00::1", "169.254.169.254")
        with pytest.raises(ProviderError) as caught:
            await get(guarded, server.url(host="api.provider.example"))
        assert (caught.value.text, server.connections) == (
            (
                "api.provider.example is not on the public internet;"
                " IMGW_HTTP__ALLOWED_PRIVATE_NETWORKS can allow its network"
            ),
            0,
        )


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.provider.example/x",
        "http://api.provider.example/",
        "https://",
        f"https://{'a' * 64}.example/",
    ],
)
async def test_a_url_that_is_not_one_for_tls_is_refused_for_good(transport: Http2Transport, url: str) -> None:
    assert await failing(transport, url) == (FailureKind.PERMANENT, "provider_error", "request_invalid")


@pytest.mark.parametrize("header", [("x-a", "a\r\nx-b: b"), ("x a", "a"), ("x-a", "\ud800")])
async def test_a_header_that_is_not_one_is_refused_for_good(
    transport: Http2Transport, header: tuple[str, str]
) -> None:
    with pytest.raises(ProviderError) as caught:
        await transport.request(
            HttpRequest("GET", "https://127.0.0.1:9/", dict([header])), timeout_seconds=10
        )
    assert (caught.value.kind, caught.value.code) == (FailureKind.PERMANENT, "request_invalid")
