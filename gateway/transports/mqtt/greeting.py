"""How a client introduces itself to an MQTT broker, and what the broker grants it."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from paho.mqtt.client import Client, ConnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gateway.transports.failing import not_taken
from gateway.transports.mqtt.failures import failed, login_failure
from gateway.transports.port import MqttServer

MOST_INCOMING_BYTES = 4_194_304
"""The largest packet that a broker may send us (MQTT 5): far more than a client may say at once."""

_NO_LIMIT = 0

# Mosquitto (2.0.11) acknowledges what is over its message_size_limit with this code, which MQTT 5 has for
# other packets only; paho would not read it, and the message would be tried again and again.
ReasonCode.names = MappingProxyType(
    {
        **ReasonCode.names,
        0x95: {"Packet too large": [PacketTypes.CONNACK, PacketTypes.PUBACK, PacketTypes.DISCONNECT]},
    }
)


@dataclass(frozen=True, slots=True)
class Granted:
    """What the broker said when it let us in."""

    session_present: bool
    receive_maximum: int = 65_535  # publications that it takes without having acknowledged them
    maximum_packet_size: int | None = None
    retain: bool = True


def new_client(server: MqttServer, client_id: str, *, clean_start: bool) -> Client:
    """For one connection."""
    modern = server.protocol == "5"
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        clean_session=None if modern else clean_start,
        protocol=MQTTProtocolVersion.MQTTv5 if modern else MQTTProtocolVersion.MQTTv311,
        reconnect_on_failure=False,  # else it would try older versions of MQTT by itself
        manual_ack=True,
    )
    if server.username is not None:
        client.username_pw_set(server.username, server.password)
    client.max_inflight_messages_set(_NO_LIMIT)  # the window is the publisher's
    return client


def connect_properties(session_seconds: int, receive_maximum: int | None) -> Properties:
    """Of MQTT 5."""
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.MaximumPacketSize = MOST_INCOMING_BYTES
    properties.SessionExpiryInterval = session_seconds
    if receive_maximum is not None:
        properties.ReceiveMaximum = receive_maximum
    return properties


def granted(flags: ConnectFlags, reason: ReasonCode, properties: Properties | None) -> Granted:
    """Raises ProviderError when it did not let us in, or cannot do what we need."""
    if failed(reason.value):
        raise login_failure(reason.value)
    if getattr(properties, "MaximumQoS", 1) < 1:
        raise not_taken("0x9b", "the broker takes no publications at QoS 1")
    return Granted(
        session_present=flags.session_present,
        receive_maximum=getattr(properties, "ReceiveMaximum", 65_535),
        maximum_packet_size=getattr(properties, "MaximumPacketSize", None),
        retain=bool(getattr(properties, "RetainAvailable", 1)),
    )
