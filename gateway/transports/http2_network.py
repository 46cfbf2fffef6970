"""TCP and TLS under HTTP/2: every address is judged; what goes wrong is told as by the other transport."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterable
from contextlib import suppress
from typing import Any
from weakref import WeakSet

import httpcore
from aiohappyeyeballs import start_connection

from gateway.transports.failing import address_refused, not_taken, request_invalid
from gateway.transports.ssrf import AddressGuard, AddressRefused

_NEXT_ADDRESS_AFTER_SECONDS = 0.25  # RFC 8305


class ClosedBefore(httpcore.WriteError):
    """The connection was found closed when the next bytes were to be written: of these, none was."""


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to what `guard` permits, and remembers what is open."""

    def __init__(self, guard: AddressGuard, connect_timeout_seconds: float) -> None:
        self._guard = guard
        self._connect_timeout_seconds = connect_timeout_seconds
        self.open: WeakSet[TlsStream] = WeakSet()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  httpcore's own
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises ProviderError."""
        give_up_at = asyncio.get_running_loop().time() + self._connect_timeout_seconds
        try:
            async with asyncio.timeout_at(give_up_at):
                return _Connected(await self._connected(host, port), (host, port), give_up_at, self.open)
        except socket.gaierror as error:
            raise not_taken("dns", f"the name {host} is not known") from error
        except UnicodeError as error:  # a part of the name is longer than names can have
            raise request_invalid() from error
        except AddressRefused as error:
            raise address_refused(host) from error
        except TimeoutError as error:
            raise not_taken("connect_timeout", "no connection in time") from error
        except OSError as error:
            raise not_taken("connect", f"no connection to {host}") from error

    def drop_silent(self, host: str, port: int, *, since: float) -> None:
        """End the connections that nothing has come from since then (of the event loop's clock).

        The other side, or something between, may have forgotten them; each request would only find that out
        for itself, by waiting.
        """
        for stream in list(self.open):
            if stream.peer == (host, port) and stream.heard_at < since:
                stream.abort()

    async def _connected(self, host: str, port: int) -> socket.socket:
        addresses = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return await start_connection(
            addresses,
            happy_eyeballs_delay=_NEXT_ADDRESS_AFTER_SECONDS,
            interleave=1,
            socket_factory=self._guard.socket,
        )


class _Connected(httpcore.AsyncNetworkStream):
    """A connection before TLS. Nothing is said over it."""

    def __init__(
        self, made: socket.socket, peer: tuple[str, int], give_up_at: float, opened: WeakSet[TlsStream]
    ) -> None:
        self._socket = made
        self._peer = peer
        self._give_up_at = give_up_at
        self._opened = opened

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  httpcore's own
    ) -> httpcore.AsyncNetworkStream:
        """Raises ProviderError, also when the other side does not speak HTTP/2."""
        host, _ = self._peer
        ssl_context.set_alpn_protocols(["h2"])
        try:
            async with asyncio.timeout_at(self._give_up_at):
                reader, writer = await asyncio.open_connection(
                    sock=self._socket, ssl=ssl_context, server_hostname=server_hostname
                )
        except BaseException as error:
            self._socket.close()
            if isinstance(error, TimeoutError):
                raise not_taken("connect_timeout", "no connection in time") from error
            if isinstance(error, ssl.SSLError):
                raise not_taken("tls", f"no TLS with {host}: {type(error).__name__}") from error
            if isinstance(error, OSError):
                raise not_taken("connect", f"no connection to {host}") from error
            raise
        stream = TlsStream(reader, writer, self._peer)
        if stream.get_extra_info("ssl_object").selected_alpn_protocol() != "h2":
            await stream.aclose()
            raise not_taken("no_http2", f"{host} does not speak HTTP/2")
        self._opened.add(stream)
        return stream

    async def aclose(self) -> None:
        self._socket.close()


class TlsStream(httpcore.AsyncNetworkStream):
    """A connection. `heard_at` is when something last came from it, by the event loop's clock."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: tuple[str, int]
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = asyncio.get_running_loop().time
        self.peer = peer
        self.heard_at = self._clock()

    @property
    def has_ended(self) -> bool:
        """Whether either side has closed it, as far as is known here."""
        return self._writer.is_closing()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        try:
            part = await self._reader.read(max_bytes)
        except OSError as error:
            raise httpcore.ReadError from error
        self.heard_at = self._clock()
        return part

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        if not buffer:
            return
        if self.has_ended:
            raise ClosedBefore
        self._writer.write(buffer)
        try:
            await self._writer.drain()
        except OSError as error:
            raise httpcore.WriteError from error

    async def aclose(self) -> None:
        self.abort()
        with suppress(OSError):
            await self._writer.wait_closed()

    def abort(self) -> None:
        """End it at once, without the farewells of TLS, for which the other side may let us wait."""
        self._writer.transport.abort()

    def get_extra_info(self, info: str) -> Any:
        return self._writer.get_extra_info(info)
