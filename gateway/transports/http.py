"""HTTP to providers, through aiohttp: one try, bounded in time and size, and its failures told apart."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

import aiohttp
import aiohttp.connector

from gateway.errors import FailureKind, ProviderError
from gateway.transports.failing import too_large
from gateway.transports.http_failures import failure
from gateway.transports.http_requests import USER_AGENT, headers_of, url_of
from gateway.transports.http_stream import HttpStream, redirected
from gateway.transports.port import HttpRequest, HttpResponse
from gateway.transports.ssrf import AddressGuard, Network

# Shorter than servers commonly keep idle connections, so that it is us who close them: a request written to a
# connection that its server is closing has an unknown outcome.
_KEEP_ALIVE_SECONDS = 15.0
_MOST_REDIRECTIONS = 3
_NOT_REPEATED = frozenset({"POST", "PATCH"})  # by aiohttp
_NONE_NEEDED: tuple[aiohttp.ClientMiddlewareType, ...] = ()


class AiohttpTransport:
    """The HTTP transport of one process. `start` it within the event loop that uses it, and `close` it.

    Redirections are not followed by `request`, cookies not kept, the environment's proxies and netrc not
    used, and nothing is repeated. `connect_timeout_seconds` bounds the name look-up, the connection and TLS
    together.
    """

    def __init__(
        self,
        *,
        allowed_private_networks: Iterable[Network] = (),
        connect_timeout_seconds: float = 5.0,
        max_response_bytes: int = 1_048_576,
    ) -> None:
        self._guard = AddressGuard(allowed_private_networks)
        self._connect_timeout_seconds = connect_timeout_seconds
        self._max_response_bytes = max_response_bytes
        self._timeouts: dict[float, aiohttp.ClientTimeout] = {}
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        connector = _NotingConnector(
            limit=0,  # accounts have limits of their own
            keepalive_timeout=_KEEP_ALIVE_SECONDS,
            resolver=aiohttp.ThreadedResolver(),
            socket_factory=self._guard.socket,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": USER_AGENT},
            middlewares=(_never_repeat,),
            trust_env=False,
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def request(self, request: HttpRequest, *, timeout_seconds: float) -> HttpResponse:
        """See HttpTransport. A URL or a header that cannot be sent, and an address that is not allowed, are
        PERMANENT."""
        progress = _Progress()
        _progress.set(progress)
        try:
            async with self._started().request(
                request.method,
                url_of(request),
                headers=headers_of(request),
                data=request.body or None,
                allow_redirects=False,
                timeout=self._timeout(timeout_seconds),
                middlewares=_NONE_NEEDED if request.method in _NOT_REPEATED else None,
            ) as response:
                body = await _read(response, request.most_bytes or self._max_response_bytes)
                headers = {name.lower(): value for name, value in response.headers.items()}
                return HttpResponse(response.status, headers, body)
        except (aiohttp.ClientError, OSError, ValueError, RuntimeError) as error:  # the last one is uvloop's
            raise failure(error, written=progress.writing) from error

    @asynccontextmanager
    async def stream(self, request: HttpRequest, *, timeout_seconds: float) -> AsyncIterator[HttpStream]:
        """The answer, to be read as it comes; whatever its size and its status.

        A GET follows up to three redirections (handlers' media lie on content networks): each address is
        judged like any other, and another origin gets none of the headers. `timeout_seconds` bounds each
        silence, not the whole. Raises ProviderError as `request` does.
        """
        patience = aiohttp.ClientTimeout(connect=self._connect_timeout_seconds, sock_read=timeout_seconds)
        response = await self._followed(request, patience)
        try:
            yield HttpStream(response)
        finally:
            response.close()

    async def _followed(
        self, request: HttpRequest, patience: aiohttp.ClientTimeout
    ) -> aiohttp.ClientResponse:
        for _ in range(_MOST_REDIRECTIONS + 1):
            response = await self._opened(request, patience)
            target = redirected(request, response)
            if target is None:
                return response
            response.close()
            request = target
        raise ProviderError(
            FailureKind.PERMANENT,
            reason="provider_error",
            code="redirections",
            text=f"more than {_MOST_REDIRECTIONS} redirections",
        )

    async def _opened(self, request: HttpRequest, patience: aiohttp.ClientTimeout) -> aiohttp.ClientResponse:
        progress = _Progress()
        _progress.set(progress)
        try:
            return await self._started().request(
                request.method,
                url_of(request),
                # Uncompressed, so that its length is known before it is there.
                headers={"Accept-Encoding": "identity", **headers_of(request)},
                data=request.body or None,
                allow_redirects=False,
                timeout=patience,
                middlewares=_NONE_NEEDED if request.method in _NOT_REPEATED else None,
            )
        except (aiohttp.ClientError, OSError, ValueError, RuntimeError) as error:
            raise failure(error, written=progress.writing) from error

    def _started(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the transport has not been started")
        return self._session

    def _timeout(self, seconds: float) -> aiohttp.ClientTimeout:
        """As many as there are accounts with time-outs of their own."""
        timeout = self._timeouts.get(seconds)
        if timeout is None:
            timeout = aiohttp.ClientTimeout(total=seconds, connect=self._connect_timeout_seconds)
            self._timeouts[seconds] = timeout
        return timeout


async def _read(response: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    """The body, decompressed, up to the limit; more than that is not read."""
    body = bytearray()
    while chunk := await response.content.readany():
        body += chunk
        if len(body) > most_bytes:
            response.close()
            raise too_large(most_bytes)
    return bytes(body)


class _Progress:
    """Whether a request may have begun to be written to its connection."""

    __slots__ = ("writing",)

    def __init__(self) -> None:
        self.writing = False


# Of the request that the current task is making.
_progress: ContextVar[_Progress] = ContextVar("progress")


class _NotingConnector(aiohttp.TCPConnector):
    """Notes that a request has its connection: what aiohttp 3.14 does next is write to it. (Its tracing would
    say so, too, but costs every request more.)"""

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Any],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  aiohttp's own
    ) -> aiohttp.connector.Connection:
        connection = await super().connect(req, traces, timeout)
        _progress.get().writing = True
        return connection


async def _never_repeat(
    request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Ends a try whose connection broke: aiohttp would repeat GET, PUT and DELETE by itself."""
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise failure(error, written=True) from error
