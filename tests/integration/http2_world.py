"""What the tests of the HTTP/2 transport share: TLS that it trusts, and how its failures are read."""

from __future__ import annotations

import ssl
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

import pytest

from gateway.errors import FailureKind, ProviderError
from gateway.transports.http2 import Http2Transport
from gateway.transports.port import HttpRequest, HttpResponse
from tests.integration.http2_server import Act, Http2Server, certificate, http2_server, reply

LOOPBACK = (ip_network("127.0.0.0/8"),)
SECRET = "s3cr3t-in-the-path"


@dataclass
class World:
    """TLS that the transports of a test trust."""

    tls: ssl.SSLContext

    def serving(self, *acts: Act) -> AbstractAsyncContextManager[Http2Server]:
        """A server that does these things with the first requests, and answers those that follow."""
        return http2_server(lambda number: acts[number] if number < len(acts) else reply(b"ok"), self.tls)


def trusted_world(folder: Path, monkeypatch: pytest.MonkeyPatch, *, http2: bool = True) -> World:
    tls, trusted = certificate(folder, http2=http2)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    return World(tls)


async def failing(
    transport: Http2Transport, url: str, *, timeout_seconds: float = 10.0
) -> tuple[FailureKind, str, str | None]:
    """What a request that fails leads to: kind, reason, code. Checks that it gives nothing away."""
    request = HttpRequest("POST", url, {"authorization": f"bearer {SECRET}"}, SECRET.encode())
    with pytest.raises(ProviderError) as caught:
        await transport.request(request, timeout_seconds=timeout_seconds)
    error = caught.value
    assert SECRET not in f"{error} {error!r} {error.text} {error.code}"
    return error.kind, error.reason, error.code


async def get(transport: Http2Transport, url: str) -> HttpResponse:
    return await transport.request(HttpRequest("GET", url), timeout_seconds=10)
