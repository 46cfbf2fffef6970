"""A device of the in-app channel, played: it hears, says that it got what came, writes and asks."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from gateway.errors import GatewayError
from gateway.model.base import uuid7
from gateway.rtm.names import Device, UpKind
from gateway.transports.mqtt.listener import MqttListener
from gateway.transports.mqtt.publisher import MqttPublisher
from gateway.transports.mqtt.received import Received
from gateway.transports.port import MqttMessage, MqttServer

_CONNECT_SECONDS = 5.0
_PUBLISH_SECONDS = 10.0
_ANSWER_SECONDS = 15.0
_AGAIN_SECONDS = 1.0
_POLL_SECONDS = 0.02


class PlayedDevice:
    """`heard` is all that came, oldest first."""

    def __init__(self, server: MqttServer, device: Device, publisher: MqttPublisher) -> None:
        self.device = device
        self.heard: list[dict[str, Any]] = []
        self._session = uuid7()
        self._server = server
        self._publisher = publisher
        self._listener = MqttListener(
            server,
            device.login,
            device.subscriptions,
            self._take,
            session_seconds=0,
            receive_maximum=100,
            connect_timeout_seconds=_CONNECT_SECONDS,
        )
        self._receipts: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Connect, be there, and be known. Raises GatewayError when nobody answers."""
        self._listener.start()
        await self.ask("device_register", platform="other")
        await self._publish("presence", {"online": True, "session": self._session})

    async def stop(self) -> None:
        await asyncio.gather(*self._receipts)
        await self._publish("presence", {"online": False, "session": self._session})
        await self._listener.stop(end_session=True)

    async def write(self, text: str, thread: dict[str, Any]) -> str:
        """Send an MO; its id."""
        id = uuid7()
        await self._publish("up", {"id": id, "content": {"type": "text", "text": text}, "thread": thread}, id)
        return id

    async def read(self, message_id: str) -> None:
        """Say that the person has seen it."""
        await self._publish("rcpt", {"message_id": message_id, "status": "read"})

    async def ask(self, action: str, **fields: Any) -> dict[str, Any]:
        """The answer to a request; it is made again, with the same id, until one comes. Raises GatewayError
        when none does."""
        id = uuid7()
        for _ in range(round(_ANSWER_SECONDS / _AGAIN_SECONDS)):
            await self._publish("req", {"id": id, "action": action, **fields}, id)
            answer = await self.heard_of(_AGAIN_SECONDS, of=id)
            if answer is not None:
                return answer
        raise GatewayError(f"the gateway does not answer the device's {action}")

    async def heard_of(self, within_seconds: float, **what: Any) -> dict[str, Any] | None:
        """The first thing that came with these fields; None when it does not come in time."""
        deadline = asyncio.get_running_loop().time() + within_seconds
        while asyncio.get_running_loop().time() < deadline:
            for heard in self.heard:
                if what.items() <= heard.items():
                    return heard
            await asyncio.sleep(_POLL_SECONDS)
        return None

    def _take(self, received: Received) -> None:
        received.acknowledge()
        # amqtt 0.12 also gives a client what it has published itself to be retained (seen 2026-11).
        if received.topic not in self.device.subscriptions:
            return
        heard = orjson.loads(received.payload)
        self.heard.append(heard)
        if heard["type"] == "message":
            receipt = {"message_id": heard["message_id"], "status": "delivered"}
            task = asyncio.create_task(self._publish("rcpt", receipt))
            self._receipts.add(task)
            task.add_done_callback(self._receipts.discard)

    async def _publish(self, kind: UpKind, document: dict[str, Any], correlation: str = "") -> None:
        message = MqttMessage(
            self.device.up(kind),
            orjson.dumps(document),
            response_topic=self.device.responses,
            correlation_data=correlation.encode(),
            retain=kind == "presence",
        )
        await self._publisher.publish(self._server, [message], timeout_seconds=_PUBLISH_SECONDS)
