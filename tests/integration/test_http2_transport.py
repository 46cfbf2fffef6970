"""The HTTP/2 transport against servers that answer, do not answer, and go away."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from h2.errors import ErrorCodes

from gateway.errors import FailureKind, ProviderError
from gateway.ports import free_port
from gateway.transports.http2 import Http2Transport
from gateway.transports.port import HttpRequest, HttpResponse
from tests.integration.http2_server import HANG_UP, Act, go_away, hang, reply, reset, write
from tests.integration.http2_world import LOOPBACK, SECRET, World, failing, get, trusted_world
from tests.waiting import eventually

_DATA_ON_NO_STREAM = b"\0\0\1\0\0\0\0\0\0x"
DISCONNECTED = (FailureKind.UNCERTAIN, "provider_unavailable", "disconnected")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return trusted_world(tmp_path, monkeypatch)


@pytest.fixture
async def transport(world: World) -> AsyncIterator[Http2Transport]:
    made = Http2Transport(allowed_private_networks=LOOPBACK, max_response_bytes=20_000)
    yield made
    await made.close()


async def test_a_request_arrives_as_it_is_and_the_answer_comes_back_whole(
    transport: Http2Transport, world: World
) -> None:
    async with world.serving(reply(b'{"ok":true}', ("apns-id", "7"))) as server:
        request = HttpRequest("POST", server.url("/3/device/ab?a=%26"), {"apns-Topic": "t"}, b"body")
        response = await transport.request(request, timeout_seconds=10)
    assert (response, response.json()) == (
        HttpResponse(200, {"apns-id": "7"}, b'{"ok":true}'),
        {"ok": True},
    )
    [seen] = server.requests
    agent = seen.headers.pop("user-agent")
    assert agent.startswith("im-gateway/")
    assert (seen.headers, seen.body) == (
        {
            ":method": "POST",
            ":authority": f"127.0.0.1:{server.port}",
            ":scheme": "https",
            ":path": "/3/device/ab?a=%26",
            "apns-topic": "t",
            "content-length": "4",
        },
        b"body",
    )


@pytest.mark.parametrize("status", [204, 302, 400, 410, 429, 500, 503])
async def test_any_complete_answer_is_returned_whatever_its_status(
    transport: Http2Transport, world: World, status: int
) -> None:
    async with world.serving(reply(b"", ("location", "/elsewhere"), status=status)) as server:
        assert (await get(transport, server.url())).status == status
        assert len(server.requests) == 1


async def test_requests_share_one_connection_which_is_kept_and_cookies_are_not(
    transport: Http2Transport, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{free_port()}")
    async with world.serving(reply(b"ok", ("set-cookie", "a=b; Path=/"))) as server:
        await get(transport, server.url())
        answers = await asyncio.gather(*(get(transport, server.url()) for _ in range(50)))
        await get(transport, server.url())
        assert [answer.body for answer in answers] == [b"ok"] * 50
        assert (server.connections, len(server.requests)) == (1, 52)
        assert {"cookie" in request.headers for request in server.requests} == {False}


async def test_a_refused_stream_means_not_taken_and_the_connection_is_kept(
    transport: Http2Transport, world: World
) -> None:
    async with world.serving(reset(ErrorCodes.REFUSED_STREAM)) as server:
        found = await failing(transport, server.url(f"/{SECRET}"))
        assert found == (FailureKind.TRANSIENT, "provider_unavailable", "refused_stream")
        assert (await get(transport, server.url())).body == b"ok"
        assert server.connections == 1


async def test_a_server_that_goes_away_without_a_look_at_the_request_means_not_taken(
    transport: Http2Transport, world: World
) -> None:
    async with world.serving(go_away(0)) as server:
        found = await failing(transport, server.url(f"/{SECRET}"))
        assert found == (FailureKind.TRANSIENT, "provider_unavailable", "goaway")
        assert (await get(transport, server.url())).body == b"ok"
        assert server.connections == 2


async def test_what_a_server_did_not_look_at_before_it_goes_away_is_asked_on_another_connection(
    transport: Http2Transport, world: World
) -> None:
    async with world.serving(reply(b"first"), go_away(1)) as server:
        await get(transport, server.url())
        assert (await get(transport, server.url())).body == b"ok"
        assert [request.connection for request in server.requests] == [1, 1, 2]


@pytest.mark.parametrize(
    "act", [go_away(1), reset(ErrorCodes.INTERNAL_ERROR), write(HANG_UP)], ids=["goaway", "reset", "close"]
)
async def test_what_ends_after_the_request_was_looked_at_means_unknown_and_nothing_is_repeated(
    transport: Http2Transport, world: World, act: Act
) -> None:
    async with world.serving(act) as server:
        assert await failing(transport, server.url(f"/{SECRET}")) == DISCONNECTED
        assert len(server.requests) == 1
        assert (await get(transport, server.url())).body == b"ok"


async def test_a_kept_connection_that_the_server_has_ended_costs_no_try(
    transport: Http2Transport, world: World
) -> None:
    async with world.serving() as server:
        await get(transport, server.url())
        await server.hang_up()

        async def noticed() -> bool:
            pool = transport._pool  # nothing that is public tells
            return pool is not None and all(stream.has_ended for stream in pool.network.open)

        await eventually(noticed)
        assert (await get(transport, server.url())).body == b"ok"
        assert (server.connections, len(server.requests)) == (2, 2)


async def test_no_answer_in_time_means_unknown_and_a_silent_connection_is_not_used_again(
    transport: Http2Transport, world: World
) -> None:
    async with world.serving(reply(b"ok"), hang) as server:
        await get(transport, server.url())
        found = await failing(transport, server.url(f"/{SECRET}"), timeout_seconds=0.2)
        assert found == (FailureKind.UNCERTAIN, "provider_unavailable", "timeout")
        assert (await get(transport, server.url())).body == b"ok"
        assert [request.connection for request in server.requests] == [1, 1, 2]


async def test_one_answer_that_does_not_come_holds_up_no_other(
    transport: Http2Transport, world: World
) -> None:
    async with world.serving(reply(b"ok"), hang) as server:
        await get(transport, server.url())
        waiting = asyncio.create_task(failing(transport, server.url(), timeout_seconds=2))

        async def arrived() -> bool:
            return len(server.requests) == 2

        await eventually(arrived)
        assert (await get(transport, server.url())).body == b"ok"
        assert await waiting == (FailureKind.UNCERTAIN, "provider_unavailable", "timeout")
        assert (await get(transport, server.url())).body == b"ok"
        assert server.connections == 1


async def test_an_answer_that_is_not_http2_means_unknown(transport: Http2Transport, world: World) -> None:
    async with world.serving(write(_DATA_ON_NO_STREAM)) as server:
        found = await failing(transport, server.url(f"/{SECRET}"))
    assert found == (FailureKind.UNCERTAIN, "provider_error", "unreadable")


async def test_an_answer_that_is_too_large_means_unknown_and_takes_no_room_of_others(
    transport: Http2Transport, world: World
) -> None:
    async with world.serving(reply(b"x" * 20_001)) as server:
        found = await failing(transport, server.url(f"/{SECRET}"))
        assert found == (FailureKind.UNCERTAIN, "provider_error", "too_large")
        assert (await get(transport, server.url())).body == b"ok"
        assert server.connections == 2


@pytest.mark.parametrize("most_bytes", [10, 40_000])
async def test_a_request_may_say_how_large_its_answer_may_be(
    transport: Http2Transport, world: World, most_bytes: int
) -> None:
    async with world.serving(reply(b"x" * most_bytes), reply(b"x" * (most_bytes + 1))) as server:
        request = HttpRequest("GET", server.url(), most_bytes=most_bytes)
        assert (await transport.request(request, timeout_seconds=10)).body == b"x" * most_bytes
        with pytest.raises(ProviderError) as caught:
            await transport.request(request, timeout_seconds=10)
    assert caught.value.text == f"the answer is larger than {most_bytes} bytes"


def test_a_process_without_such_an_account_does_not_load_http2() -> None:
    heavy = ("httpcore", "httpx", "anyio", "h2", "hpack")
    code = (
        "import sys, processors.daemon; from gateway.transports.http2 import Http2Transport;"
        f" Http2Transport(); print([name for name in {heavy} if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"
