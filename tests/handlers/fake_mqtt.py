"""An MQTT transport that keeps what is published, or fails as it is told."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.errors import ProviderError
from gateway.transports.port import MqttMessage, MqttServer


class FakeMqtt:
    """`failures` are raised in turn, one for each call; then everything is taken."""

    def __init__(self, *failures: ProviderError) -> None:
        self._failures = list(failures)
        self.published: list[MqttMessage] = []
        self.servers: list[MqttServer] = []
        self.timeouts_seconds: list[float] = []

    async def publish(
        self, server: MqttServer, messages: Sequence[MqttMessage], *, timeout_seconds: float
    ) -> None:
        self.servers.append(server)
        self.timeouts_seconds.append(timeout_seconds)
        if self._failures:
            raise self._failures.pop(0)
        self.published.extend(messages)
