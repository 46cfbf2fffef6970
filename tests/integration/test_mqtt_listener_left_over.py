"""The MQTT listener on connections that end again and again, while nothing of what came is dealt with."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.ports import free_port
from gateway.transports.mqtt.listener import MqttListener
from gateway.transports.mqtt.pauses import Pauses
from gateway.transports.mqtt.received import LeftOver, Received
from gateway.transports.port import MqttServer
from tests.faults.proxy import Proxy
from tests.integration.mqtt_broker import (
    CONNECT,
    PUBACK,
    SUBSCRIBE,
    Answer,
    ScriptedBroker,
    connack,
    publication,
    scripted_broker,
    suback,
)
from tests.integration.mqtt_clients import publish, publish_lines, server_of
from tests.integration.mqtt_listening import listening
from tests.servers.mosquitto import MosquittoServer
from tests.waiting import eventually

MOST = 5
BEHIND = "what came before is not dealt with yet, and is as much as is taken at once"


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pauses, "after", lambda *_: 0.01)


def _listener(
    broker: ScriptedBroker, take: Callable[[Received], None], left_over: LeftOver | None = None
) -> MqttListener:
    return MqttListener(
        broker.server,
        "bridge",
        ["t/up"],
        take,
        session_seconds=600,
        receive_maximum=MOST,
        connect_timeout_seconds=5.0,
        left_over=left_over,
    )


def _sending(numbers: Callable[[], range]) -> Answer:
    """On each connection these publications."""

    def answer(kind: int, body: bytes) -> bytes:
        if kind == CONNECT:
            return connack()
        return suback(body, [1]) + b"".join(map(publication, numbers())) if kind == SUBSCRIBE else b""

    return answer


async def _until(condition: Callable[[], bool]) -> None:
    async def holds() -> bool:
        return condition()

    await eventually(holds, within_seconds=30)


async def test_a_broker_that_sends_again_what_is_in_hand_makes_it_no_more_and_hears_of_it_once() -> None:
    taken: list[Received] = []
    async with scripted_broker(_sending(lambda: range(1, MOST + 1))) as broker:
        listener = _listener(broker, taken.append)
        listener.start()
        for connections in range(1, 6):
            await _until(lambda count=connections: broker.connections == count)  # type: ignore[misc]
            await _until(lambda: listener.unacknowledged == MOST)
            if connections < 5:
                broker.writers[-1].transport.abort()
        assert [each.payload for each in taken] == [b"1", b"2", b"3", b"4", b"5"]
        for each in reversed(taken):
            each.acknowledge()
        await _until(lambda: len(_acknowledged(broker)) == MOST)
        assert (_acknowledged(broker), listener.unacknowledged, listener.trouble) == (
            [1, 2, 3, 4, 5],
            0,
            None,
        )
        await listener.stop(end_session=False)


async def test_a_broker_that_forgets_brings_no_more_than_twice_as_many_before_they_are_dealt_with() -> None:
    taken: list[Received] = []
    async with scripted_broker(_sending(lambda: range(len(taken) + 1, len(taken) + MOST + 1))) as broker:
        listener = _listener(broker, taken.append)
        listener.start()
        for connections in (1, 2):
            await _until(lambda count=connections: len(taken) == count * MOST)  # type: ignore[misc]
            broker.writers[-1].transport.abort()
        await _until(lambda: listener.trouble == BEHIND)
        for each in taken[:4]:
            each.acknowledge()
        assert (broker.connections, len(taken), listener.unacknowledged) == (2, 2 * MOST, 0)
        taken[4].acknowledge()
        await _until(lambda: len(taken) == 3 * MOST)
        await _until(lambda: listener.trouble is None)
        assert [each.payload for each in taken] == [str(number).encode() for number in range(1, 3 * MOST + 1)]
        await listener.stop(end_session=False)


async def test_what_another_listener_has_left_counts_for_all_who_share_it() -> None:
    taken: list[Received] = []
    left_over = LeftOver()
    async with scripted_broker(_sending(lambda: range(len(taken) + 1, len(taken) + MOST + 1))) as broker:
        for listeners in (1, 2):
            gone = _listener(broker, taken.append, left_over)
            gone.start()
            await _until(lambda count=listeners: len(taken) == count * MOST)  # type: ignore[misc]
            await gone.stop(end_session=False)
        listener = _listener(broker, taken.append, left_over)
        listener.start()
        await _until(lambda: listener.trouble == BEHIND)
        assert broker.connections == 2
        for each in taken:
            each.acknowledge()
        await _until(lambda: len(taken) == 3 * MOST)
        await listener.stop(end_session=False)


async def test_a_listener_that_waits_for_what_came_before_can_be_stopped() -> None:
    taken: list[Received] = []
    async with scripted_broker(_sending(lambda: range(len(taken) + 1, len(taken) + MOST + 1))) as broker:
        listener = _listener(broker, taken.append)
        listener.start()
        for connections in (1, 2):
            await _until(lambda count=connections: len(taken) == count * MOST)  # type: ignore[misc]
            broker.writers[-1].transport.abort()
        await _until(lambda: listener.trouble == BEHIND)
        await listener.stop(end_session=False)
        assert (listener.trouble, broker.connections) == ("it has been stopped", 2)


@pytest.mark.mosquitto
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_what_mosquitto_sends_again_is_taken_once_and_acknowledged_when_it_is_dealt_with(
    mosquitto: MosquittoServer, protocol: str
) -> None:
    port = free_port()
    through = MqttServer("127.0.0.1", port, protocol=server_of(mosquitto, protocol=protocol).protocol)
    async with Proxy(port, [mosquitto.port]) as proxy, listening(through) as made:
        await publish_lines(mosquitto, "t/1/up", [str(number) for number in range(10)])
        await made.until_taken(10)
        for number in (10, 11):
            await proxy.refuse()
            await made.until_down()
            await proxy.listen()
            await made.until_up()
            await publish(mosquitto, "t/1/up", str(number))
            await made.until_taken(number + 1)
        wanted = [str(number).encode() for number in range(12)]
        assert (made.payloads(), made.listener.unacknowledged) == (wanted, 12)
        for each in made.taken:
            each.acknowledge()
        assert made.listener.unacknowledged == 0
    async with listening(server_of(mosquitto)) as again:
        await publish(mosquitto, "t/1/up", "new")
        await again.until_taken(1)
        assert again.payloads() == [b"new"]


def _acknowledged(broker: ScriptedBroker) -> list[int]:
    """The packet identifiers of the acknowledgements that the broker has had."""
    return [int.from_bytes(body[:2], "big") for kind, body in broker.packets if kind == PUBACK]
