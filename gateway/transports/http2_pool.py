"""HTTP/2 through httpcore: one try, bounded in time and size, and its failures told apart."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import httpcore
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, StreamReset
from h2.exceptions import H2Error
from yarl import URL

from gateway.errors import ProviderError
from gateway.transports.failing import garbled, lost, not_taken, request_invalid, too_large
from gateway.transports.http2_network import ClosedBefore, GuardedNetwork
from gateway.transports.http_requests import USER_AGENT, headers_of, url_of
from gateway.transports.port import HttpRequest, HttpResponse
from gateway.transports.ssrf import AddressGuard

# A server that ends an idle connection says so (GOAWAY), so there is no need to be quicker than it.
_KEEP_ALIVE_SECONDS = 300.0

_Failures = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
    H2Error,
    OSError,
    RuntimeError,  # uvloop's, of a transport that is closed
)


class Http2Pool:
    """The connections of one process, one to each origin. Requests share it."""

    def __init__(self, guard: AddressGuard, connect_timeout_seconds: float) -> None:
        self.network = GuardedNetwork(guard, connect_timeout_seconds)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=None,  # accounts have limits of their own
            keepalive_expiry=_KEEP_ALIVE_SECONDS,
            http1=False,
            http2=True,
            network_backend=self.network,
        )

    async def request(self, request: HttpRequest, *, timeout_seconds: float, most_bytes: int) -> HttpResponse:
        """See Http2Transport."""
        try:
            url = url_of(request)
            headers = [*headers_of(request).items()]
            if url.scheme != "https":
                raise ValueError("HTTP/2 is spoken over TLS")
        except ValueError as error:
            raise request_invalid() from error
        exchange = Exchange(request.method, url, [("User-Agent", USER_AGENT), *headers], request.body)
        started_at = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._exchanged(exchange, most_bytes)
        except TimeoutError as error:
            self.network.drop_silent(url.host or "", url.port or 443, since=started_at)
            raise exchange.failure(error) from error
        except _Failures as error:
            raise exchange.failure(error) from error

    async def close(self) -> None:
        await self._pool.aclose()

    async def _exchanged(self, exchange: Exchange, most_bytes: int) -> HttpResponse:
        try:
            return await self._tried(exchange, most_bytes)
        except ClosedBefore:
            # A kept connection that had ended meanwhile. The next one is new.
            if exchange.written:
                raise
            return await self._tried(exchange, most_bytes)

    async def _tried(self, exchange: Exchange, most_bytes: int) -> HttpResponse:
        async with self._pool.stream(
            exchange.method,
            str(exchange.url),
            headers=exchange.headers,
            content=exchange.body or None,
            extensions={"trace": exchange.noting()},
        ) as response:
            body = bytearray()
            async for part in response.aiter_stream():
                body += part
                if len(body) > most_bytes:
                    # What else comes of it would take the room of other answers on this connection.
                    response.extensions["network_stream"].abort()
                    raise too_large(most_bytes)
        fields = {name.decode("latin-1"): value.decode("latin-1") for name, value in response.headers}
        return HttpResponse(response.status, fields, bytes(body))


class Exchange:
    """One request, and how far it got. `written` says whether any of it may have gone out."""

    def __init__(self, method: str, url: URL, headers: list[tuple[str, str]], body: bytes) -> None:
        self.method = method
        self.url = url
        self.headers = [(name.encode(), value.encode()) for name, value in headers]
        self.body = body
        self.written = False
        self._stream_id = 0

    def noting(self) -> Callable[[str, dict[str, Any]], Awaitable[None]]:
        """What httpcore is to call with each of its steps."""

        async def note(step: str, details: dict[str, Any]) -> None:
            if step == "http2.send_request_headers.started":
                self.written, self._stream_id = True, details["stream_id"]
            elif step == "http2.send_request_headers.failed":
                # Found closed, or told to go away, before anything was written.
                self.written = not isinstance(details["exception"], ClosedBefore | H2Error)
            elif step == "connection.connect_tcp.started":
                self.written = False  # on another connection: what was written did not count

        return note

    def failure(self, error: Exception) -> ProviderError:
        """The error for a try that ended with `error`."""
        event = error.args[0] if isinstance(error, httpcore.RemoteProtocolError) and error.args else None
        if isinstance(event, StreamReset) and event.error_code == ErrorCodes.REFUSED_STREAM:
            return not_taken("refused_stream", "the server refused the request before it looked at it")
        if isinstance(event, ConnectionTerminated) and self._stream_id > (event.last_stream_id or 0):
            return not_taken("goaway", "the server is closing the connection and did not look at the request")
        if isinstance(error, TimeoutError):
            if self.written:
                return lost("timeout", "no answer in time")
            return not_taken("connect_timeout", "no connection in time")
        if not self.written:
            return not_taken("connection_closed", "the connection had been closed before anything was sent")
        if isinstance(error, httpcore.LocalProtocolError | H2Error):
            return garbled("unreadable", "the answer is not HTTP/2")
        return lost("disconnected", "the connection broke before the answer")
