"""What the RabbitMQ broker makes of a URL, a server or a topology that it cannot work with."""

from __future__ import annotations

import pytest
import structlog
from aio_pika import connect

from gateway.broker import topology
from gateway.broker.rabbitmq import RabbitBroker
from gateway.errors import BrokerUnavailable, ConfigurationError
from gateway.ports import free_port
from tests.servers.rabbitmq import RabbitServer


@pytest.mark.rabbitmq
async def test_a_wrong_password_is_a_configuration_error_that_does_not_show_it(
    rabbitmq_server: RabbitServer,
) -> None:
    broker = RabbitBroker(rabbitmq_server.url_of("%2F", password="not-the-password"))
    with structlog.testing.capture_logs() as logs, pytest.raises(ConfigurationError) as caught:
        await broker.start()
    await broker.close()
    told = f"{caught.value!r} {caught.value} {broker.trouble} {broker!r} {logs}"

    assert str(caught.value) == "IMGW_BROKER__URL: RabbitMQ refuses this user name and password"
    assert "not-the-password" not in told


@pytest.mark.rabbitmq
async def test_an_unknown_virtual_host_is_a_configuration_error(rabbitmq_server: RabbitServer) -> None:
    broker = RabbitBroker(rabbitmq_server.url_of("nowhere"))
    with pytest.raises(ConfigurationError, match=r"^IMGW_BROKER__URL: .* vhost nowhere not found"):
        await broker.start()
    await broker.close()


@pytest.mark.rabbitmq
async def test_a_queue_with_other_arguments_is_a_configuration_error_that_names_it(rabbitmq_url: str) -> None:
    async with await connect(rabbitmq_url) as operator, operator.channel() as channel:
        await channel.declare_queue(topology.RETRY, durable=True)
    broker = RabbitBroker(rabbitmq_url)
    with pytest.raises(ConfigurationError, match=r"^queue imgw\.retry: RabbitMQ has it with other arguments"):
        await broker.start()
    await broker.close()


async def test_a_server_that_is_away_is_waited_for_as_long_as_was_said() -> None:
    broker = RabbitBroker(f"amqp://guest:secret-word@127.0.0.1:{free_port()}/", start_timeout_seconds=0.2)
    with structlog.testing.capture_logs() as logs, pytest.raises(BrokerUnavailable) as caught:
        await broker.start()
    await broker.close()

    assert "connecting: " in str(caught.value)
    assert "secret-word" not in f"{caught.value!r} {broker.trouble} {logs}"


@pytest.mark.parametrize("url", ["http://host/", "amqp://", "amqp://user:pass-word@host:port/", "words"])
def test_what_is_not_an_amqp_url_is_a_configuration_error(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^IMGW_BROKER__URL: ") as caught:
        RabbitBroker(url)
    assert "pass-word" not in f"{caught.value} {caught.value.__cause__} {caught.value.__context__}"
