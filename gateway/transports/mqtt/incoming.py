"""Reads publications that come in, whatever their clients put into them.

Brokers pass properties on as they are. One that paho does not take would end the connection of whoever
listens, and come again with the next one, for ever: Mosquitto (2.0.11) lets a text with U+FEFF through, and a
payload format indicator that there is not.
"""

from __future__ import annotations

from dataclasses import dataclass, field

_FIXED_BYTES = {0x01: 1, 0x02: 4, 0x23: 2}  # properties that nobody here asks for, by their identifier
_SUBSCRIPTION_IDENTIFIER = 0x0B
_CONTENT_TYPE, _RESPONSE_TOPIC, _CORRELATION, _USER = 0x03, 0x08, 0x09, 0x26
_MOST_NUMBER_BYTES = 4
_AT_LEAST_ONCE = 1


@dataclass(frozen=True, slots=True)
class Incoming:
    """A publication as it came. `identifier` is 0 at QoS 0."""

    identifier: int
    retained: bool
    topic: bytes
    payload: bytes = field(repr=False)
    properties: Properties


@dataclass(slots=True)
class Properties:
    """Those that are made use of. What is no text has replacement characters in its place."""

    response_topic: str | None = None
    correlation_data: bytes | None = None
    user: list[tuple[str, str]] = field(default_factory=list)


def incoming(command: int, packet: bytes, *, modern: bool) -> Incoming:
    """A PUBLISH from the first byte of its packet, and what follows the length. `modern`: of MQTT 5. Raises
    ValueError when it is none, or comes at QoS 2, which nobody here subscribes with."""
    bytes_left = _Bytes(packet)
    qos = command >> 1 & 3
    if qos > _AT_LEAST_ONCE:
        raise ValueError("not at a QoS that was asked for")
    topic = bytes_left.sized()
    identifier = bytes_left.number(2) if qos else 0
    properties = Properties()
    if modern:
        _read_into(properties, _Bytes(bytes_left.take(bytes_left.variable())))
    return Incoming(identifier, bool(command & 1), topic, bytes_left.rest(), properties)


def _read_into(properties: Properties, bytes_left: _Bytes) -> None:
    """Until there is something that makes no sense: what follows it cannot be told apart."""
    try:
        while bytes_left:
            _read_one(properties, bytes_left)
    except ValueError:
        return


def _read_one(properties: Properties, bytes_left: _Bytes) -> None:
    kind = bytes_left.variable()
    if kind == _USER:
        properties.user.append((bytes_left.text(), bytes_left.text()))
    elif kind == _RESPONSE_TOPIC:
        properties.response_topic = bytes_left.text()
    elif kind == _CORRELATION:
        properties.correlation_data = bytes_left.sized()
    elif kind == _CONTENT_TYPE:
        bytes_left.sized()
    elif kind == _SUBSCRIPTION_IDENTIFIER:
        bytes_left.variable()
    elif kind in _FIXED_BYTES:
        bytes_left.take(_FIXED_BYTES[kind])
    else:
        raise ValueError("no property of a publication")


class _Bytes:
    """Bytes that are read from front to back. Each method raises ValueError when there are too few left."""

    def __init__(self, given: bytes) -> None:
        self._given = given
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._given)

    def take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._given):
            raise ValueError("it ends too early")
        taken, self._at = self._given[self._at : end], end
        return taken

    def rest(self) -> bytes:
        return self.take(len(self._given) - self._at)

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count), "big")

    def variable(self) -> int:
        """A variable byte integer (MQTT 5, section 1.5.5)."""
        value = 0
        for place in range(_MOST_NUMBER_BYTES):
            digit = self.number(1)
            value |= (digit & 0x7F) << 7 * place
            if digit < 0x80:
                return value
        raise ValueError("a number has no end")

    def sized(self) -> bytes:
        return self.take(self.number(2))

    def text(self) -> str:
        return self.sized().decode(errors="replace")
