"""Between a connection of the event loop and paho: to the loop it is a protocol, to paho a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

_MOST_GATHERED_BYTES = 262_144


class Wire(asyncio.Protocol):
    """What paho wants to send is gathered until `flush`, and goes out in one piece.

    `arrived` is called when there is something to `recv`, `writable` when `full` has ended, and `ended` once,
    with what broke the connection, if anything did.
    """

    def __init__(
        self,
        arrived: Callable[[], None],
        writable: Callable[[], None],
        ended: Callable[[Exception | None], None],
    ) -> None:
        self._arrived = arrived
        self._writable = writable
        self._ended = ended
        self._transport: asyncio.Transport | None = None
        self._arriving = b""
        self._at = 0
        self._gathered: list[bytes | bytearray] = []
        self._gathered_bytes = 0
        self._paused = False
        self.graceful = False
        """Whether paho's `close` is to wait until everything has gone out."""

    @property
    def full(self) -> bool:
        """Whether more should wait: it would only be kept in memory."""
        return self._paused or self._gathered_bytes > _MOST_GATHERED_BYTES

    @property
    def pending(self) -> bool:
        """Whether there is something to `recv`."""
        return self._at < len(self._arriving)

    def flush(self) -> None:
        """Send what has been gathered."""
        if self._gathered and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(self._gathered))
        self._gathered.clear()
        self._gathered_bytes = 0

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def hold(self) -> None:
        """Let nothing more arrive, until `release`."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def release(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._arriving = self._arriving[self._at :] + data if self.pending else data
        self._at = 0
        self._arrived()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._ended(exc)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._writable()

    def recv(self, buffer_size: int) -> bytes:
        part = self._arriving[self._at : self._at + buffer_size]
        if not part:
            raise BlockingIOError
        self._at += len(part)
        return part

    def send(self, buffer: bytes | bytearray) -> int:
        self._gathered.append(buffer)
        self._gathered_bytes += len(buffer)
        return len(buffer)

    def close(self) -> None:
        self.flush()
        if self._transport is not None:
            if self.graceful:
                self._transport.close()
            else:
                self._transport.abort()

    def fileno(self) -> int:
        return -1

    def setblocking(self, flag: bool) -> None:
        """It never blocks."""
