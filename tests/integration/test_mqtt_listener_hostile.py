"""The MQTT listener, and clients that publish what no honest one would."""

from __future__ import annotations

import asyncio

import pytest

from gateway.transports.mqtt.listener import MqttListener
from gateway.transports.mqtt.received import Received
from gateway.transports.port import MqttServer
from tests.integration.mqtt_broker import CONNECT, PUBACK, SUBSCRIBE, connack, scripted_broker, suback
from tests.integration.mqtt_clients import publish, server_of
from tests.integration.mqtt_listening import listening
from tests.servers.mosquitto import MosquittoServer
from tests.waiting import eventually

MARKED = "\ufeff".encode()  # U+FEFF: text to brokers, but not to every client


def _sized(value: bytes) -> bytes:
    return len(value).to_bytes(2, "big") + value


def _packet(first: int, body: bytes) -> bytes:
    assert len(body) < 128
    return bytes([first, len(body)]) + body


async def _publish_raw(server: MqttServer, properties: bytes, payload: bytes) -> None:
    """At QoS 1, with these bytes as properties; returns when the broker has it."""
    reader, writer = await asyncio.open_connection(server.host, server.port)
    try:
        writer.write(_packet(0x10, _sized(b"MQTT") + b"\x05\x02\x00\x3c\x00" + _sized(b"hostile")))
        await reader.readexactly((await reader.readexactly(2))[1])
        body = _sized(b"t/1/up") + b"\0\1" + bytes([len(properties)]) + properties + payload
        writer.write(_packet(0x32, body))
        assert (await reader.readexactly(1))[0] >> 4 == PUBACK
    finally:
        writer.close()


@pytest.mark.mosquitto
@pytest.mark.parametrize(
    "properties",
    [
        pytest.param(b"\x26" + _sized(MARKED) + _sized(b"x" + MARKED), id="a user property"),
        pytest.param(b"\x08" + _sized(b"a" + MARKED), id="a response topic"),
        pytest.param(b"\x03" + _sized(MARKED), id="a content type"),
        pytest.param(b"\x01\x07", id="a payload format that there is not"),
    ],
)
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_a_property_that_no_library_reads_keeps_nothing_else_from_coming(
    mosquitto: MosquittoServer, properties: bytes, protocol: str
) -> None:
    async with listening(server_of(mosquitto, protocol=protocol)) as made:
        await _publish_raw(server_of(mosquitto), properties, b"hostile")
        await publish(mosquitto, "t/1/up", "honest")
        await made.until_taken(2)
        assert made.payloads() == [b"hostile", b"honest"]
        assert (made.listener.trouble, made.listener.unacknowledged) == (None, 2)


async def test_of_a_flood_at_qos_0_no_more_is_in_memory_than_whoever_takes_it_can_deal_with() -> None:
    taken: list[Received] = []
    flood = _packet(0x30, _sized(b"t/up") + b"\0" + b"x" * 100) * 10_000

    def answer(kind: int, body: bytes) -> bytes:
        if kind == CONNECT:
            return connack()
        return suback(body, [1]) + flood if kind == SUBSCRIBE else b""

    async with scripted_broker(answer) as broker:
        listener = MqttListener(
            broker.server,
            "bridge",
            ["t/up"],
            taken.append,
            session_seconds=600,
            receive_maximum=10,
            connect_timeout_seconds=5.0,
        )
        listener.start()
        for done in range(10_000):

            async def there(done: int = done) -> bool:
                return len(taken) > done

            await eventually(there, every_seconds=0)
            assert len(taken) - done <= 11
            taken[done].acknowledge()
        assert (len(taken), listener.unacknowledged) == (10_000, 0)
        assert [kind for kind, _ in broker.packets if kind == PUBACK] == []
        await listener.stop(end_session=False)
