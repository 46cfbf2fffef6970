"""A device of an application, by aiomqtt: a client that is not ours and knows nothing but topics and JSON."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.rtm.names import Device, UpKind
from tests.servers.mosquitto import MosquittoServer
from tests.waiting import eventually

SESSION_SECONDS = 3_600


@dataclass(frozen=True, slots=True)
class Heard:
    """A publication that came to a device."""

    topic: str
    document: dict[str, Any]
    correlation: bytes | None
    properties: dict[str, str]
    expiry_seconds: int | None


@dataclass
class DeviceClient:
    """Connects with `connected`, keeps its session at the broker, and everything that it ever heard."""

    device: Device
    heard: list[Heard] = field(default_factory=list)
    _reason: int = field(default=0, init=False)  # of the broker, for what was published last
    _client: aiomqtt.Client | None = field(default=None, init=False)

    @asynccontextmanager
    async def connected(
        self, broker: MosquittoServer, *, presence: bool = True, token: str | None = None
    ) -> AsyncIterator[None]:
        """Connected, subscribed and listening meanwhile; with `presence`, the gateway is told so. `token`
        is for a broker that does not let everybody in."""
        session = uuid.uuid4().hex
        client = aiomqtt.Client(
            broker.host,
            broker.port,
            username=None if token is None else self.device.login,
            password=token,
            identifier=self.device.login,
            protocol=aiomqtt.ProtocolVersion.V5,
            clean_start=False,
            properties=_expiring(),
            will=self._will(session) if presence else None,
        )
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(client)
            self._overhear_reasons(client)
            for topic in self.device.subscriptions:
                await client.subscribe(topic, qos=1)
            listening = asyncio.create_task(self._listen(client))
            stack.push_async_callback(_ended, listening)
            self._client = client
            stack.callback(self._gone)
            if presence:
                await self._tell(session, online=True)
            yield
            if presence:
                await self._tell(session, online=False)

    async def publish(
        self, kind: UpKind, document: Any, *, answer: bool = True, correlation: bytes | None = None
    ) -> bool:
        """Returns once the broker has it: whether somebody has subscribed to it. Raises aiomqtt.MqttError."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if answer:
            properties.ResponseTopic = self.device.responses
        if correlation is not None:
            properties.CorrelationData = correlation
        payload = document if isinstance(document, bytes) else json.dumps(document)
        assert self._client is not None
        await self._client.publish(
            self.device.up(kind), payload, qos=1, retain=kind == "presence", properties=properties
        )
        return self._reason != _NO_SUBSCRIBER

    async def reconnect(self) -> None:
        """After the broker was gone; to the same session."""
        client = self._client
        assert client is not None
        with contextlib.suppress(aiomqtt.MqttError):
            await client.__aexit__(None, None, None)

        async def there() -> bool:
            try:
                await client.__aenter__()
            except aiomqtt.MqttError:
                return False
            return True

        await eventually(there, every_seconds=0.1)

    async def say(self, text: str, id: str | None = None, **fields: Any) -> str:
        """Publish an MO; its id."""
        id = id or uuid.uuid4().hex
        await self.publish("up", {"id": id, "content": {"type": "text", "text": text}, **fields})
        return id

    async def receipt(self, message_id: str, status: str) -> None:
        await self.publish("rcpt", {"message_id": message_id, "status": status})

    async def ask(self, action: str, **fields: Any) -> dict[str, Any]:
        """Make a request; what is answered."""
        id = uuid.uuid4().hex
        await self.publish("req", {"id": id, "action": action, **fields}, correlation=id.encode())
        return await self.answer(id)

    async def answer(self, of: str) -> dict[str, Any]:
        """What the gateway answers to an MO or a request, or to a receipt by its message id."""

        async def found() -> dict[str, Any] | None:
            return next((each for each in self.of_type(*_ANSWERS) if each.get("of") == of), None)

        answer = await eventually(found)
        assert answer is not None
        return answer

    def of_type(self, *types: str) -> list[dict[str, Any]]:
        return [heard.document for heard in self.heard if heard.document["type"] in types]

    def texts(self) -> list[str]:
        """Of the MT that it got, in their order."""
        return [message["content"]["text"] for message in self.of_type("message")]

    async def until_texts(self, *texts: str) -> None:
        async def there() -> bool:
            return self.texts() == list(texts)

        try:
            await eventually(there)
        except AssertionError:
            assert self.texts() == list(texts)

    def _will(self, session: str) -> aiomqtt.Will:
        gone = json.dumps({"online": False, "session": session})
        return aiomqtt.Will(self.device.up("presence"), gone, qos=1, retain=True)

    async def _tell(self, session: str, *, online: bool) -> None:
        await self.publish("presence", {"online": online, "session": session}, answer=False)

    async def _listen(self, client: aiomqtt.Client) -> None:
        with contextlib.suppress(aiomqtt.MqttError):  # the broker is gone
            async for message in client.messages:
                properties = message.properties
                self.heard.append(
                    Heard(
                        topic=str(message.topic),
                        document=json.loads(bytes(message.payload)),
                        correlation=getattr(properties, "CorrelationData", None),
                        properties=dict(getattr(properties, "UserProperty", ())),
                        expiry_seconds=getattr(properties, "MessageExpiryInterval", None),
                    )
                )

    def _overhear_reasons(self, client: aiomqtt.Client) -> None:
        """aiomqtt does not tell what the broker says to a publication that it takes."""
        heard = client._client.on_publish
        assert heard is not None

        def on_publish(*arguments: Any) -> None:
            self._reason = arguments[3].value
            heard(*arguments)

        client._client.on_publish = on_publish

    def _gone(self) -> None:
        self._client = None


_NO_SUBSCRIBER = 0x10
_ANSWERS = ("accepted", "refused", "result")


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


def _expiring() -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = SESSION_SECONDS
    return properties
