"""A TCP proxy on loopback that can be silenced, refuse connections, and share them out among several."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from contextlib import suppress

_CHUNK_BYTES = 65_536


class Proxy:
    """Forwards every connection to `port` to one of `upstream_ports`, each in its turn.

    As an async context it listens meanwhile. It may be entered again and again, in other event loops, too.
    """

    def __init__(self, port: int, upstream_ports: Sequence[int]) -> None:
        self.port = port
        self._upstream_ports = tuple(upstream_ports)

    async def __aenter__(self) -> Proxy:
        self._turns = itertools.cycle(self._upstream_ports)
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.refuse()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def listen(self) -> None:
        """Take connections, again."""
        self._flowing.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def refuse(self) -> None:
        """Reset every connection and refuse new ones, as a machine that is up without the program does."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for writer in list(self._writers):
            writer.transport.abort()

    def silence(self) -> None:
        """Nothing comes through and nothing says so, as when a cable is out. What was sent comes later."""
        self._flowing.clear()

    def resume(self) -> None:
        self._flowing.set()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            await self._flowing.wait()
            with suppress(OSError):
                await self._connect(reader, writer)
        finally:
            self._writers.discard(writer)
            writer.close()  # what it has been given still goes out

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Both ways, until one end closes."""
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", next(self._turns))
        self._writers.add(far_writer)
        ways = [
            asyncio.create_task(self._forward(reader, far_writer)),
            asyncio.create_task(self._forward(far_reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.wait(ways)
            self._writers.discard(far_writer)
            far_writer.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(_CHUNK_BYTES):
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
