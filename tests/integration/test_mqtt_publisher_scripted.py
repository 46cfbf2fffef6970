"""The MQTT publisher with brokers that refuse, tarry, and fall silent."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace

import pytest

from gateway.errors import FailureKind, ProviderError
from gateway.transports.mqtt import connection as connection_module
from gateway.transports.mqtt import outgoing as outgoing_module
from gateway.transports.mqtt import publisher as publisher_module
from gateway.transports.mqtt.publisher import MqttPublisher
from gateway.transports.port import MqttMessage, MqttServer
from tests.integration.mqtt_broker import (
    CONNECT,
    PUBLISH,
    Answer,
    ScriptedBroker,
    connack,
    disconnect,
    puback,
    receive_maximum,
    scripted_broker,
)
from tests.integration.mqtt_clients import numbered
from tests.waiting import eventually

Found = tuple[FailureKind, str, str | None]

UNAVAILABLE = "provider_unavailable"


@pytest.fixture
async def publisher() -> AsyncIterator[MqttPublisher]:
    made = MqttPublisher("gateway", connect_timeout_seconds=5.0)
    yield made
    await made.close()


def _letting_in(published: Answer, *, properties: bytes = b"") -> Answer:
    """Answers a CONNECT, and leaves the rest to `published`."""

    def answer(kind: int, body: bytes) -> bytes | None:
        if kind == CONNECT:
            return connack(properties=properties)
        return published(kind, body) if kind == PUBLISH else b""

    return answer


def _silent(kind: int, body: bytes) -> bytes:
    return b""


async def _outcome(call: Awaitable[None]) -> Found:
    with pytest.raises(ProviderError) as caught:
        await call
    return caught.value.kind, caught.value.reason, caught.value.code


async def _came(broker: ScriptedBroker, count: int) -> bool:
    return len(broker.published()) >= count


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (0x80, (FailureKind.TRANSIENT, "provider_error", "0x80")),
        (0x83, (FailureKind.TRANSIENT, "provider_error", "0x83")),
        (0x87, (FailureKind.AUTH, "account_credentials", "0x87")),
        (0x90, (FailureKind.PERMANENT, "provider_error", "0x90")),
        (0x95, (FailureKind.PERMANENT, "provider_error", "0x95")),
        (0x97, (FailureKind.THROTTLED, "rate_limited", "0x97")),
        (0x99, (FailureKind.PERMANENT, "provider_error", "0x99")),
    ],
)
async def test_what_a_refused_publication_means(publisher: MqttPublisher, code: int, expected: Found) -> None:
    async with scripted_broker(_letting_in(lambda kind, body: puback(body, code))) as broker:
        for _ in range(2):  # the connection stays
            call = publisher.publish(broker.server, numbered(1), timeout_seconds=30)
            assert await _outcome(call) == expected
        assert broker.connections == 1


async def test_nobody_having_subscribed_is_no_failure(publisher: MqttPublisher) -> None:
    async with scripted_broker(_letting_in(lambda kind, body: puback(body, 0x10))) as broker:
        await publisher.publish(broker.server, numbered(1), timeout_seconds=30)


async def test_of_several_refused_messages_the_first_is_told_and_the_others_go_out(
    publisher: MqttPublisher,
) -> None:
    codes = iter([0, 0x99, 0x87, 0])
    async with scripted_broker(_letting_in(lambda kind, body: puback(body, next(codes)))) as broker:
        call = publisher.publish(broker.server, numbered(4), timeout_seconds=30)
        assert await _outcome(call) == (FailureKind.PERMANENT, "provider_error", "0x99")
        assert broker.published() == [b"0", b"1", b"2", b"3"]


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (0, (FailureKind.PERMANENT, "provider_error", "0x87")),
        (0x87, (FailureKind.AUTH, "account_credentials", "0x87")),
    ],
    ids=["one of two", "both"],
)
async def test_a_topic_that_is_refused_among_others_says_nothing_of_the_login(
    publisher: MqttPublisher, second: int, expected: Found
) -> None:
    codes = iter([0x87, second])
    async with scripted_broker(_letting_in(lambda kind, body: puback(body, next(codes)))) as broker:
        call = publisher.publish(broker.server, numbered(2), timeout_seconds=30)
        assert await _outcome(call) == expected


async def test_what_was_refused_is_not_told_of_a_connection_that_broke(publisher: MqttPublisher) -> None:
    def refusing_then_cutting(kind: int, body: bytes) -> bytes | None:
        return puback(body, 0x90) if body.endswith(b"0") else None

    async with scripted_broker(_letting_in(refusing_then_cutting)) as broker:
        call = publisher.publish(broker.server, numbered(3), timeout_seconds=30)
        assert await _outcome(call) == (FailureKind.UNCERTAIN, UNAVAILABLE, "disconnected")


async def test_no_more_is_in_flight_than_the_broker_takes(publisher: MqttPublisher) -> None:
    unanswered: list[bytes] = []

    def keep(kind: int, body: bytes) -> bytes:
        unanswered.append(body)
        return b""

    async with scripted_broker(_letting_in(keep, properties=receive_maximum(3))) as broker:
        call = asyncio.create_task(publisher.publish(broker.server, numbered(8), timeout_seconds=30))
        waves = []
        while not call.done():
            await eventually(lambda: _some(unanswered))
            waves.append(len(unanswered))
            for body in [*unanswered]:
                unanswered.remove(body)
                broker.send(puback(body))
            if len(broker.published()) == 8 and not unanswered:
                break
        await call
        assert max(waves) <= 3
        assert broker.published() == [str(number).encode() for number in range(8)]


async def _some(things: list[bytes]) -> bool:
    return bool(things)


async def test_a_big_call_does_not_hold_up_a_small_one(publisher: MqttPublisher) -> None:
    async with scripted_broker(
        _letting_in(lambda kind, body: puback(body), properties=receive_maximum(10))
    ) as broker:
        big = asyncio.create_task(publisher.publish(broker.server, numbered(2_000), timeout_seconds=60))
        await eventually(lambda: _came(broker, 1))
        await publisher.publish(broker.server, [MqttMessage("t", b"small")], timeout_seconds=60)
        assert not big.done()
        await big


async def test_a_large_message_for_many_is_not_kept_in_memory_for_each_of_them(
    publisher: MqttPublisher,
) -> None:
    """While the broker takes nothing more, here as soon as it has let us in."""
    large, ended = MqttMessage("t", bytes(1_000_000)), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(connack())
        await ended.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    tracemalloc.start()
    try:
        call = publisher.publish(MqttServer("127.0.0.1", port), [large] * 500, timeout_seconds=0.5)
        assert await _outcome(call) == (FailureKind.UNCERTAIN, UNAVAILABLE, "timeout")
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
        ended.set()
        server.close()


async def test_a_call_that_runs_out_of_time_breaks_no_other(publisher: MqttPublisher) -> None:
    bodies: list[bytes] = []

    def keep(kind: int, body: bytes) -> bytes:
        bodies.append(body)
        return b""

    async with scripted_broker(_letting_in(keep, properties=receive_maximum(2))) as broker:
        patient = asyncio.create_task(publisher.publish(broker.server, numbered(1), timeout_seconds=60))
        await eventually(lambda: _came(broker, 1))
        sent = publisher.publish(broker.server, numbered(1), timeout_seconds=0.2)
        not_sent = publisher.publish(broker.server, numbered(1), timeout_seconds=0.1)
        outcomes = list(await asyncio.gather(_outcome(sent), _outcome(not_sent)))
        assert outcomes == [
            (FailureKind.UNCERTAIN, UNAVAILABLE, "timeout"),
            (FailureKind.TRANSIENT, UNAVAILABLE, "timeout"),
        ]
        for body in bodies:
            broker.send(puback(body))
        await patient
        assert broker.connections == 1


async def test_what_was_in_flight_is_not_sent_again_on_the_next_connection(publisher: MqttPublisher) -> None:
    def cutting_once(kind: int, body: bytes) -> bytes | None:
        return None if body.endswith(b"cut") else puback(body)

    async with scripted_broker(_letting_in(cutting_once)) as broker:
        call = publisher.publish(broker.server, [MqttMessage("t", b"cut")], timeout_seconds=30)
        assert await _outcome(call) == (FailureKind.UNCERTAIN, UNAVAILABLE, "disconnected")
        await eventually(lambda: _published(publisher, broker.server))
        assert broker.published() == [b"cut", b"0"]


async def test_a_broker_that_says_why_it_hangs_up_is_quoted(publisher: MqttPublisher) -> None:
    async with scripted_broker(_letting_in(lambda kind, body: disconnect(0x8B))) as broker:
        with pytest.raises(ProviderError) as caught:
            await publisher.publish(broker.server, numbered(1), timeout_seconds=30)
        assert (caught.value.kind, caught.value.text) == (
            FailureKind.UNCERTAIN,
            "the broker ended the connection: server shutting down (0x8b)",
        )


async def test_a_broker_that_stops_answering_is_given_up(
    publisher: MqttPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "KEEP_ALIVE_SECONDS", 1)
    async with scripted_broker(_letting_in(_silent)) as broker:
        with pytest.raises(ProviderError) as caught:
            await publisher.publish(broker.server, numbered(1), timeout_seconds=60)
        assert (caught.value.kind, caught.value.text) == (
            FailureKind.UNCERTAIN,
            "the broker stopped answering",
        )


async def test_a_broker_that_has_lost_acknowledgements_is_connected_to_anew(
    publisher: MqttPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers pings: nothing else would end the connection, whose window they have filled."""
    monkeypatch.setattr(outgoing_module, "_LONG_OVERDUE_SECONDS", 0.1)

    def losing_some(kind: int, body: bytes) -> bytes:
        return b"" if len(broker.published()) <= 3 else puback(body)

    async with scripted_broker(_letting_in(losing_some, properties=receive_maximum(3))) as broker:
        call = publisher.publish(broker.server, numbered(3), timeout_seconds=1)
        assert await _outcome(call) == (FailureKind.UNCERTAIN, UNAVAILABLE, "timeout")
        await eventually(lambda: _published(publisher, broker.server, timeout_seconds=0.5))
        assert broker.connections == 2


