"""The transports of one process, which all that it does shares."""

from __future__ import annotations

from gateway.settings import Settings
from gateway.transports.http import AiohttpTransport
from gateway.transports.http2 import Http2Transport
from gateway.transports.mqtt.publisher import MqttPublisher
from gateway.transports.port import Tokens, Transports


class WaysOut:
    """`all` is what handlers are handed. `start` it within the event loop that uses it, and `close` it.
    `name` is the process's, for servers that want one."""

    def __init__(self, settings: Settings, tokens: Tokens, name: str) -> None:
        options = settings.http
        self.http = AiohttpTransport(
            allowed_private_networks=options.allowed_private_networks,
            connect_timeout_seconds=options.connect_timeout_seconds,
            max_response_bytes=options.max_response_bytes,
        )
        self._http2 = Http2Transport(
            allowed_private_networks=options.allowed_private_networks,
            connect_timeout_seconds=options.connect_timeout_seconds,
            max_response_bytes=options.max_response_bytes,
        )
        self.mqtt = MqttPublisher(name, connect_timeout_seconds=options.connect_timeout_seconds)
        self.all = Transports(http=self.http, http2=self._http2, mqtt=self.mqtt, tokens=tokens)

    async def start(self) -> None:
        await self.http.start()

    async def close(self) -> None:
        """In reverse order; each even when another one fails."""
        try:
            await self.mqtt.close()
        finally:
            try:
                await self._http2.close()
            finally:
                await self.http.close()
