"""What aiohttp's errors mean, where servers cannot be made to bring them about at will."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp
import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_writer import StreamWriter
from multidict import CIMultiDict

from gateway.errors import FailureKind
from gateway.transports.http_failures import failure


class Closing(asyncio.Transport):
    """A transport that has been closed and not told yet."""

    def is_closing(self) -> bool:
        return True


async def error_of_writing_to_a_closed_connection(body: bytes) -> Exception:
    """What aiohttp itself raises then."""
    protocol = BaseProtocol(asyncio.get_running_loop())
    protocol.transport = Closing()
    writer = StreamWriter(protocol, asyncio.get_running_loop())
    await writer.write_headers("POST / HTTP/1.1", CIMultiDict({"Content-Length": str(len(body))}))
    with pytest.raises(aiohttp.ClientConnectionResetError) as caught:
        await writer.write(body) if body else writer.set_eof()
    return caught.value


@pytest.mark.parametrize("body", [b"", b"small", b"x" * 1_000_000])
async def test_a_connection_that_was_closed_before_anything_was_written_means_not_taken(body: bytes) -> None:
    error = await error_of_writing_to_a_closed_connection(body)
    wrapped = aiohttp.ClientOSError(None, "Can not write request body")
    wrapped.__cause__ = error
    for each in (error, wrapped):
        found = failure(each, written=True)
        assert (found.kind, found.reason, found.code) == (
            FailureKind.TRANSIENT,
            "provider_unavailable",
            "connection_closed",
        )


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: aiohttp.ClientConnectionResetError("Connection lost"), "disconnected"),
        (lambda: aiohttp.ClientOSError(104, "Connection reset by peer"), "disconnected"),
        (aiohttp.ServerDisconnectedError, "disconnected"),
        (lambda: RuntimeError("the handler is closed"), "disconnected"),
        (lambda: ValueError("what is this"), "disconnected"),
        (TimeoutError, "timeout"),
        (aiohttp.SocketTimeoutError, "timeout"),
        (aiohttp.ClientPayloadError, "cut_short"),
    ],
)
def test_once_written_whatever_breaks_means_unknown(make: Callable[[], Exception], code: str) -> None:
    found = failure(make(), written=True)
    assert (found.kind, found.reason, found.code) == (FailureKind.UNCERTAIN, "provider_unavailable", code)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: RuntimeError("the handler is closed"), "connect"),
        (lambda: OSError(24, "Too many open files"), "connect"),
        (aiohttp.ServerDisconnectedError, "connect"),
        (TimeoutError, "connect_timeout"),
        (aiohttp.ConnectionTimeoutError, "connect_timeout"),
    ],
)
def test_before_anything_is_written_whatever_breaks_means_not_taken(
    make: Callable[[], Exception], code: str
) -> None:
    found = failure(make(), written=False)
    assert (found.kind, found.reason, found.code) == (FailureKind.TRANSIENT, "provider_unavailable", code)
