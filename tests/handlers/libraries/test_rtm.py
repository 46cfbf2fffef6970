"""The in-app channel with a real Mosquitto, and a client of another make at its other end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import aiomqtt
import orjson
import pytest
from paho.mqtt.properties import Properties

from gateway.errors import FailureKind, ProviderError
from gateway.model.address import Address, Thread
from gateway.model.base import now
from gateway.model.content import TextContent
from gateway.rtm.names import Device, down
from gateway.transports.mqtt.publisher import MqttPublisher
from gateway.transports.port import Transports
from handlers.contract import Handler, Submission, Submitted
from tests.handlers.fake_http import FakeHttp, FakeTokens
from tests.handlers.rows import REFERENCE
from tests.handlers.tables import REGISTRY
from tests.servers.mosquitto import MosquittoServer

pytestmark = pytest.mark.mosquitto

PEOPLE = tuple(f"person-{number:02}" for number in range(50))
ALICE = Address(kind="user_id", id="alice@shop.example")


@pytest.fixture
async def out() -> AsyncIterator[Transports]:
    publisher, http = MqttPublisher("test", connect_timeout_seconds=5.0), FakeHttp()
    yield Transports(http=http, http2=http, mqtt=publisher, tokens=FakeTokens())
    await publisher.close()


def handler(url: str) -> Handler:
    return REGISTRY.handler(REGISTRY.account({"account": "rtm-1", "provider": "rtm", "url": url}, "test"))


def client(mosquitto: MosquittoServer, name: str) -> aiomqtt.Client:
    version = aiomqtt.ProtocolVersion.V5
    return aiomqtt.Client(mosquitto.host, mosquitto.port, identifier=name, protocol=version)


def submission(to: Address, **fields: Any) -> Submission:
    usual = Submission(
        reference=REFERENCE,
        to=to,
        sender="Shop",
        content=TextContent(text="Hello"),
        thread=Thread(id="t-1", type="conversation"),
        expires_at=now() + timedelta(hours=1),
        trace={"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
    )
    return replace(usual, **fields)


async def take(subscriber: aiomqtt.Client, count: int) -> list[aiomqtt.Message]:
    found = []
    async with asyncio.timeout(20):
        async for message in subscriber.messages:
            found.append(message)
            if len(found) == count:
                break
    return found


async def test_a_client_gets_a_message_with_all_that_is_said_of_it(
    mosquitto: MosquittoServer, out: Transports
) -> None:
    async with client(mosquitto, "alice") as device:
        await device.subscribe(down("shop", ALICE.id), qos=1)
        assert await handler(mosquitto.url).send(submission(ALICE), out) == Submitted((REFERENCE,))
        [message] = await take(device, 1)
    assert isinstance(message.payload, bytes)
    told = orjson.loads(message.payload)
    assert (told["message_id"], told["app_id"], told["from"]) == ("order-4711", "shop", "Shop")
    assert (told["content"]["text"], told["thread"]) == ("Hello", {"id": "t-1", "type": "conversation"})
    assert isinstance(message.properties, Properties)
    said = message.properties.json()  # type: ignore[no-untyped-call]
    assert 3_590 < said.pop("MessageExpiryInterval") <= 3_600
    assert said == {
        "ContentType": "application/json",
        "CorrelationData": b"order-4711".hex(),
        "UserProperty": [
            ("type", "message"),
            ("message_id", "order-4711"),
            ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ],
    }


async def test_all_followers_of_a_topic_get_it_on_their_own(
    mosquitto: MosquittoServer, out: Transports
) -> None:
    news = submission(Address(kind="topic", id="news"), audience=PEOPLE)
    async with client(mosquitto, "all") as devices:
        await devices.subscribe("imgw/v1/shop/u/+/down", qos=1)
        await handler(mosquitto.url).send(news, out)
        messages = await take(devices, len(PEOPLE))
    assert sorted(str(message.topic) for message in messages) == [down("shop", user) for user in PEOPLE]


async def test_a_message_to_one_device_reaches_no_other(mosquitto: MosquittoServer, out: Transports) -> None:
    phone = Device("shop", "alice", "phone.1")
    async with client(mosquitto, "all") as devices:
        await devices.subscribe("imgw/v1/#", qos=1)
        to = Address(kind="device", id="alice/phone.1")
        await handler(mosquitto.url).send(submission(to), out)
        await handler(mosquitto.url).send(submission(ALICE), out)
        topics = [str(message.topic) for message in await take(devices, 2)]
    assert topics == [phone.down, down("shop", ALICE.id)]


async def test_a_check_says_which_broker_answered(mosquitto: MosquittoServer, out: Transports) -> None:
    said = await handler(mosquitto.url).check(out)
    assert said == f"MQTT broker 127.0.0.1, port {mosquitto.port}"


async def test_a_check_of_a_broker_that_is_away_says_so(mosquitto: MosquittoServer, out: Transports) -> None:
    mosquitto.stop()
    with pytest.raises(ProviderError) as failure:
        await handler(mosquitto.url).check(out)
    assert failure.value.kind is FailureKind.TRANSIENT
