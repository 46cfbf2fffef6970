"""An HTTP/2 server that does with each request what it is told, also what no server should."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, RequestReceived, StreamEnded

HANG_UP = b""

# What to do with a request: acts on the connection; what it returns is written as it is, HANG_UP ends it.
Act = Callable[[H2Connection, int], bytes | None]


def reply(body: bytes = b"", *headers: tuple[str, str], status: int = 200) -> Act:
    def act(connection: H2Connection, stream_id: int) -> None:
        connection.send_headers(stream_id, [(":status", str(status)), *headers])
        while len(body) > connection.max_outbound_frame_size * 4:
            raise ValueError("too large for this server")
        for start in range(0, len(body), connection.max_outbound_frame_size):
            connection.send_data(stream_id, body[start : start + connection.max_outbound_frame_size])
        connection.end_stream(stream_id)

    return act


def reset(code: ErrorCodes) -> Act:
    def act(connection: H2Connection, stream_id: int) -> None:
        connection.reset_stream(stream_id, code)

    return act


def go_away(last_stream_id: int) -> Act:
    def act(connection: H2Connection, stream_id: int) -> None:
        connection.close_connection(last_stream_id=last_stream_id)

    return act


def hang(connection: H2Connection, stream_id: int) -> None:
    """Say nothing."""


def write(raw: bytes) -> Act:
    return lambda connection, stream_id: raw


@dataclass
class Request:
    """One that came in."""

    headers: dict[str, str]
    body: bytes
    connection: int


@dataclass
class Http2Server:
    """What came in, and how many connections there were."""

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    def url(self, path: str = "/", *, scheme: str = "https", host: str = "127.0.0.1") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    async def hang_up(self) -> None:
        """End all connections."""
        for writer in self.writers:
            writer.close()
            await writer.wait_closed()


@asynccontextmanager
async def http2_server(act: Callable[[int], Act], tls: ssl.SSLContext) -> AsyncIterator[Http2Server]:
    """A server on a free port. `act` gets the number of a request, from 0, and says what to do with it."""
    served = Http2Server()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.connections += 1
        served.writers.append(writer)
        with suppress(ConnectionError, ssl.SSLError):
            await _serve(served, act, reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()
        await server.wait_closed()


async def _serve(
    served: Http2Server,
    act: Callable[[int], Act],
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    connection = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
    connection.initiate_connection()
    number, open_requests = served.connections, dict[int, Request]()
    writer.write(connection.data_to_send())
    while received := await reader.read(65_536):
        for event in connection.receive_data(received):
            if isinstance(event, RequestReceived):
                open_requests[event.stream_id] = Request(_text(event.headers), b"", number)
            elif isinstance(event, DataReceived):
                open_requests[event.stream_id].body += event.data
                connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, StreamEnded):
                served.requests.append(open_requests.pop(event.stream_id))
                raw = act(len(served.requests) - 1)(connection, event.stream_id)
                writer.write(raw or b"")
                if raw == HANG_UP:
                    return
        writer.write(connection.data_to_send())
        await writer.drain()


def _text(headers: Iterable[tuple[Any, Any]]) -> dict[str, str]:
    return {str(name): str(value) for name, value in headers}


def certificate(folder: Path, *, http2: bool = True) -> tuple[ssl.SSLContext, Path]:
    """TLS for 127.0.0.1, and the file that a client must trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "certificate.pem").write_bytes(pem)
    (folder / "server.pem").write_bytes(private + pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    context.set_alpn_protocols(["h2"] if http2 else ["http/1.1"])
    return context, folder / "certificate.pem"
