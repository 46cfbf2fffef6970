"""Where RabbitMQ is the MQTT broker, too: what comes by its exchange amq.topic."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from gateway.broker.port import Delivery
from gateway.errors import BrokerUnavailable
from processors.loop import Loop
from processors.outcome import Processor
from processors.rtm.inlets import QueueInlet, routing_key, topic
from tests.processors.rtm_bridge_world import MO, PHONE, UplinkWorld
from tests.processors.virtual_time import in_virtual_time

BINDINGS = {
    "imgw.v1.*.u.*.d.*.up": "amq.topic",
    "imgw.v1.*.u.*.d.*.rcpt": "amq.topic",
    "imgw.v1.*.u.*.d.*.req": "amq.topic",
    "imgw.v1.*.u.*.d.*.presence": "amq.topic",
}


class Settled:
    """A settlement that keeps how it was used."""

    lost = False

    def __init__(self) -> None:
        self.done: list[str] = []

    async def ack(self) -> None:
        self.done.append("ack")

    async def requeue(self) -> None:
        self.done.append("requeue")


class World:
    def __init__(self, *, on_rabbitmq: bool = True) -> None:
        self.uplinks = UplinkWorld()
        self.declared: dict[str, Mapping[str, str]] = {}
        broker: Any = self.uplinks.broker
        broker.declare_queue = self._declare
        self.inlet = QueueInlet(broker, self.uplinks.uplinks, self._loop, on_rabbitmq=on_rabbitmq)

    async def _declare(self, queue: str, bindings: Mapping[str, str]) -> None:
        if self.uplinks.broker.trouble is not None:
            raise BrokerUnavailable(self.uplinks.broker.trouble)
        self.declared[queue] = dict(bindings)

    def _loop(self, queue: str, processor: Processor) -> Loop:
        async def available() -> None: ...

        broker: Any = self.uplinks.broker
        return Loop(broker, queue, processor.process, workers=2, grace_seconds=5, available=available)


@pytest.mark.parametrize("name", [PHONE.up("up"), "imgw/v1/shop/u/al%2Eice/d/p%2E1/rcpt"])
def test_a_routing_key_is_a_topic_and_back(name: str) -> None:
    assert topic(routing_key(name)) == name


@in_virtual_time
async def test_a_queue_at_amq_topic_is_declared_when_the_broker_comes_and_worked_off() -> None:
    world = World()
    world.uplinks.broker.trouble = "RabbitMQ: refused"
    await world.inlet.start()
    await asyncio.sleep(60)
    assert (world.inlet.listening, world.inlet.trouble) == (False, "imgw.rtm.in is not being consumed")
    world.uplinks.broker.trouble = None
    await asyncio.sleep(2)
    assert (world.declared, world.inlet.trouble) == ({"imgw.rtm.in": BINDINGS}, None)
    settled = Settled()
    key = routing_key(PHONE.up("up"))
    delivery = Delivery("imgw.rtm.in", orjson.dumps(MO), {}, settled, routing_key=key)
    world.uplinks.broker.put(delivery)
    await asyncio.sleep(1)
    (published,) = world.uplinks.broker.published
    assert (published.routing_key, orjson.loads(published.body)["payload"]) == ("imgw.mo.in", MO)
    assert settled.done == ["ack"]
    await world.inlet.stop(10)
    assert world.inlet.listening is False


@in_virtual_time
async def test_without_rabbitmq_it_says_what_to_change() -> None:
    world = World(on_rabbitmq=False)
    await world.inlet.start()
    await asyncio.sleep(5)
    trouble = "inbound amq_topic needs a gateway that stands on RabbitMQ: set IMGW_BROKER__URL"
    assert (world.inlet.trouble, world.inlet.listening, world.declared) == (trouble, False, {})
    await world.inlet.stop(10)
