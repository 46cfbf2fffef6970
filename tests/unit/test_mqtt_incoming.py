"""Publications as they come in: read to the last byte, or as far as they make sense."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties as PahoProperties

from gateway.transports.mqtt.incoming import Incoming, Properties, incoming

_HEAD = b"\0\4t/up\1\2"


def _with(properties: bytes, payload: bytes = b"pay") -> bytes:
    return _HEAD + bytes([len(properties)]) + properties + payload


def test_everything_about_a_publication_is_read() -> None:
    given = PahoProperties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    given.PayloadFormatIndicator = 1
    given.MessageExpiryInterval = 60
    given.ContentType = "application/json"
    given.ResponseTopic = "t/answers"
    given.CorrelationData = b"cor"
    given.SubscriptionIdentifier = [300]
    given.UserProperty = [("a", "1"), ("a", "é")]
    packet = _HEAD + given.pack() + b"pay"  # type: ignore[no-untyped-call]
    read = Properties("t/answers", b"cor", [("a", "1"), ("a", "é")])
    assert incoming(0x33, packet, modern=True) == Incoming(0x0102, True, b"t/up", b"pay", read)


def test_at_qos_0_there_is_no_identifier_and_in_mqtt_3_there_are_no_properties() -> None:
    assert incoming(0x30, b"\0\4t/up\0pay", modern=True) == Incoming(0, False, b"t/up", b"pay", Properties())
    assert incoming(0x32, _HEAD + b"pay", modern=False) == Incoming(
        0x0102, False, b"t/up", b"pay", Properties()
    )


@pytest.mark.parametrize(
    ("properties", "read"),
    [
        pytest.param(b"\x26\0\1\xff\0\3\xef\xbb\xbf", Properties(user=[("\ufffd", "\ufeff")]), id="no text"),
        pytest.param(b"\x08\0\1a\x7f\x08\0\1b", Properties("a"), id="an unknown property ends it"),
        pytest.param(b"\x08\0\1a\x09\0\x09b", Properties("a"), id="one that is longer than all ends it"),
        pytest.param(b"\x08\0\1a\x08\0\1b", Properties("b"), id="of two the last"),
        pytest.param(b"\xff\xff\xff\xff\x01", Properties(), id="a number without an end"),
    ],
)
def test_properties_are_read_as_far_as_they_make_sense(properties: bytes, read: Properties) -> None:
    came = incoming(0x32, _with(properties), modern=True)
    assert (came.properties, came.payload) == (read, b"pay")


@given(st.binary(max_size=100))
def test_no_properties_keep_a_publication_from_being_read(properties: bytes) -> None:
    assert incoming(0x32, _with(properties), modern=True).payload == b"pay"


@pytest.mark.parametrize("command", [0x34, 0x36])
def test_what_comes_at_a_qos_that_nobody_asked_for_is_refused(command: int) -> None:
    with pytest.raises(ValueError, match="QoS"):
        incoming(command, _with(b""), modern=True)


@pytest.mark.parametrize(
    "packet", [b"", b"\0", b"\0\5t/up", b"\0\4t/up\1", _HEAD, _HEAD + b"\5", _HEAD + b"\xff" * 4]
)
def test_what_is_no_publication_is_refused(packet: bytes) -> None:
    with pytest.raises(ValueError, match=r"it ends too early|a number has no end"):
        incoming(0x32, packet, modern=True)
