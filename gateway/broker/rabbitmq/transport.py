"""The byte stream under an AMQP connection, mended where the client library (aiormq 7.2) gives up too early.

It ends the connection over a message whose properties it cannot decode: a timestamp in nanoseconds or .NET
ticks, a `type` that is not UTF-8. RabbitMQ takes such messages from anybody and delivers them again after
each reconnection, so that one would end all consuming for good (seen 2026-11). Here it loses its properties
and keeps its body. And it does not tell why RabbitMQ refused a virtual host; here that is overheard.

It also hands every frame to the socket by itself. Here those of one turn of the event loop go together, which
spares the kernel, RabbitMQ and this process most of the calls.
"""

from __future__ import annotations

import asyncio
import struct
from typing import Any, cast

from aiormq.connection import TCPTransportFactory, TLSTransportFactory
from pamqp.commands import Connection
from pamqp.constants import FRAME_HEADER, FRAME_METHOD
from pamqp.header import ContentHeader
from yarl import URL

_UNDECODABLE = (ValueError, ArithmeticError, LookupError, TypeError, RecursionError, struct.error)
_FIXED_BYTES = 12  # of a content header: class, weight and the body's size; flags and properties follow
_INDEX_BYTES = 4
_END = 1


class Transport:
    """Connects as the library does. `refusal` is what RabbitMQ said when it closed the connection."""

    def __init__(self) -> None:
        self.refusal: Connection.Close | None = None

    async def create(self, url: URL, **kwargs: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        factory = TLSTransportFactory() if url.scheme == "amqps" else TCPTransportFactory()
        reader, writer = await factory.create(url, **kwargs)
        return cast(asyncio.StreamReader, _Reader(reader, self)), cast(asyncio.StreamWriter, _Writer(writer))


class _Reader:
    """As much of a StreamReader as the library uses.

    It reads a frame in three steps: its type (1 byte), its channel and size (6), its payload and end mark.
    """

    def __init__(self, reader: asyncio.StreamReader, transport: Transport) -> None:
        self._reader = reader
        self._transport = transport
        self._step = 0
        self._frame_type = 0

    def at_eof(self) -> bool:
        return self._reader.at_eof()

    async def read(self, count: int = -1) -> bytes:
        return await self._reader.read(count)

    async def readexactly(self, count: int) -> bytes:
        part = await self._reader.readexactly(count)
        if self._step == 0:
            self._frame_type = part[0]
        elif self._step == 2:
            part = self._payload(part)
        self._step = (self._step + 1) % 3
        return part

    def _payload(self, payload: bytes) -> bytes:
        if self._frame_type == FRAME_HEADER:
            return decodable(payload)
        if self._frame_type == FRAME_METHOD:
            self._transport.refusal = _refusal(payload) or self._transport.refusal
        return payload


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
    except _UNDECODABLE:
        nothing = bytes(len(payload) - _FIXED_BYTES - _END)
        return payload[:_FIXED_BYTES] + nothing + payload[-_END:]
    return payload


def _refusal(payload: bytes) -> Connection.Close | None:
    if int.from_bytes(payload[:_INDEX_BYTES], "big") != Connection.Close.index:
        return None
    close = Connection.Close()
    try:
        close.unmarshal(payload[_INDEX_BYTES:-_END])
    except _UNDECODABLE:
        return None
    return close
