"""A conversation over the in-app channel: a platform, a person with two devices, and what each one sees."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.model.base import now, uuid7
from gateway.rtm.names import Device
from gateway.store.topics import TopicRecord, Topics
from gateway.transports.mqtt.publisher import MqttPublisher
from gateway.transports.port import MqttServer
from processors.demo.device import PlayedDevice
from processors.demo.platform import Platform

ACCOUNT = "rtm-shop"

_APP, _USER, _TOPIC = "chat", "alice", "news"
_WITHIN_SECONDS = 15.0
_POLL_SECONDS = 0.02

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Conversation:
    platform: Platform
    topics: Topics
    say: Say

    async def hold(self, server: MqttServer) -> bool:
        """Whether everything came as it should. Raises GatewayError when nobody answers the devices, or the
        MQTT broker is away."""
        publisher = MqttPublisher("imgw-demo-devices", connect_timeout_seconds=_WITHIN_SECONDS)
        phone, laptop = (
            PlayedDevice(server, Device(_APP, _USER, name), publisher) for name in ("phone", "laptop")
        )
        async with AsyncExitStack() as stack:
            stack.push_async_callback(publisher.close)
            for device in (phone, laptop):
                await device.start()
                stack.push_async_callback(device.stop)
            steps = (self._to_the_person, self._from_the_person, self._to_a_topic)
            return all([await step(phone, laptop) for step in steps])

    async def _to_the_person(self, phone: PlayedDevice, laptop: PlayedDevice) -> bool:
        text = "Your order is on its way."
        message_id = await self._publish({"kind": "user_id", "id": _USER}, text)
        got = [await self._got(device, message_id) for device in (phone, laptop)]
        await phone.read(message_id)
        seen = await laptop.heard_of(_WITHIN_SECONDS, type="receipt", message_id=message_id, status="read")
        told = await self._told(message_id, {"submitted", "delivered", "read"})
        return self._step(
            f"platform → {_USER}: {text}",
            "on phone and laptop; read on the phone, which the laptop hears; DR submitted, delivered, read",
            [*got, seen, told],
        )

    async def _from_the_person(self, phone: PlayedDevice, laptop: PlayedDevice) -> bool:
        text = "Thank you! Leave it with the neighbours."
        id = await phone.write(text, {})
        echoed = await laptop.heard_of(_WITHIN_SECONDS, type="mo", id=id)
        taken = await self._until(lambda: text in self._written())
        return self._step(
            f"{_USER} → platform: {text}",
            "MO on imgw.mo, with its thread; the laptop sees it, too",
            [echoed, taken],
        )

    async def _to_a_topic(self, phone: PlayedDevice, laptop: PlayedDevice) -> bool:
        text = "Free delivery this week."
        await self.topics.add(TopicRecord(_APP, _TOPIC, now(), description="What is new"))
        followed = (await phone.ask("topic_subscribe", topic=_TOPIC))["type"] == "result"
        message_id = await self._publish({"kind": "topic", "id": _TOPIC}, text)
        got = [await self._got(device, message_id) for device in (phone, laptop)]
        told = await self._told(message_id, {"submitted", "delivered"})
        thread = got[0]["thread"]["id"] if got[0] else uuid7()
        answered = await phone.write("Great!", {"id": thread})
        refused = await phone.heard_of(_WITHIN_SECONDS, of=answered, code="thread_one_way")
        return self._step(
            f"platform → all who follow {_TOPIC}: {text}",
            "an announcement on both; DR submitted, delivered; an answer to it is refused: thread_one_way",
            [followed, *got, told, refused],
        )

    def _step(self, what: str, outcome: str, parts: Collection[Any]) -> bool:
        came = all(parts)
        self.say(f"  {what}\n    {outcome if came else 'WRONG: not everything came that should'}")
        return came

    async def _publish(self, to: dict[str, str], text: str) -> str:
        message_id = uuid7()
        content = {"type": "text", "text": text}
        mt = {"message_id": message_id, "app_id": _APP, "channel": "rtm", "to": to, "content": content}
        await self.platform.publish([orjson.dumps(mt)])
        return message_id

    async def _got(self, device: PlayedDevice, message_id: str) -> dict[str, Any] | None:
        return await device.heard_of(_WITHIN_SECONDS, type="message", message_id=message_id)

    async def _told(self, message_id: str, statuses: set[str]) -> bool:
        ledger = self.platform.ledger
        return await self._until(lambda: statuses <= ledger.statuses.get((_APP, message_id), set()))

    def _written(self) -> set[str]:
        mo = self.platform.ledger.mo.values()
        return {each["content"].get("text", "") for each in mo if each["app_id"] == _APP}

    async def _until(self, holds: Callable[[], bool]) -> bool:
        deadline = asyncio.get_running_loop().time() + _WITHIN_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            if holds():
                return True
            await asyncio.sleep(_POLL_SECONDS)
        return False
