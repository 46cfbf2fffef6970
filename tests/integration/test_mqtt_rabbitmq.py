"""The MQTT transport with RabbitMQ's plugin, which speaks MQTT 3.1.1."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from gateway.errors import FailureKind, ProviderError
from gateway.transports.mqtt.publisher import MqttPublisher
from gateway.transports.port import MqttServer
from tests.integration.mqtt_clients import numbered
from tests.integration.mqtt_listening import listening
from tests.servers.rabbitmq import PASSWORD, USER, RabbitServer

pytestmark = pytest.mark.rabbitmq


@pytest.fixture
def server(rabbitmq_server: RabbitServer) -> Iterator[MqttServer]:
    rabbitmq_server.bring_up()
    port = rabbitmq_server.enable_mqtt()
    yield MqttServer("127.0.0.1", port, username=USER, password=PASSWORD, protocol="3.1.1")
    rabbitmq_server.set_plugins()


async def test_what_is_published_through_it_is_taken_and_what_is_not_acknowledged_comes_again(
    server: MqttServer,
) -> None:
    publisher = MqttPublisher("gateway", connect_timeout_seconds=30.0)
    async with listening(server) as made:
        await publisher.publish(server, numbered(500, topic="t/1/up"), timeout_seconds=60)
        for number in range(499):
            await made.until_taken(number + 1)
            made.taken[number].acknowledge()
        await made.until_taken(500)
    async with listening(server) as again:
        await again.until_taken(1)
        assert again.payloads() == [b"499"]
        again.taken[0].acknowledge()
        await again.listener.stop(end_session=True)
    await publisher.close()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"password": "wrong"}, (FailureKind.AUTH, "account_credentials", "0x86")),
        ({"protocol": "5"}, (FailureKind.TRANSIENT, "provider_unavailable", "connection_closed")),
    ],
    ids=["a wrong password", "a version that it does not speak"],
)
async def test_why_it_does_not_let_us_in_is_told(
    server: MqttServer, change: dict[str, str], expected: tuple[FailureKind, str, str]
) -> None:
    publisher = MqttPublisher("gateway", connect_timeout_seconds=30.0)
    with pytest.raises(ProviderError) as caught:
        await publisher.publish(replace(server, **change), numbered(1), timeout_seconds=60)  # type: ignore[arg-type]
    await publisher.close()
    assert (caught.value.kind, caught.value.reason, caught.value.code) == expected