async def test_a_login_that_is_not_used_any_more_is_disconnected_when_there_is_another(
    publisher: MqttPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher_module, "_IDLE_SECONDS", -1.0)
    async with scripted_broker(_letting_in(lambda kind, body: puback(body))) as broker:
        for password in ("old", "new"):
            server = replace(broker.server, username="gateway", password=password)
            await publisher.publish(server, numbered(1), timeout_seconds=30)

        async def first_is_gone() -> bool:
            return broker.writers[0].is_closing()

        await eventually(first_is_gone)
        await publisher.publish(server, numbered(1), timeout_seconds=30)
        assert broker.connections == 2


async def test_a_caller_that_is_cancelled_leaves_the_connection_to_the_others(
    publisher: MqttPublisher,
) -> None:
    async with scripted_broker(_letting_in(_silent)) as broker:
        broker.answer = _letting_in(lambda kind, body: b"" if body.endswith(b"9") else puback(body))
        call = asyncio.create_task(publisher.publish(broker.server, numbered(10), timeout_seconds=30))
        await eventually(lambda: _came(broker, 10))
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await publisher.publish(broker.server, numbered(1), timeout_seconds=30)
        assert broker.connections == 1


async def _published(publisher: MqttPublisher, server: MqttServer, *, timeout_seconds: float = 30) -> bool:
    try:
        await publisher.publish(server, numbered(1), timeout_seconds=timeout_seconds)
    except ProviderError:
        return False
    return True
