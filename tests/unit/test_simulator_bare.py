"""The simulator's bare mode, over real connections."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from handlers.simulator.bare import serve_bare
from tests.waiting import eventually

MESSAGES = "/whatsapp/v25.0/106540352242922/messages"


@asynccontextmanager
async def bare_port() -> AsyncIterator[int]:
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve_bare("127.0.0.1", 0, port.set_result))
    try:
        yield await port
    finally:
        task.cancel()
        await asyncio.wait([task])


@asynccontextmanager
async def bare() -> AsyncIterator[aiohttp.ClientSession]:
    async with bare_port() as port, aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:
        yield http


def message(reference: str, to: str = "447700900300") -> dict[str, Any]:
    text = {"body": "Hello"}
    return {"to": to, "type": "text", "text": text, "biz_opaque_callback_data": reference}


async def call(http: aiohttp.ClientSession, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    async with http.request(method, path, json=body) as response:
        return response.status, await response.json()


async def test_a_message_is_taken_as_whatsapp_takes_it_each_with_an_id_of_its_own() -> None:
    async with bare() as http:
        answers = [await call(http, "POST", MESSAGES, message(f"shop/{n}")) for n in range(3)]
    ids = [answer["messages"][0]["id"] for _, answer in answers]
    assert len(set(ids)) == 3
    assert answers == [
        (
            200,
            {
                "messaging_product": "whatsapp",
                "contacts": [{"input": "447700900300", "wa_id": "447700900300"}],
                "messages": [{"id": id}],
            },
        )
        for id in ids
    ]


async def test_arrivals_are_told_in_order_with_the_time_that_all_processes_share() -> None:
    async with bare() as http:
        before = time.monotonic_ns()
        for number in range(3):
            await call(http, "POST", MESSAGES, message(f"shop/{number}"))
        _, arrivals = await call(http, "GET", "/simulator/arrivals")
    times = [before, *(at for _, at in arrivals), time.monotonic_ns()]
    assert [reference for reference, _ in arrivals] == ["shop/0", "shop/1", "shop/2"]
    assert times == sorted(times)


async def test_arrivals_can_be_forgotten() -> None:
    async with bare() as http:
        await call(http, "POST", MESSAGES, message("shop/1"))
        counts = [await call(http, "GET", "/simulator/summary")]
        await call(http, "DELETE", "/simulator/arrivals")
        counts.append(await call(http, "GET", "/simulator/summary"))
        assert await call(http, "GET", "/simulator/arrivals") == (200, [])
    assert counts == [(200, {"bare_sends": n, "pending_callbacks": 0}) for n in (1, 0)]


async def test_with_a_latency_a_message_is_noted_at_once_and_answered_later() -> None:
    async with bare() as http:
        assert await call(http, "PUT", "/simulator/latency/3600") == (200, {"latency_seconds": 3600.0})
        waiting = asyncio.create_task(call(http, "POST", MESSAGES, message("shop/1")))

        async def noted() -> bool:
            return await call(http, "GET", "/simulator/summary") == (
                200,
                {"bare_sends": 1, "pending_callbacks": 0},
            )

        await eventually(noted)
        assert not waiting.done()
        waiting.cancel()
        await call(http, "PUT", "/simulator/latency/0.001")
        assert (await call(http, "POST", MESSAGES, message("shop/2")))[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", MESSAGES, {"text": "to nobody"}, 400),
        ("POST", MESSAGES, ["not a message"], 400),
        ("POST", "/bot123/sendMessage", {}, 404),
        ("GET", "/simulator/ledger", None, 404),
        ("PUT", "/simulator/latency/soon", None, 404),
        ("PUT", "/simulator/latency/-1", None, 404),
    ],
)
async def test_what_it_does_not_know_is_refused(method: str, path: str, body: Any, status: int) -> None:
    async with bare() as http:
        assert (await call(http, method, path, body))[0] == status


async def test_requests_are_told_apart_however_they_are_cut() -> None:
    bodies = [json.dumps(message(f"shop/{number}")).encode() for number in range(2)]
    stream = b"".join(
        f"POST {MESSAGES} HTTP/1.1\r\nHost: x\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
        for body in bodies
    )
    async with bare_port() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for byte in stream:
            writer.write(bytes([byte]))
            await writer.drain()
        writer.write(stream + b"GET /simulator/summary HTTP/1.1\r\nHost: x\r\n\r\n")
        answers = await reader.readuntil(b'"pending_callbacks":0}')
        writer.close()
        await writer.wait_closed()
    assert answers.count(b"HTTP/1.1 200 OK") == 5
    assert b'"bare_sends":4' in answers


async def test_a_body_of_unknown_length_is_refused_and_the_connection_closed() -> None:
    async with bare_port() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"POST {MESSAGES} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 400 ")
