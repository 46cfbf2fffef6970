"""What the errors of HTTP/2 mean, where servers cannot be made to bring them about at will."""

from __future__ import annotations

from typing import Any

import httpcore
import pytest
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, StreamReset
from h2.exceptions import ProtocolError
from yarl import URL

from gateway.errors import FailureKind
from gateway.transports.http2_network import ClosedBefore
from gateway.transports.http2_pool import Exchange

TRANSIENT, UNCERTAIN = FailureKind.TRANSIENT, FailureKind.UNCERTAIN
STREAM_ID = 5

Step = tuple[str, dict[str, Any]]
STARTED: Step = ("http2.send_request_headers.started", {"stream_id": STREAM_ID})
CONNECTING: Step = ("connection.connect_tcp.started", {})


def failed(error: Exception) -> Step:
    return ("http2.send_request_headers.failed", {"exception": error})


def reset(code: ErrorCodes) -> Exception:
    event = StreamReset(stream_id=STREAM_ID)
    event.error_code = code
    return httpcore.RemoteProtocolError(event)


def terminated(last_stream_id: int) -> Exception:
    event = ConnectionTerminated()
    event.last_stream_id = last_stream_id
    return httpcore.RemoteProtocolError(event)


@pytest.mark.parametrize(
    ("steps", "error", "kind", "code"),
    [
        ([STARTED], reset(ErrorCodes.REFUSED_STREAM), TRANSIENT, "refused_stream"),
        ([STARTED], reset(ErrorCodes.CANCEL), UNCERTAIN, "disconnected"),
        ([STARTED], terminated(0), TRANSIENT, "goaway"),
        ([STARTED], terminated(STREAM_ID - 2), TRANSIENT, "goaway"),
        ([STARTED], terminated(STREAM_ID), UNCERTAIN, "disconnected"),
        ([STARTED, failed(ProtocolError())], terminated(2**31 - 1), TRANSIENT, "connection_closed"),
        ([STARTED], httpcore.RemoteProtocolError("Server disconnected"), UNCERTAIN, "disconnected"),
        ([STARTED], httpcore.LocalProtocolError(ProtocolError()), UNCERTAIN, "unreadable"),
        ([STARTED], ProtocolError(), UNCERTAIN, "unreadable"),
        ([STARTED], httpcore.ReadError(), UNCERTAIN, "disconnected"),
        ([STARTED], httpcore.WriteError(), UNCERTAIN, "disconnected"),
        ([STARTED], ClosedBefore(), UNCERTAIN, "disconnected"),
        ([STARTED, failed(ClosedBefore())], ClosedBefore(), TRANSIENT, "connection_closed"),
        ([STARTED, failed(httpcore.WriteError())], httpcore.WriteError(), UNCERTAIN, "disconnected"),
        ([STARTED], TimeoutError(), UNCERTAIN, "timeout"),
        ([STARTED, CONNECTING], TimeoutError(), TRANSIENT, "connect_timeout"),
        ([STARTED, CONNECTING, STARTED], TimeoutError(), UNCERTAIN, "timeout"),
        ([], TimeoutError(), TRANSIENT, "connect_timeout"),
        ([], RuntimeError("the handler is closed"), TRANSIENT, "connection_closed"),
    ],
)
async def test_what_an_error_means_depends_on_how_far_the_request_got(
    steps: list[Step], error: Exception, kind: FailureKind, code: str
) -> None:
    exchange = Exchange("POST", URL("https://api.provider.example/"), [], b"")
    for name, details in steps:
        await exchange.noting()(name, details)
    found = exchange.failure(error)
    assert (found.kind, found.code) == (kind, code)
