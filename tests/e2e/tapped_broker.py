"""The MQTT broker of a world by somebody who is let in everywhere: hears all that devices and the gateway say
there, and says what the gateway would not."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiomqtt

from gateway.model.base import now, rfc3339
from gateway.rtm.names import PREFIX, Device, down
from tests.servers.mosquitto import MosquittoServer
from tests.waiting import eventually


@dataclass
class Tap:
    """What was heard, by topic and in its order."""

    client: aiomqtt.Client
    heard: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def on(self, topic: str) -> list[dict[str, Any]]:
        return [document for heard_on, document in self.heard if heard_on == topic]

    def receipts(self, device: Device) -> list[tuple[str, str]]:
        """That this device has told: message ids and statuses."""
        return [(receipt["message_id"], receipt["status"]) for receipt in self.on(device.up("rcpt"))]

    async def until_receipts(self, device: Device, *receipts: tuple[str, str]) -> None:
        """Wait until the device has told these, in this order, and no others."""

        async def told() -> bool:
            return self.receipts(device) == list(receipts)

        try:
            await eventually(told)
        except AssertionError:
            assert self.receipts(device) == list(receipts)

    async def until_answered(self, device: Device) -> None:
        """Wait until the device has got an answer to a request."""

        async def answered() -> bool:
            return any(answer["type"] == "result" for answer in self.on(device.responses))

        await eventually(answered)

    async def until_presence(self, device: Device, *online: bool) -> None:
        """Wait until the device has said these of itself, in this order."""

        async def said() -> bool:
            return [each["online"] for each in self.on(device.up("presence"))] == list(online)

        await eventually(said)

    async def until_refused(self, device: Device, message_id: str, times: int) -> None:
        """Wait until the device was told so often that its receipts of an MT are not taken."""

        async def refused() -> bool:
            answers = [(answer["type"], answer["of"]) for answer in self.on(device.responses)]
            return answers.count(("refused", message_id)) == times

        await eventually(refused)

    async def message(self, device: Device, message_id: str) -> dict[str, Any]:
        """An MT as the person's devices got it."""

        async def there() -> dict[str, Any] | None:
            found = self.on(down(device.app_id, device.user_id))
            return next((each for each in found if each["message_id"] == message_id), None)

        message = await eventually(there)
        assert message is not None
        return message

    async def bring(self, device: Device, message: Mapping[str, Any]) -> None:
        """Publish an MT to all devices of the person."""
        await self.client.publish(down(device.app_id, device.user_id), json.dumps(message), qos=1)


def over(message: Mapping[str, Any], message_id: str, text: str) -> dict[str, Any]:
    """Another MT like this one, whose time has passed."""
    ended = rfc3339(now() - timedelta(seconds=1))
    return like(message, message_id, text) | {"expires_at": ended}


def like(message: Mapping[str, Any], message_id: str, text: str) -> dict[str, Any]:
    """Another MT like this one, of which the gateway knows nothing."""
    return {**message, "message_id": message_id, "content": {"type": "text", "text": text}}


@asynccontextmanager
async def tapped(broker: MosquittoServer) -> AsyncIterator[Tap]:
    """For as long as the broker runs."""
    async with aiomqtt.Client(broker.host, broker.port) as client:
        await client.subscribe(f"{PREFIX}/#", qos=1)
        tap = Tap(client)
        listening = asyncio.create_task(_listen(tap))
        try:
            yield tap
        finally:
            listening.cancel()
            await asyncio.wait([listening])


async def _listen(tap: Tap) -> None:
    with contextlib.suppress(aiomqtt.MqttError):  # the broker is gone
        async for message in tap.client.messages:
            tap.heard.append((str(message.topic), json.loads(bytes(message.payload))))
