"""The MQTT listener with brokers that refuse subscriptions, throw it out, and send too much."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.transports.mqtt import connection as connection_module
from gateway.transports.mqtt import listener as listener_module
from gateway.transports.mqtt.listener import MqttListener
from gateway.transports.mqtt.pauses import Pauses
from gateway.transports.mqtt.received import Received
from tests.integration.mqtt_broker import (
    CONNECT,
    PINGREQ,
    PINGRESP,
    SUBSCRIBE,
    ScriptedBroker,
    connack,
    disconnect,
    publication,
    scripted_broker,
    suback,
)
from tests.waiting import eventually


def _listener(broker: ScriptedBroker, take: Callable[[Received], None], *, most: int = 100) -> MqttListener:
    return MqttListener(
        broker.server,
        "bridge",
        ["$share/imgw/t/up", "t/presence"],
        take,
        session_seconds=600,
        receive_maximum=most,
        connect_timeout_seconds=5.0,
    )


def _nothing(came: Received) -> None:
    pass


async def _longer(taken: list[Received], count: int) -> bool:
    return len(taken) > count


async def _trouble(listener: MqttListener, words: str | None) -> None:
    async def has_it() -> bool:
        return listener.trouble == words

    await eventually(has_it, within_seconds=30)


async def test_a_refused_subscription_is_told_and_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener_module, "_REFUSED_PAUSE_SECONDS", 0.3)
    codes = [[1, 0x87], [0x9E, 0], [1, 1]]

    def answer(kind: int, body: bytes) -> bytes:
        if kind == CONNECT:
            return connack()
        return suback(body, codes.pop(0)) if kind == SUBSCRIBE else b""

    async with scripted_broker(answer) as broker:
        listener = _listener(broker, _nothing)
        listener.start()
        await _trouble(listener, "the broker refuses subscriptions: t/presence: not authorized (0x87)")
        await _trouble(
            listener,
            "the broker refuses subscriptions: $share/imgw/t/up: shared subscriptions not supported: set the"
            " account's parameters.inbound (0x9e); t/presence: only QoS 0",
        )
        await _trouble(listener, None)
        assert broker.connections == 1
        await listener.stop(end_session=False)


async def test_a_session_that_another_one_took_over_is_left_to_it_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []
    real = Pauses.after

    def noted(self: Pauses, lived_seconds: float, code: int | None) -> float:
        pauses.append(real(self, lived_seconds, code))
        return pauses[-1]

    monkeypatch.setattr(Pauses, "after", noted)

    def answer(kind: int, body: bytes) -> bytes:
        return connack() if kind == CONNECT else suback(body, [1, 1]) + disconnect(0x8E)

    async with scripted_broker(answer) as broker:
        listener = _listener(broker, _nothing)
        listener.start()
        await _trouble(
            listener,
            "the broker ended the connection:"
            " session taken over by another connection with the same client identifier (0x8e)",
        )
        assert (pauses, broker.connections) == ([30.0], 1)
        await listener.stop(end_session=False)


async def test_a_broker_that_sends_too_much_has_to_wait_and_is_not_taken_for_dead() -> None:
    taken: list[Received] = []

    def answer(kind: int, body: bytes) -> bytes:
        if kind == CONNECT:
            return connack()
        if kind == SUBSCRIBE:
            return suback(body, [1, 1]) + b"".join(publication(number) for number in range(1, 5_001))
        return b""

    async with scripted_broker(answer) as broker:
        listener = _listener(broker, taken.append, most=10)
        listener.start()
        await _trouble(listener, None)
        most = 0
        for done in range(5_000):
            await eventually(lambda done=done: _longer(taken, done), every_seconds=0)  # type: ignore[misc]
            most = max(most, listener.unacknowledged)
            taken[done].acknowledge()
        assert [each.payload for each in taken] == [str(number).encode() for number in range(1, 5_001)]
        assert (most, broker.connections) == (11, 1)
        await listener.stop(end_session=False)


async def test_a_broker_that_has_to_wait_for_long_is_not_taken_for_dead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection_module, "KEEP_ALIVE_SECONDS", 1)
    monkeypatch.setattr(connection_module, "_TICK_SECONDS", 0.1)
    monkeypatch.setattr(connection_module, "_TICKS_A_PING", 1)
    taken: list[Received] = []

    def answer(kind: int, body: bytes) -> bytes:
        if kind == CONNECT:
            return connack()
        if kind == SUBSCRIBE:
            return suback(body, [1, 1]) + publication(1) + publication(2) + publication(3)
        return PINGRESP if kind == PINGREQ else b""

    async with scripted_broker(answer) as broker:

        async def pings() -> bool:
            return sum(kind == PINGREQ for kind, _ in broker.packets) >= 30

        listener = _listener(broker, taken.append, most=1)
        listener.start()
        await eventually(pings, within_seconds=60)
        assert [each.payload for each in taken] == [b"1", b"2"]
        taken[0].acknowledge()
        await eventually(lambda: _longer(taken, 2))
        assert (listener.trouble, broker.connections) == (None, 1)
        await listener.stop(end_session=False)


async def test_what_is_not_mqtt_is_hung_up_on_and_told() -> None:
    def answer(kind: int, body: bytes) -> bytes:
        return connack() if kind == CONNECT else b"\x90\x02\x00\x01\x30\xff\xff\xff\xff\xff"

    async with scripted_broker(answer) as broker:
        listener = _listener(broker, _nothing)
        listener.start()
        await _trouble(listener, "what the broker sent is not MQTT")
        await listener.stop(end_session=False)
