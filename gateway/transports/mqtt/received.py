"""A publication that came in, and its acknowledgement, which goes out in the order that MQTT wants."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from paho.mqtt.client import MQTTMessage

_AT_LEAST_ONCE = 1


@dataclass(frozen=True, slots=True)
class Received:
    """A publication that came in.

    `acknowledge` is called exactly once, when it is safe elsewhere; what is not acknowledged comes again
    after the connection was lost. Acknowledgements go out in the order in which the publications came (MQTT
    5, section 4.6), however they are given.
    """

    topic: str
    payload: bytes = field(repr=False)
    retained: bool
    response_topic: str | None
    correlation_data: bytes | None
    user_properties: tuple[tuple[str, str], ...]
    acknowledge: Callable[[], None] = field(repr=False)


class Unacknowledged:
    """The publications of one connection that the broker has no acknowledgement for, oldest first.

    `send` acknowledges one by its packet identifier. After `close` nothing more goes out: the broker knows
    these publications under this connection only.
    """

    def __init__(self, send: Callable[[int], None]) -> None:
        self._send = send
        self._waiting: deque[list[int]] = deque()  # each the identifier, and whether it is acknowledged

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, identifier: int) -> Callable[[], None]:
        """What acknowledges it."""
        entry = [identifier, False]
        self._waiting.append(entry)
        return partial(self._acknowledge, entry)

    def close(self) -> None:
        self._waiting.clear()

    def _acknowledge(self, entry: list[int]) -> None:
        entry[1] = True
        while self._waiting and self._waiting[0][1]:
            identifier, _ = self._waiting.popleft()
            self._send(identifier)


def received(message: MQTTMessage, unacknowledged: Unacknowledged) -> Received:
    """Raises UnicodeDecodeError when the topic is not text."""
    topic = message.topic
    properties = message.properties  # None in MQTT 3.1.1
    acknowledge = unacknowledged.add(message.mid) if message.qos == _AT_LEAST_ONCE else _nothing
    return Received(
        topic=topic,
        payload=bytes(message.payload),
        retained=bool(message.retain),
        response_topic=getattr(properties, "ResponseTopic", None),
        correlation_data=getattr(properties, "CorrelationData", None),
        user_properties=tuple(getattr(properties, "UserProperty", ())),
        acknowledge=acknowledge,
    )


def _nothing() -> None:
    """At QoS 0 there is nothing to acknowledge."""
