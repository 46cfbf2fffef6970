"""The byte stream under an AMQP connection, mended where the client library (aiormq 7.2) gives up too early,
and tapped for the frames that this gateway reads by itself.

The library ends the connection over a message whose properties it cannot decode: a timestamp in nanoseconds
or .NET ticks, a `type` that is not UTF-8. RabbitMQ takes such messages from anybody and delivers them again
after each reconnection, so that one would end all consuming for good (seen 2026-11). Here it loses its
properties and keeps its body. And it does not tell why RabbitMQ refused a virtual host; here that is
overheard.

It takes a frame apart in pure Python, by way of two tasks and as many queues, and hands every one to the
socket by itself: more than half of what a message cost (measured 2026-11). So a channel can be tapped: then
deliveries and confirms on it go straight to whoever wants them, and the library sees all the other frames.
And what is written in one turn of the event loop goes to the socket together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from aiormq.connection import TCPTransportFactory, TLSTransportFactory
from pamqp.commands import Connection
from pamqp.header import ContentHeader
from yarl import URL

from gateway.broker.rabbitmq import frames

# Told of a method frame's payload, and of the content that came with it: its header's payload and its body.
Tap = Callable[[bytes, bytes, bytes], None]

_TAPPED = frozenset({frames.RETURN, frames.DELIVER, frames.ACK, frames.NACK})
_WITH_CONTENT = frozenset({frames.RETURN, frames.DELIVER})
_CLOSING = frozenset({frames.CLOSE, frames.CLOSE_OK})
_HEARTBEAT = b"\x08\0\0\0\0\0\0\xce"
_HEARTBEAT_SECONDS = 0.5
_CHUNK_BYTES = 65_536
_FIXED_BYTES = 12  # of a content header: class, weight and the body's size; flags and properties follow
_INDEX_BYTES = 4
_END = 1


class Transport:
    """Connects as the library does. `refusal` is what RabbitMQ said when it closed the connection."""

    def __init__(self) -> None:
        self.refusal: Connection.Close | None = None
        self.taps: dict[int, Tap] = {}
        self._writer: _Writer | None = None

    async def create(self, url: URL, **kwargs: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        factory = TLSTransportFactory() if url.scheme == "amqps" else TCPTransportFactory()
        reader, writer = await factory.create(url, **kwargs)
        self._writer = _Writer(writer)
        return cast(asyncio.StreamReader, _Reader(reader, self)), cast(asyncio.StreamWriter, self._writer)

    def tap(self, channel: int, tap: Tap) -> None:
        """Hand what is delivered, returned and confirmed on this channel to `tap`, until the channel
        closes."""
        self.taps[channel] = tap

    def write(self, frame: bytes) -> None:
        """Send whole frames, after all that was sent before; nothing when the connection is gone."""
        if self._writer is not None:
            self._writer.write(frame)


class _Reader:
    """As much of a StreamReader as the library uses.

    It reads a frame in three steps: its type (1 byte), its channel and size (6), its payload and end mark.
    Frames that are tapped are dealt with before the first of them.
    """

    def __init__(self, reader: asyncio.StreamReader, transport: Transport) -> None:
        self._reader = reader
        self._transport = transport
        self._buffer = b""
        self._at = 0
        self._step = 0
        self._frame_type = 0
        self._content: dict[int, _Content] = {}
        self._loop = asyncio.get_running_loop()
        self._shown_at = self._loop.time()

    def at_eof(self) -> bool:
        return self._at == len(self._buffer) and self._reader.at_eof()

    async def read(self, count: int = -1) -> bytes:
        rest, self._buffer, self._at = self._buffer[self._at :], b"", 0
        return rest or await self._reader.read(count)

    async def readexactly(self, count: int) -> bytes:
        if self._step == 0:
            await self._until_untapped()
        await self._have(count)
        part = self._buffer[self._at : self._at + count]
        self._at += count
        if self._step == 0:
            self._frame_type = part[0]
        elif self._step == 2:
            part = self._payload(part)
        self._step = (self._step + 1) % 3
        return part

    async def _until_untapped(self) -> None:
        """Deal with tapped frames until the next one is for the library."""
        while True:
            await self._have(frames.FRAME.size)
            kind, channel, size = frames.FRAME.unpack_from(self._buffer, self._at)
            tap = self._transport.taps.get(channel)
            if tap is None:
                break
            await self._have(frames.OVERHEAD_BYTES + size)
            start = self._at + frames.FRAME.size
            payload, end = self._buffer[start : start + size], self._buffer[start + size : start + size + 1]
            if end != frames.END or not self._take(kind, channel, payload, tap):
                break
            self._at = start + size + 1
            if self._loop.time() - self._shown_at > _HEARTBEAT_SECONDS:
                # The library takes a connection on which it sees nothing for dead.
                self._buffer, self._at = _HEARTBEAT + self._buffer[self._at :], 0
                break
        self._shown_at = self._loop.time()

    def _take(self, kind: int, channel: int, payload: bytes, tap: Tap) -> bool:
        """Whether the frame was one to be tapped."""
        if kind == frames.METHOD:
            method = payload[:_INDEX_BYTES]
            if method not in _TAPPED:
                if method in _CLOSING:
                    del self._transport.taps[channel]
                    self._content.pop(channel, None)
                return False
            if method in _WITH_CONTENT:
                self._content[channel] = _Content(payload)
            else:
                tap(payload, b"", b"")
            return True
        content = self._content.get(channel)
        if content is None:
            return False
        if content.is_whole_with(kind, payload):
            del self._content[channel]
            tap(content.method, content.header, content.body)
        return True

    async def _have(self, count: int) -> None:
        """Read on until there are so many bytes. Raises IncompleteReadError when there will not be."""
        while len(self._buffer) - self._at < count:
            chunk = await self._reader.read(_CHUNK_BYTES)
            self._buffer, self._at = self._buffer[self._at :] + chunk, 0
            if not chunk:
                raise asyncio.IncompleteReadError(self._buffer, count)

    def _payload(self, payload: bytes) -> bytes:
        if self._frame_type == frames.HEADER:
            return decodable(payload)
        if self._frame_type == frames.METHOD:
            self._transport.refusal = _refusal(payload) or self._transport.refusal
        return payload


class _Content:
    """A message on its way in: what its method said, its header, and as much of its body as has come."""

    __slots__ = ("_missing", "_parts", "header", "method")

    def __init__(self, method: bytes) -> None:
        self.method = method
        self.header = b""
        self._parts: list[bytes] = []
        self._missing = 0

    @property
    def body(self) -> bytes:
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)

    def is_whole_with(self, kind: int, payload: bytes) -> bool:
        """Add the next frame's payload."""
        if kind == frames.HEADER:
            self.header = payload
            self._missing = frames.body_size(payload)
        else:
            self._parts.append(payload)
            self._missing -= len(payload)
        return self._missing <= 0


