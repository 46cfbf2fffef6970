"""The HTTP transport against servers that answer, do not answer, and answer wrongly."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from gateway.errors import FailureKind, ProviderError
from gateway.ports import free_port
from gateway.transports.http import AiohttpTransport
from gateway.transports.port import HttpRequest, HttpResponse
from tests.integration.names import resolving_to
from tests.integration.scripted_server import HANG, http, scripted_server, self_signed

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
SECRET = "s3cr3t-in-the-path"


@pytest.fixture
async def transport() -> AsyncIterator[AiohttpTransport]:
    made = AiohttpTransport(allowed_private_networks=LOOPBACK, max_response_bytes=100_000)
    await made.start()
    yield made
    await made.close()


@pytest.fixture
async def guarded() -> AsyncIterator[AiohttpTransport]:
    """As it is without any setting."""
    made = AiohttpTransport()
    await made.start()
    yield made
    await made.close()


async def failing(
    transport: AiohttpTransport, url: str, *, method: str = "POST", timeout_seconds: float = 10.0
) -> tuple[FailureKind, str, str | None]:
    """What a request that fails leads to: kind, reason, code. Checks that it gives nothing away."""
    request = HttpRequest(method, url, {"Authorization": f"Bearer {SECRET}"}, SECRET.encode())
    with pytest.raises(ProviderError) as caught:
        await transport.request(request, timeout_seconds=timeout_seconds)
    error = caught.value
    assert SECRET not in f"{error} {error!r} {error.text} {error.code}"
    return error.kind, error.reason, error.code


async def test_a_request_arrives_as_it_is_and_the_answer_comes_back_whole(
    transport: AiohttpTransport,
) -> None:
    async with scripted_server(lambda _: http(b'{"ok":true}', "X-Request-Id: 7")) as server:
        request = HttpRequest(
            "POST", server.url("/send?a=1"), {"X-Key": "k", "Content-Type": "text/x"}, b"body"
        )
        response = await transport.request(request, timeout_seconds=10)
    assert response == HttpResponse(200, {"content-length": "11", "x-request-id": "7"}, b'{"ok":true}')
    assert response.json() == {"ok": True}
    head, body = server.requests[0].split(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /send?a=1 HTTP/1.1"
    assert {"X-Key: k", "Content-Type: text/x", "Content-Length: 4"} <= set(lines)
    assert body == b"body"


@pytest.mark.parametrize("target", ["/w/?token=a%2fb%2Bc%3d", "/a%2Fb/../c;d='e'", "/~x"])
async def test_a_url_is_sent_as_it_is_written(transport: AiohttpTransport, target: str) -> None:
    async with scripted_server(lambda _: http(b"")) as server:
        await transport.request(HttpRequest("POST", server.url(target)), timeout_seconds=10)
    assert server.requests[0].split(b"\r\n")[0].decode() == f"POST {target} HTTP/1.1"


@pytest.mark.parametrize("status", [204, 302, 400, 401, 404, 429, 500, 503])
async def test_any_complete_answer_is_returned_whatever_its_status(
    transport: AiohttpTransport, status: int
) -> None:
    async with scripted_server(lambda _: http(b"", "Location: /elsewhere", status=f"{status} X")) as server:
        response = await transport.request(HttpRequest("GET", server.url()), timeout_seconds=10)
        assert (response.status, len(server.requests)) == (status, 1)


async def test_connections_are_kept_and_cookies_are_not(transport: AiohttpTransport) -> None:
    async with scripted_server(lambda _: http(b"", "Set-Cookie: a=b; Path=/")) as server:
        for _ in range(3):
            await transport.request(HttpRequest("POST", server.url(), {}, b"x"), timeout_seconds=10)
        assert (server.connections, len(server.requests)) == (1, 3)
        assert b"cookie" not in b"".join(server.requests).lower()


async def test_the_proxies_of_the_environment_are_not_used(
    transport: AiohttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    async with scripted_server(lambda _: http(b"direct")) as server:
        response = await transport.request(HttpRequest("GET", server.url()), timeout_seconds=10)
    assert response.body == b"direct"


async def test_a_compressed_answer_is_read(transport: AiohttpTransport) -> None:
    body = gzip.compress(b"x" * 50_000)
    async with scripted_server(lambda _: http(body, "Content-Encoding: gzip")) as server:
        response = await transport.request(HttpRequest("GET", server.url()), timeout_seconds=10)
    assert response.body == b"x" * 50_000


async def test_nobody_listening_means_not_taken(transport: AiohttpTransport) -> None:
    url = f"http://127.0.0.1:{free_port()}/{SECRET}"
    assert await failing(transport, url) == (FailureKind.TRANSIENT, "provider_unavailable", "connect")


async def test_an_unknown_name_means_not_taken(
    transport: AiohttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving_to(monkeypatch)
    url = f"https://api.provider.example/{SECRET}"
    assert await failing(transport, url) == (FailureKind.TRANSIENT, "provider_unavailable", "dns")


async def test_a_slow_name_server_means_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    transport = AiohttpTransport(connect_timeout_seconds=0.05)
    await transport.start()
    resolving_to(monkeypatch, "127.0.0.1", delay_seconds=30)
    url = f"http://api.provider.example/{SECRET}"
    found = await failing(transport, url)
    await transport.close()
    assert found == (FailureKind.TRANSIENT, "provider_unavailable", "connect_timeout")


async def test_a_certificate_that_nobody_vouches_for_means_not_taken(
    transport: AiohttpTransport, tmp_path: Path
) -> None:
    async with scripted_server(lambda _: http(b"who?"), tls=self_signed(tmp_path)) as server:
        found = await failing(transport, server.url(f"/{SECRET}", scheme="https"))
        assert found == (FailureKind.TRANSIENT, "provider_unavailable", "tls")
        assert server.requests == []


async def test_no_answer_in_time_means_unknown(transport: AiohttpTransport) -> None:
    async with scripted_server(lambda _: HANG) as server:
        found = await failing(transport, server.url(f"/{SECRET}"), timeout_seconds=0.2)
    assert found == (FailureKind.UNCERTAIN, "provider_unavailable", "timeout")


async def test_half_an_answer_in_time_means_unknown(transport: AiohttpTransport) -> None:
    async with scripted_server(lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf") as server:
        found = await failing(transport, server.url(f"/{SECRET}"), timeout_seconds=0.2)
    assert found == (FailureKind.UNCERTAIN, "provider_unavailable", "timeout")


@pytest.mark.parametrize("method", ["POST", "GET", "PUT", "DELETE"])
async def test_a_connection_that_breaks_means_unknown_and_nothing_is_repeated(
    transport: AiohttpTransport, method: str
) -> None:
    async with scripted_server(lambda _: b"", close_after=1) as server:
        found = await failing(transport, server.url(f"/{SECRET}"), method=method)
        assert found == (FailureKind.UNCERTAIN, "provider_unavailable", "disconnected")
        assert (len(server.requests), server.connections) == (1, 1)


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_kept_connection_that_breaks_is_not_repeated_either(
    transport: AiohttpTransport, method: str
) -> None:
    answers = [http(b"first"), b""]
    async with scripted_server(lambda number: answers[number], close_after=2) as server:
        await transport.request(HttpRequest("GET", server.url()), timeout_seconds=10)
        found = await failing(transport, server.url(f"/{SECRET}"), method=method)
        assert found == (FailureKind.UNCERTAIN, "provider_unavailable", "disconnected")
        assert (len(server.requests), server.connections) == (2, 1)


@pytest.mark.parametrize(
    ("answer", "reason", "code"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "provider_unavailable", "cut_short"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "provider_error", "unreadable"),
        (http(b"not gzip at all", "Content-Encoding: gzip"), "provider_unavailable", "cut_short"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "provider_error", "unreadable"),
        (b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100_000 + b"\r\n\r\n", "provider_error", "unreadable"),
        (http(b"x" * 100_001), "provider_error", "too_large"),
        (http(gzip.compress(b"x" * 50_000_000), "Content-Encoding: gzip"), "provider_error", "too_large"),
    ],
    ids=["cut-short", "bad-chunk", "bad-gzip", "not-http", "endless-header", "too-large", "bomb"],
)
async def test_an_answer_that_cannot_be_read_means_unknown(
    transport: AiohttpTransport, answer: bytes, reason: str, code: str
) -> None:
    async with scripted_server(lambda _: answer, close_after=1) as server:
        found = await failing(transport, server.url(f"/{SECRET}"))
    assert found == (FailureKind.UNCERTAIN, reason, code)


@pytest.mark.parametrize(("most_bytes", "size"), [(150_000, 150_000), (10, 10)])
async def test_a_request_may_say_how_large_its_answer_may_be(
    transport: AiohttpTransport, most_bytes: int, size: int
) -> None:
    answers = [http(b"x" * size), http(b"x" * (size + 1))]
    async with scripted_server(lambda number: answers[number]) as server:
        request = HttpRequest("GET", server.url(), most_bytes=most_bytes)
        assert (await transport.request(request, timeout_seconds=10)).body == b"x" * size
        with pytest.raises(ProviderError) as caught:
            await transport.request(request, timeout_seconds=10)
    error = caught.value
    assert (error.kind, error.code, error.text) == (
        FailureKind.UNCERTAIN,
        "too_large",
        f"the answer is larger than {most_bytes} bytes",
    )


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "localhost"],  # noqa: S104 - a target, not ours
)
async def test_a_private_address_is_refused_without_connecting(guarded: AiohttpTransport, host: str) -> None:
    async with scripted_server(lambda _: http(b"inside")) as server:
        found = await failing(guarded, server.url(f"/{SECRET}", host=host))
        assert found == (FailureKind.PERMANENT, "provider_error", "address_refused")
        assert server.connections == 0


async def test_the_refusal_names_the_setting_that_allows_it(guarded: AiohttpTransport) -> None:
    with pytest.raises(ProviderError) as caught:
        await guarded.request(HttpRequest("GET", "http://10.1.2.3/"), timeout_seconds=10)
    assert caught.value.text == (
        "10.1.2.3 is not on the public internet; IMGW_HTTP__ALLOWED_PRIVATE_NETWORKS can allow its network"
    )


async def test_a_public_name_with_only_private_addresses_is_refused(
    guarded: AiohttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scripted_server(lambda _: http(b"inside")) as server:
        resolving_to(monkeypatch, "127.0.0.1", "10.0.0.7", "fd00::1", "169.254.169.254")
        found = await failing(guarded, server.url(f"/{SECRET}", host="api.provider.example"))
        assert found == (FailureKind.PERMANENT, "provider_error", "address_refused")
        assert server.connections == 0


async def test_of_a_names_addresses_only_the_permitted_ones_are_tried(
    transport: AiohttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scripted_server(lambda _: http(b"allowed")) as server:
        resolving_to(monkeypatch, "10.0.0.7", "127.0.0.1")
        url = server.url(host="api.provider.example")
        response = await transport.request(HttpRequest("GET", url), timeout_seconds=10)
        assert (response.body, server.connections) == (b"allowed", 1)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.provider.example/x",
        "ftp://api.provider.example/",
        "http://",
        "http://2130706433/",
        "http://127.1/",
    ],
)
async def test_a_url_that_is_not_one_is_refused_for_good(transport: AiohttpTransport, url: str) -> None:
    assert await failing(transport, url) == (FailureKind.PERMANENT, "provider_error", "request_invalid")


@pytest.mark.parametrize(
    "header", [("X-A", "a\r\nX-B: b"), ("X-A", "a\x00"), ("X A", "a"), ("X-A", "\ud800")]
)
async def test_a_header_that_is_not_one_is_refused_for_good(
    transport: AiohttpTransport, header: tuple[str, str]
) -> None:
    async with scripted_server(lambda _: http()) as server:
        with pytest.raises(ProviderError) as caught:
            await transport.request(HttpRequest("GET", server.url(), dict([header])), timeout_seconds=10)
        assert (caught.value.kind, caught.value.code) == (FailureKind.PERMANENT, "request_invalid")
        assert server.requests == []
