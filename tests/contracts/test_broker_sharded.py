"""The sharded intake, on a real RabbitMQ with and without the plugin that it needs."""

from __future__ import annotations

import aio_pika
import pytest

from gateway.broker.port import Delivery, Take
from gateway.broker.rabbitmq import RabbitBroker
from gateway.broker.topology import MT_SHARDED, shard
from gateway.errors import ConfigurationError
from tests.servers.rabbitmq import RabbitServer
from tests.waiting import eventually

pytestmark = pytest.mark.rabbitmq

PLUGIN = "rabbitmq_consistent_hash_exchange"


async def test_mt_to_one_recipient_go_to_one_shard_in_order_and_to_one_consumer(
    rabbitmq_server: RabbitServer, rabbitmq_url: str
) -> None:
    rabbitmq_server.set_plugins(PLUGIN)
    first, second = RabbitBroker(rabbitmq_url, shards=3), RabbitBroker(rabbitmq_url, shards=3)
    taken: list[tuple[str, Delivery]] = []
    try:
        for name, broker in (("first", first), ("second", second)):
            await broker.start()
            for number in range(3):
                await broker.consume(shard(number), 100, _noting(name, taken))
        await _publish(rabbitmq_url, {number: f"shop/{number % 6}" for number in range(60)})

        async def all_taken() -> list[tuple[str, Delivery]]:
            return list(taken) if len(taken) >= 60 else []

        seen_by_name = await eventually(all_taken)
    finally:
        await first.close()
        await second.close()
    by_recipient: dict[int, list[tuple[str, str, int]]] = {}
    for name, delivery in seen_by_name:
        number = int(delivery.body)
        by_recipient.setdefault(number % 6, []).append((name, delivery.queue, number))
    for recipient, seen in by_recipient.items():
        assert [number for _, _, number in seen] == list(range(recipient, 60, 6))
        assert len({(name, queue) for name, queue, _ in seen}) == 1


def _noting(name: str, taken: list[tuple[str, Delivery]]) -> Take:
    def note(delivery: Delivery) -> None:
        taken.append((name, delivery))

    return note


async def _publish(url: str, keys: dict[int, str]) -> None:
    """As a platform does."""
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel(on_return_raises=True)
        exchange = await channel.get_exchange(MT_SHARDED)
        for number, key in keys.items():
            await exchange.publish(aio_pika.Message(str(number).encode()), routing_key=key)


async def test_without_the_plugin_the_setting_and_the_plugin_are_named(
    rabbitmq_server: RabbitServer, rabbitmq_url: str
) -> None:
    rabbitmq_server.set_plugins()
    broker = RabbitBroker(rabbitmq_url, shards=3)
    try:
        with pytest.raises(ConfigurationError, match=f"IMGW_BROKER__MT_SHARDS: needs .*{PLUGIN}"):
            await broker.start()
    finally:
        await broker.close()
