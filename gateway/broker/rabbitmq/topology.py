"""Declares the topology on RabbitMQ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiormq.abc import AbstractChannel

from gateway.broker.rabbitmq.errors import declaration_refusals, shard_refusals
from gateway.broker.rabbitmq.link import ANSWER_SECONDS
from gateway.broker.topology import (
    EXCHANGES,
    MT_SHARDED,
    QUEUES,
    SAFE_ARGUMENTS,
    Exchange,
    Queue,
    shard,
)


async def declare_topology(channel: AbstractChannel) -> None:
    """Every exchange, queue and binding of gateway/broker/topology.py; what is there already stays.

    Raises ConfigurationError when RabbitMQ has one of them with other properties, or forbids it to this user.
    """
    for queue in QUEUES:
        await _declare_queue(channel, queue)
    for exchange in EXCHANGES:
        await _declare_exchange(channel, exchange)


@dataclass(frozen=True, slots=True)
class OwnQueue:
    """A queue beside the fixed ones, bound by {routing pattern: exchange}."""

    name: str
    bindings: Mapping[str, str]
    single_active_consumer: bool = False


async def declare_shards(channel: AbstractChannel, count: int) -> None:
    """The sharded intake: an exchange that hashes routing keys over `count` queues, each of which only one
    consumer at a time gets deliveries of. ConfigurationError where RabbitMQ lacks the plugin for it."""
    with shard_refusals():
        await channel.exchange_declare(
            MT_SHARDED, exchange_type="x-consistent-hash", durable=True, timeout=ANSWER_SECONDS
        )
    for number in range(count):
        await declare_own_queue(channel, OwnQueue(shard(number), {"1": MT_SHARDED}, True))


async def declare_own_queue(channel: AbstractChannel, queue: OwnQueue) -> None:
    arguments = dict(SAFE_ARGUMENTS)
    if queue.single_active_consumer:
        arguments["x-single-active-consumer"] = True
    await _declare_queue(channel, Queue(queue.name, arguments))
    for pattern, exchange in queue.bindings.items():
        await _bind(channel, queue.name, exchange, pattern)


async def _declare_queue(channel: AbstractChannel, queue: Queue) -> None:
    with declaration_refusals(f"queue {queue.name}"):
        await channel.queue_declare(
            queue.name, durable=True, arguments={**queue.arguments}, timeout=ANSWER_SECONDS
        )


async def _declare_exchange(channel: AbstractChannel, exchange: Exchange) -> None:
    with declaration_refusals(f"exchange {exchange.name}"):
        await channel.exchange_declare(
            exchange.name, exchange_type=exchange.kind, durable=True, timeout=ANSWER_SECONDS
        )
    for pattern, queue in exchange.bindings.items():
        await _bind(channel, queue, exchange.name, pattern)


async def _bind(channel: AbstractChannel, queue: str, exchange: str, pattern: str) -> None:
    with declaration_refusals(f"binding of queue {queue} to exchange {exchange}"):
        await channel.queue_bind(queue, exchange, pattern, timeout=ANSWER_SECONDS)
