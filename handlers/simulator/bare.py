"""A provider for benchmarks: takes every WhatsApp message at once and notes when it came, nothing else.

It speaks as much HTTP/1.1 as a client with Content-Length and kept-alive connections needs, so that it costs
a small part of what the gateway costs for the same message. No credentials are asked for, nothing is checked,
and no receipts follow.

Its control API: GET /simulator/summary; GET and DELETE /simulator/arrivals, the [reference, nanoseconds] of
every message, on the clock that `time.monotonic_ns` reads in all processes of a machine; PUT
/simulator/latency/<seconds>, how long every answer to a message takes from now on.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from array import array
from collections.abc import Callable
from functools import partial
from typing import cast

import orjson
import structlog

BACKLOG = 1_024
# Of the rest only the number is kept.
MOST_ARRIVALS = 1_000_000
_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length:"

log = structlog.get_logger(__name__)


class Arrivals:
    """What came, in its order: our reference of each message, and when, in two flat lists."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.count = 0
        self._references: list[str] = []
        self._at = array("q")

    def note(self, reference: str) -> None:
        self.count += 1
        if self.count <= MOST_ARRIVALS:
            self._references.append(reference)
            self._at.append(time.monotonic_ns())

    def pairs(self) -> list[tuple[str, int]]:
        return list(zip(self._references, self._at, strict=True))


class BareProvider:
    """What is answered to each request. `latency_seconds` is how long the answer to a message is held
    back."""

    def __init__(self) -> None:
        self.arrivals = Arrivals()
        self.latency_seconds = 0.0
        self._ids = 0
        self._tail = secrets.token_hex(12).upper()  # of this simulator's ids, and no other's

    def answer(self, method: bytes, path: bytes, body: bytes) -> tuple[bytes, float]:
        """The whole response, and after how many seconds it is to be sent."""
        if method == b"POST" and path.endswith(b"/messages"):
            return self._take(body), self.latency_seconds
        return self._control(method, path), 0.0

    def _take(self, body: bytes) -> bytes:
        try:
            message = orjson.loads(body)
            to, reference = message["to"], message.get("biz_opaque_callback_data", "")
        except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError):
            return _response(400, {"error": {"message": "Invalid parameter", "code": 100}})
        self.arrivals.note(reference)
        contact, sent = {"input": to, "wa_id": to}, {"id": self._next_id()}
        return _response(200, {"messaging_product": "whatsapp", "contacts": [contact], "messages": [sent]})

    def _next_id(self) -> str:
        """As long as WhatsApp's own, and like those in no order that an index could profit from."""
        self._ids += 1
        return f"wamid.HBgM{self._ids * 2_654_435_761 % 2**32:08X}{self._tail}"

    def _control(self, method: bytes, path: bytes) -> bytes:
        resource, _, value = path.removeprefix(b"/simulator/").partition(b"/")
        if (method, resource) == (b"GET", b"summary"):
            return _response(200, {"bare_sends": self.arrivals.count, "pending_callbacks": 0})
        if (method, resource) == (b"GET", b"arrivals"):
            return _response(200, self.arrivals.pairs())
        if (method, resource) == (b"DELETE", b"arrivals"):
            self.arrivals.clear()
            return _response(200, {})
        if (method, resource) == (b"PUT", b"latency") and (seconds := _seconds(value)) is not None:
            self.latency_seconds = seconds
            return _response(200, {"latency_seconds": seconds})
        return _response(404, {"error": "the bare simulator has nothing here"})


class _Connection(asyncio.Protocol):
    """One kept-alive connection: cuts what comes into requests, and writes the answers."""

    def __init__(self, provider: BareProvider) -> None:
        self._provider = provider
        self._transport: asyncio.Transport | None = None
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own kind has no base class

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while (end := self._rest.find(_END_OF_HEAD)) >= 0:
            head, begin = self._rest[:end], end + len(_END_OF_HEAD)
            length = _content_length(head)
            if length is None:
                self._write(_response(400, {"error": "no usable Content-Length"}))
                self._close()
                return
            if len(self._rest) < begin + length:
                return
            body, self._rest = self._rest[begin : begin + length], self._rest[begin + length :]
            self._handle(head, body)

    def _handle(self, head: bytes, body: bytes) -> None:
        method, _, rest = head.partition(b" ")
        response, seconds = self._provider.answer(method, rest.partition(b" ")[0], body)
        if seconds:
            asyncio.get_running_loop().call_later(seconds, self._write, response)
        else:
            self._write(response)

    def _write(self, response: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(response)

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()


async def serve_bare(host: str, port: int, ready: Callable[[int], None] | None = None) -> None:
    """Run until cancelled. Port 0 takes a free one; `ready` is told which, once it listens."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(partial(_Connection, BareProvider()), host, port, backlog=BACKLOG)
    try:
        port = server.sockets[0].getsockname()[1]
        log.info("simulator.started", host=host, port=port, bare=True)
        if ready is not None:
            ready(port)
        await asyncio.Event().wait()
    finally:
        server.close()
        log.info("simulator.stopped")


def _content_length(head: bytes) -> int | None:
    """How long the body is: 0 without the header, None when it cannot be told."""
    lower = head.lower()
    if b"\r\ntransfer-encoding:" in lower:
        return None
    at = lower.find(_LENGTH)
    if at < 0:
        return 0
    value = lower[at + len(_LENGTH) :].partition(b"\r\n")[0].strip()
    return int(value) if value.isdigit() else None


def _seconds(value: bytes) -> float | None:
    try:
        seconds = float(value)
    except ValueError:
        return None
    return seconds if 0 <= seconds <= 3_600 else None


def _response(status: int, body: object) -> bytes:
    content = orjson.dumps(body)
    phrase = {200: "OK", 400: "Bad Request", 404: "Not Found"}[status]
    head = f"HTTP/1.1 {status} {phrase}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}"
    return head.encode() + _END_OF_HEAD + content
