"""Connects to an MQTT broker without blocking the event loop, and tells apart why that failed."""

from __future__ import annotations

import asyncio
import socket
import ssl

from aiohappyeyeballs import start_connection

from gateway.errors import ProviderError
from gateway.transports.failing import not_taken
from gateway.transports.mqtt.wire import Wire
from gateway.transports.port import MqttServer

_NEXT_ADDRESS_AFTER_SECONDS = 0.25

DialFailure = (OSError, UnicodeError)  # also time-outs, and those of name look-up and TLS


async def dial(server: MqttServer, wire: Wire) -> None:
    """Look up, connect, and do TLS where it is wanted, with what this machine trusts. Raises DialFailure."""
    loop = asyncio.get_running_loop()
    context = await asyncio.to_thread(ssl.create_default_context) if server.tls else None
    addresses = await loop.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
    connected = await start_connection(
        addresses, happy_eyeballs_delay=_NEXT_ADDRESS_AFTER_SECONDS, interleave=1
    )
    try:
        await loop.create_connection(
            lambda: wire,
            sock=connected,
            ssl=context,
            server_hostname=server.host if context is not None else None,
        )
    except BaseException:
        connected.close()
        raise


def dial_failure(error: Exception, host: str) -> ProviderError:
    """The error for a DialFailure."""
    if isinstance(error, socket.gaierror):
        return not_taken("dns", f"the name {host} is not known")
    if isinstance(error, ssl.SSLError):
        return not_taken("tls", f"no TLS with {host}: {type(error).__name__}")
    if isinstance(error, UnicodeError):  # a part of the name is longer than names can have
        return not_taken("dns", "the broker's host is not a name")
    if isinstance(error, TimeoutError):
        return not_taken("connect_timeout", f"no connection to {host} in time")
    return not_taken("connect", f"no connection to {host}")
