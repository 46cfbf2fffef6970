"""What takes the publications of one account's devices: over MQTT, or from the broker that the gateway stands
on, where that is the MQTT broker, too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from gateway.broker.port import Broker, Delivery
from gateway.broker.topology import RTM_IN
from gateway.errors import UnavailableError
from gateway.model.base import now
from gateway.rtm.names import UP_KINDS, up_filter
from gateway.transports.mqtt.received import Received
from processors.loop import Loop
from processors.outcome import Done, Outcome, Processor
from processors.rtm.bridge import Bridge
from processors.rtm.uplinks import Uplinks

logger = structlog.get_logger("rtm")

AMQ_TOPIC = "amq.topic"
"""Where RabbitMQ's MQTT plugin publishes what clients do, and takes what they get."""
_PAUSE_SECONDS = 1.0


class MqttInlet:
    """A bridge, and what deals with what it takes."""

    def __init__(self, bridge: Bridge, uplinks: Uplinks) -> None:
        self._bridge = bridge
        self._uplinks = uplinks

    @property
    def trouble(self) -> str | None:
        return self._bridge.trouble or self._uplinks.trouble

    @property
    def listening(self) -> bool:
        return self._bridge.listening

    async def start(self) -> None:
        self._uplinks.start()
        self._bridge.start()

    async def stop(self, within_seconds: float, *, for_good: bool = False) -> None:
        await self._bridge.stop(within_seconds, for_good=for_good)
        await self._uplinks.stop()


class QueueInlet:
    """A queue at amq.topic, which all instances of the rtm daemon work off together. `loop_of` makes what
    works a queue off. Nothing is taken unless the gateway stands `on_rabbitmq`.

    It does not bear the account's name: there is but one such account, and were it to get another name, the
    queue of the old one would fill with what nobody takes.
    """

    def __init__(
        self,
        broker: Broker,
        uplinks: Uplinks,
        loop_of: Callable[[str, Processor], Loop],
        *,
        on_rabbitmq: bool,
    ) -> None:
        self._broker = broker
        self._loop = loop_of(RTM_IN, QueuedUplinks(uplinks))
        self._on_rabbitmq = on_rabbitmq
        self._task: asyncio.Task[None] | None = None

    @property
    def trouble(self) -> str | None:
        if not self._on_rabbitmq:
            return "inbound amq_topic needs a gateway that stands on RabbitMQ: set IMGW_BROKER__URL"
        return None if self._loop.consuming else f"{RTM_IN} is not being consumed"

    @property
    def listening(self) -> bool:
        return self._loop.consuming

    async def start(self) -> None:
        if self._on_rabbitmq:
            self._task = asyncio.create_task(self._run(), name=RTM_IN)

    async def stop(self, within_seconds: float, *, for_good: bool = False) -> None:
        """The queue stays, and with it what devices publish meanwhile."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._loop.stop()

    async def _run(self) -> None:
        bindings = {routing_key(up_filter(kind)): AMQ_TOPIC for kind in UP_KINDS}
        said = ""
        while True:
            try:
                await self._broker.declare_queue(RTM_IN, bindings)
            except UnavailableError as error:
                if said != str(error):
                    logger.warning("inlet.waiting", queue=RTM_IN, error=str(error))
                said = str(error)
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                self._loop.start()
                return


class QueuedUplinks:
    """Processes deliveries of such a queue."""

    def __init__(self, uplinks: Uplinks) -> None:
        self._uplinks = uplinks

    async def process(self, delivery: Delivery) -> Outcome:
        received = Received(
            topic=topic(delivery.routing_key),
            payload=delivery.body,
            retained=False,
            response_topic=None,
            correlation_data=None,
            user_properties=(),
            acknowledge=_nothing,  # the loop does, with the delivery
        )
        await self._uplinks.deal_or_bury(received, now())
        return Done()


def routing_key(topic: str) -> str:
    """As RabbitMQ's MQTT plugin translates topics and filters. Our levels hold no dots."""
    return topic.replace("/", ".").replace("+", "*")


def topic(routing_key: str) -> str:
    return routing_key.replace(".", "/")


def _nothing() -> None: ...