class _Writer:
    """As much of a StreamWriter as the library uses."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self._frames: list[bytes] = []

    @property
    def transport(self) -> asyncio.WriteTransport:
        return self._writer.transport

    def write(self, frame: bytes) -> None:
        if not self._frames:
            self._loop.call_soon(self._flush)
        self._frames.append(frame)

    async def drain(self) -> None:
        self._flush()
        await self._writer.drain()

    def can_write_eof(self) -> bool:
        return self._writer.can_write_eof()

    def write_eof(self) -> None:
        self._flush()
        self._writer.write_eof()

    def is_closing(self) -> bool:
        return self._writer.is_closing()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    async def wait_closed(self) -> None:
        await self._writer.wait_closed()

    def _flush(self) -> None:
        frames, self._frames = self._frames, []
        if frames and not self._writer.is_closing():
            self._writer.write(b"".join(frames))


def decodable(payload: bytes) -> bytes:
    """A content header with its end mark: as it is, or without any property, in the same length."""
    try:
        ContentHeader().unmarshal(payload[:-_END])
    except frames.UNDECODABLE:
        nothing = bytes(len(payload) - _FIXED_BYTES - _END)
        return payload[:_FIXED_BYTES] + nothing + payload[-_END:]
    return payload


def _refusal(payload: bytes) -> Connection.Close | None:
    if int.from_bytes(payload[:_INDEX_BYTES], "big") != Connection.Close.index:
        return None
    close = Connection.Close()
    try:
        close.unmarshal(payload[_INDEX_BYTES:-_END])
    except frames.UNDECODABLE:
        return None
    return close
