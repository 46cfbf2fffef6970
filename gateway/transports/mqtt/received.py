"""A publication that came in, and its acknowledgement, which goes out in the order that MQTT wants."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.transports.mqtt.incoming import Incoming


@dataclass(frozen=True, slots=True)
class Received:
    """A publication that came in.

    `acknowledge` is called exactly once, when it is safe elsewhere, also when the connection is lost before
    that; what was acknowledged too late for its connection comes again. Acknowledgements go out in the order
    in which the publications came (MQTT 5, section 4.6), however they are given.
    """

    topic: str
    payload: bytes = field(repr=False)
    retained: bool
    response_topic: str | None
    correlation_data: bytes | None
    user_properties: tuple[tuple[str, str], ...]
    acknowledge: Callable[[], None] = field(repr=False)


class LeftOver:
    """The publications of connections that have ended which whoever took them is not done with.

    They stay in hand: a broker that has lost the session does not send them again. One that has not does so
    on the next connection, under their packet identifiers (MQTT 5, section 4.4): these are not handed out a
    second time.
    """

    def __init__(self) -> None:
        self._entries: list[_Entry] = []

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: _Entry) -> None:
        entry.holder = self
        self._entries.append(entry)

    def take_back(self, came: Incoming) -> _Entry | None:
        """The one that comes again with it, which is no longer left over then."""
        for entry in self._entries:
            if came.identifier and entry.came.identifier == came.identifier and entry.came == came:
                self._entries.remove(entry)
                return entry
        return None

    def settle(self, entry: _Entry) -> None:
        self._entries.remove(entry)


class Unacknowledged:
    """The publications of one connection that the broker has no acknowledgement for, oldest first.

    `send` acknowledges one by its packet identifier. Those at QoS 0, whose identifier is 0, want no
    acknowledgement, and count all the same: as many as whoever takes them is not done with are in memory.
    After `close` nothing more goes out, unless it comes again: the broker knows these publications under this
    connection only. What is still in hand then is `left_over`.
    """

    def __init__(self, send: Callable[[int], None], left_over: LeftOver) -> None:
        self._send = send
        self._left_over = left_over
        self._waiting: deque[_Entry] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, came: Incoming) -> Callable[[], None]:
        """What acknowledges it."""
        entry = _Entry(came, self)
        self._waiting.append(entry)
        return entry.acknowledge

    def comes_again(self, came: Incoming) -> bool:
        """Whether it is still in hand from a connection before. Then it is acknowledged on this one when
        whoever has it is done with it."""
        entry = self._left_over.take_back(came)
        if entry is None:
            return False
        entry.holder = self
        self._waiting.append(entry)
        return True

    def close(self) -> None:
        for entry in self._waiting:
            if not entry.acknowledged:
                self._left_over.add(entry)
        self._waiting.clear()

    def settle(self, entry: _Entry) -> None:
        """It is acknowledged, and so are those behind it that have waited for it."""
        while self._waiting and self._waiting[0].acknowledged:
            self._send(self._waiting.popleft().came.identifier)


@dataclass(eq=False, slots=True)
class _Entry:
    """A publication in hand, and where it counts: with its connection, or with what is left over."""

    came: Incoming
    holder: Unacknowledged | LeftOver
    acknowledged: bool = False

    def acknowledge(self) -> None:
        self.acknowledged = True
        self.holder.settle(self)


def received(came: Incoming, unacknowledged: Unacknowledged) -> Received | None:
    """None when it is still in hand from a connection before. Raises UnicodeDecodeError when the topic is not
    text."""
    topic, properties = came.topic.decode(), came.properties
    if unacknowledged.comes_again(came):
        return None
    return Received(
        topic=topic,
        payload=came.payload,
        retained=came.retained,
        response_topic=properties.response_topic,
        correlation_data=properties.correlation_data,
        user_properties=tuple(properties.user),
        acknowledge=unacknowledged.add(came),
    )
