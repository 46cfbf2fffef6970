"""Publications as MQTT 5 has them on the wire: their properties, and their size."""

from __future__ import annotations

from gateway.transports.port import MqttMessage

_MOST_FIELD_BYTES = 65_535
_MOST_PACKET_BYTES = 268_435_455
_MOST_EXPIRY_SECONDS = 4_294_967_295

_EXPIRY, _CONTENT_TYPE, _RESPONSE_TOPIC, _CORRELATION, _USER = b"\x02", b"\x03", b"\x08", b"\x09", b"\x26"
_NONE = b"\x00"


class PackedProperties:
    """The properties of a publication, packed once.

    It stands in for paho's own, of which paho asks nothing but `pack` for a publication: they take thirty
    microseconds, which is more than everything else about a publication.
    """

    __slots__ = ("_packed",)

    def __init__(self, packed: bytes) -> None:
        self._packed = packed

    def pack(self) -> bytes:
        return self._packed


def packed_properties(message: MqttMessage) -> bytes:
    """The properties and their length, as they follow the packet identifier. Raises ValueError when MQTT
    cannot carry them."""
    parts = []
    if message.expiry_seconds is not None:
        seconds = min(max(message.expiry_seconds, 0), _MOST_EXPIRY_SECONDS)
        parts += [_EXPIRY, seconds.to_bytes(4, "big")]
    if message.content_type is not None:
        parts += [_CONTENT_TYPE, _text(message.content_type)]
    if message.response_topic is not None:
        parts += [_RESPONSE_TOPIC, _text(message.response_topic)]
    if message.correlation_data is not None:
        parts += [_CORRELATION, _sized(message.correlation_data)]
    for name, value in message.user_properties:
        parts += [_USER, _text(name), _text(value)]
    if not parts:
        return _NONE
    packed = b"".join(parts)
    return _variable(len(packed)) + packed


def check_topic(topic: str) -> None:
    """Raises ValueError when nothing can be published to it."""
    if not topic or "+" in topic or "#" in topic:
        raise ValueError("the topic is empty, or has a wildcard")
    _text(topic)


def packet_bytes(message: MqttMessage, packed: bytes) -> int:
    """The size of the whole packet. `packed` is empty for MQTT 3.1.1. Raises ValueError when it is more than
    a packet can have."""
    remaining = 2 + len(message.topic.encode()) + 2 + len(packed) + len(message.payload)
    if remaining > _MOST_PACKET_BYTES:
        raise ValueError(f"the publication is larger than {_MOST_PACKET_BYTES} bytes")
    return 1 + len(_variable(remaining)) + remaining


def _text(value: str) -> bytes:
    if "\0" in value:
        raise ValueError("a text has a null character")
    try:
        return _sized(value.encode())
    except UnicodeEncodeError as error:  # it would hold the text
        raise ValueError("a text has half of a surrogate pair") from error


def _sized(value: bytes) -> bytes:
    if len(value) > _MOST_FIELD_BYTES:
        raise ValueError(f"the topic or a property is longer than {_MOST_FIELD_BYTES} bytes")
    return len(value).to_bytes(2, "big") + value


def _variable(number: int) -> bytes:
    """A variable byte integer (MQTT 5, section 1.5.5)."""
    digits = bytearray()
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    digits.append(number)
    return bytes(digits)
