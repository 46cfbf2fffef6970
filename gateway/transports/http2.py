"""HTTP/2 to providers that speak nothing else. What it is made of is loaded with the first request."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gateway.transports.port import HttpRequest, HttpResponse
from gateway.transports.ssrf import AddressGuard, Network

if TYPE_CHECKING:
    from gateway.transports.http2_pool import Http2Pool


class Http2Transport:
    """The HTTP/2 transport of one process, over TLS. `close` it within the event loop that used it.

    Connections are kept and shared; redirections are not followed, cookies not kept, the environment's
    proxies not used. What its server says it did not look at (a refused stream, or one above the last of a
    GOAWAY) was not taken. What it did look at before a GOAWAY counts as unknown: httpcore 1.0 reads no
    answers after one.
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
        self._pool: Http2Pool | None = None

    async def request(self, request: HttpRequest, *, timeout_seconds: float) -> HttpResponse:
        """See HttpTransport. A URL or a header that cannot be sent, and an address that is not allowed, are
        PERMANENT."""
        most_bytes = request.most_bytes or self._max_response_bytes
        return await self._opened().request(request, timeout_seconds=timeout_seconds, most_bytes=most_bytes)

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()

    def _opened(self) -> Http2Pool:
        if self._pool is None:
            from gateway.transports.http2_pool import Http2Pool

            self._pool = Http2Pool(self._guard, self._connect_timeout_seconds)
        return self._pool
