"""The MQTT publisher where no connection comes about: nothing was taken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable

import pytest

from gateway.errors import FailureKind, ProviderError
from gateway.transports.mqtt.publisher import MqttPublisher
from gateway.transports.port import MqttServer
from tests.integration.mqtt_broker import connack, scripted_broker
from tests.integration.mqtt_clients import numbered
from tests.integration.names import resolving_to

Found = tuple[FailureKind, str, str | None]

UNAVAILABLE = "provider_unavailable"


@pytest.fixture
async def publisher() -> AsyncIterator[MqttPublisher]:
    made = MqttPublisher("gateway", connect_timeout_seconds=5.0)
    yield made
    await made.close()


async def _outcome(call: Awaitable[None]) -> Found:
    with pytest.raises(ProviderError) as caught:
        await call
    return caught.value.kind, caught.value.reason, caught.value.code


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (0x84, (FailureKind.TRANSIENT, UNAVAILABLE, "0x84")),
        (0x86, (FailureKind.AUTH, "account_credentials", "0x86")),
        (0x87, (FailureKind.AUTH, "account_credentials", "0x87")),
        (0x88, (FailureKind.TRANSIENT, UNAVAILABLE, "0x88")),
        (0x8A, (FailureKind.AUTH, "account_credentials", "0x8a")),
        (0x97, (FailureKind.THROTTLED, "rate_limited", "0x97")),
        (0x9F, (FailureKind.THROTTLED, "rate_limited", "0x9f")),
    ],
)
async def test_what_a_refused_connection_means(publisher: MqttPublisher, code: int, expected: Found) -> None:
    async with scripted_broker(lambda kind, body: connack(code)) as broker:
        call = publisher.publish(broker.server, numbered(1), timeout_seconds=30)
        assert await _outcome(call) == expected


async def test_after_a_refused_connection_it_does_not_knock_again_at_once(publisher: MqttPublisher) -> None:
    async with scripted_broker(lambda kind, body: connack(0x87)) as broker:
        calls = [publisher.publish(broker.server, numbered(1), timeout_seconds=30) for _ in range(50)]
        together = {await _outcome(asyncio.ensure_future(call)) for call in calls[:25]}
        assert together == {(FailureKind.AUTH, "account_credentials", "0x87")}
        found = await asyncio.gather(*calls[25:], return_exceptions=True)
        assert {str(each) for each in found} == {"auth: account_credentials (provider code 0x87)"}
        assert broker.connections < 5


async def test_a_broker_that_hangs_up_instead_of_answering_has_taken_nothing(
    publisher: MqttPublisher,
) -> None:
    async with scripted_broker(lambda kind, body: None) as broker:
        call = publisher.publish(broker.server, numbered(1), timeout_seconds=30)
        assert await _outcome(call) == (FailureKind.TRANSIENT, UNAVAILABLE, "connection_closed")


@pytest.mark.parametrize("nonsense", [b"\x00\x00", b"\x20\xff\xff\xff\xff\xff", b"\x20\x00"])
async def test_a_server_that_does_not_speak_mqtt_has_taken_nothing(
    publisher: MqttPublisher, nonsense: bytes
) -> None:
    async with scripted_broker(lambda kind, body: nonsense) as broker:
        call = publisher.publish(broker.server, numbered(1), timeout_seconds=30)
        assert await _outcome(call) == (FailureKind.TRANSIENT, UNAVAILABLE, "connection_closed")


async def test_a_broker_that_does_not_answer_in_time_has_taken_nothing() -> None:
    publisher = MqttPublisher("gateway", connect_timeout_seconds=0.05)
    async with scripted_broker(lambda kind, body: b"") as broker:
        call = publisher.publish(broker.server, numbered(1), timeout_seconds=30)
        assert await _outcome(call) == (FailureKind.TRANSIENT, UNAVAILABLE, "connect_timeout")
    await publisher.close()


async def test_a_call_does_not_wait_longer_for_a_connection_than_it_may(publisher: MqttPublisher) -> None:
    async with scripted_broker(lambda kind, body: b"") as broker:
        call = publisher.publish(broker.server, numbered(1), timeout_seconds=0.05)
        assert await _outcome(call) == (FailureKind.TRANSIENT, UNAVAILABLE, "connect_timeout")


async def test_an_unknown_name_means_not_taken(
    publisher: MqttPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving_to(monkeypatch)
    server = MqttServer("mqtt.broker.example", 1_883)
    call = publisher.publish(server, numbered(1), timeout_seconds=30)
    assert await _outcome(call) == (FailureKind.TRANSIENT, UNAVAILABLE, "dns")


async def test_a_host_that_is_no_name_means_not_taken(publisher: MqttPublisher) -> None:
    server = MqttServer(f"{'x' * 80}.example.org", 1_883)
    call = publisher.publish(server, numbered(1), timeout_seconds=30)
    assert await _outcome(call) == (FailureKind.TRANSIENT, UNAVAILABLE, "dns")
