"""A listener under test, and what it took."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from gateway.transports.mqtt.listener import MqttListener
from gateway.transports.mqtt.received import Received
from gateway.transports.port import MqttServer
from tests.waiting import eventually


class Listening:
    """A listener and what it took."""

    def __init__(self, server: MqttServer, **options: Any) -> None:
        self.taken: list[Received] = []
        wanted: dict[str, Any] = {
            "client_id": "bridge",
            "filters": ["t/+/up"],
            "session_seconds": 600,
            "receive_maximum": 100,
            "connect_timeout_seconds": 5.0,
            **options,
        }
        self.listener = MqttListener(server, take=self.taken.append, **wanted)

    def payloads(self) -> list[bytes]:
        return [each.payload for each in self.taken]

    async def until_taken(self, count: int) -> None:
        await eventually(lambda: holds(lambda: len(self.taken) >= count), within_seconds=30)

    async def until_up(self) -> None:
        await eventually(lambda: holds(lambda: self.listener.trouble is None), within_seconds=30)

    async def until_down(self) -> None:
        await eventually(lambda: holds(lambda: self.listener.trouble is not None), within_seconds=60)


async def holds(condition: Callable[[], bool]) -> bool:
    return condition()


@asynccontextmanager
async def listening(server: MqttServer, **options: Any) -> AsyncIterator[Listening]:
    made = Listening(server, **options)
    made.listener.start()
    try:
        await made.until_up()
        yield made
    finally:
        await made.listener.stop(end_session=False)
