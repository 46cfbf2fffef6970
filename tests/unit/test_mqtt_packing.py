"""Properties of publications on the wire: as paho would write them, only faster."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.transports.mqtt.packing import check_topic, packed_properties, packet_bytes
from gateway.transports.port import MqttMessage

_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)

_MESSAGES = st.builds(
    MqttMessage,
    topic=st.just("t"),
    payload=st.binary(max_size=200),
    expiry_seconds=st.none() | st.integers(0, 4_294_967_295),
    content_type=st.none() | _TEXT,
    response_topic=st.none() | _TEXT,
    correlation_data=st.none() | st.binary(max_size=200),
    user_properties=st.lists(st.tuples(_TEXT, _TEXT), max_size=5).map(tuple),
)


def _by_paho(message: MqttMessage) -> bytes:
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    wanted: dict[str, Any] = {
        "MessageExpiryInterval": message.expiry_seconds,
        "ContentType": message.content_type,
        "ResponseTopic": message.response_topic,
        "CorrelationData": message.correlation_data,
        "UserProperty": list(message.user_properties) or None,
    }
    for name, value in wanted.items():
        if value is not None:
            setattr(properties, name, value)
    packed: bytes = properties.pack()  # type: ignore[no-untyped-call]
    return packed


@given(_MESSAGES)
def test_properties_are_written_as_paho_writes_them(message: MqttMessage) -> None:
    assert packed_properties(message) == _by_paho(message)


@given(_MESSAGES)
def test_the_size_of_a_packet_is_known_before_it_is_made(message: MqttMessage) -> None:
    packed = packed_properties(message)
    remaining = 2 + 1 + 2 + len(packed) + len(message.payload)
    assert packet_bytes(message, packed) == remaining + (2 if remaining < 128 else 3)


@pytest.mark.parametrize(
    ("payload_bytes", "expected"),
    [(122, 1 + 1 + 127), (123, 1 + 2 + 128), (16_378, 1 + 2 + 16_383), (16_379, 1 + 3 + 16_384)],
)
def test_the_length_takes_as_many_bytes_as_it_needs(payload_bytes: int, expected: int) -> None:
    message = MqttMessage("t", bytes(payload_bytes))
    assert packet_bytes(message, b"") == expected


def test_a_packet_that_mqtt_cannot_carry_is_refused() -> None:
    class Huge(bytes):
        """As if it were that long."""

        def __len__(self) -> int:
            return 268_435_456

    with pytest.raises(ValueError, match="larger than 268435455 bytes"):
        packet_bytes(MqttMessage("t", Huge()), b"")


@pytest.mark.parametrize(("seconds", "written"), [(-5, 0), (2**40, 2**32 - 1)])
def test_an_expiry_that_cannot_be_written_becomes_the_nearest_one(seconds: int, written: int) -> None:
    message = MqttMessage("t", b"", expiry_seconds=seconds)
    assert packed_properties(message) == b"\x05\x02" + written.to_bytes(4, "big")


@pytest.mark.parametrize(
    ("topic", "words"),
    [
        ("", "empty"),
        ("a/+", "wildcard"),
        ("#", "wildcard"),
        ("a\0", "null"),
        ("\ud800", "surrogate"),
        ("é" * 32_768, "longer than 65535"),
    ],
)
def test_what_is_no_topic_to_publish_to_is_refused(topic: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_topic(topic)
