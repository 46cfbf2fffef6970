"""A publication that came in, and its acknowledgement, which goes out in the order that MQTT wants."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from gateway.transports.mqtt.incoming import Incoming


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

    `send` acknowledges one by its packet identifier. Those at QoS 0, whose identifier is 0, want no
    acknowledgement, and count all the same: as many as whoever takes them is not done with are in memory.
    After `close` nothing more goes out: the broker knows these publications under this connection only.
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


def received(came: Incoming, unacknowledged: Unacknowledged) -> Received:
    """Raises UnicodeDecodeError when the topic is not text."""
    topic, properties = came.topic.decode(), came.properties
    return Received(
        topic=topic,
        payload=came.payload,
        retained=came.retained,
        response_topic=properties.response_topic,
        correlation_data=properties.correlation_data,
        user_properties=tuple(properties.user),
        acknowledge=unacknowledged.add(came.identifier),
    )
