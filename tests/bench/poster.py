"""Posts ready-made requests over kept-alive connections, cheaply, and notes when they were answered."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import cast
from urllib.parse import urlsplit

CONNECTIONS = 50
_END_OF_HEAD = b"\r\n\r\n"


class Refused(Exception):
    """An answer that is not 200, or none at all."""


class Poster:
    """`answered` counts the requests that were answered with 200."""

    def __init__(self, connections: Sequence[_Connection]) -> None:
        self.answered = 0
        self._connections = connections

    async def all(self, requests: Sequence[bytes]) -> None:
        """As fast as they are answered, one at a time on each connection."""
        left = iter(requests)

        async def one_after_the_other(connection: _Connection) -> None:
            for request in left:
                await connection.post(request)
                self.answered += 1

        await asyncio.gather(*(one_after_the_other(connection) for connection in self._connections))

    async def paced(self, requests: Sequence[bytes], rate: float) -> list[tuple[int, int]]:
        """So many a second, whatever becomes of those before. For each: (when it was due, when it was
        answered), in nanoseconds of time.monotonic_ns."""
        free: asyncio.Queue[_Connection] = asyncio.Queue()
        for connection in self._connections:
            free.put_nowait(connection)

        async def post(request: bytes, due_at: int) -> tuple[int, int]:
            connection = await free.get()
            await connection.post(request)
            free.put_nowait(connection)
            self.answered += 1
            return due_at, time.monotonic_ns()

        tasks = []
        async for number, due_at in paced(len(requests), rate):
            tasks.append(asyncio.create_task(post(requests[number], due_at)))
        return await asyncio.gather(*tasks)


@contextmanager
def on_time() -> Iterator[None]:
    """No collection of garbage makes this process late: that would be told of the gateway."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def paced(count: int, rate: float) -> AsyncIterator[tuple[int, int]]:
    """0, 1, … `count` - 1, each with the nanosecond at which it was due: evenly, so many a second."""
    began_at, gap = time.monotonic_ns(), 1e9 / rate
    for number in range(count):
        due_at = began_at + int(number * gap)
        if (early := due_at - time.monotonic_ns()) > 0:
            await asyncio.sleep(early / 1e9)
        yield number, due_at


class _Connection(asyncio.Protocol):
    """One connection, with one request on it at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer = b""
        self._answered: asyncio.Future[None] | None = None

    async def post(self, request: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            raise Refused("the connection was closed")
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        await self._answered

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(Refused("the connection was closed"))

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, end, body = self._answer.partition(_END_OF_HEAD)
        if not end or len(body) < _content_length(head) or self._answered is None:
            return
        self._answer = b""
        status = head.split(b" ", 2)[1]
        if status == b"200":
            self._answered.set_result(None)
        else:
            self._answered.set_exception(Refused(f"answered with {status.decode()}"))


def _content_length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


@asynccontextmanager
async def open_poster(url: str, connections: int = CONNECTIONS) -> AsyncIterator[Poster]:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80
    loop = asyncio.get_running_loop()
    opened = []
    try:
        for _ in range(connections):
            _, connection = await loop.create_connection(_Connection, host, port)
            opened.append(connection)
        yield Poster(opened)
    finally:
        for connection in opened:
            connection.close()
