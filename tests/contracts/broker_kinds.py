"""The brokers that the contract suite runs over, and what its tests do with them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.broker.embedded import EmbeddedBroker
from gateway.broker.port import Broker, Delivery, Publication
from gateway.broker.rabbitmq import RabbitBroker
from gateway.store.connect import Database
from tests.servers.mongod import MongoServer

KINDS = (
    pytest.param("rabbitmq", marks=pytest.mark.rabbitmq),
    pytest.param("embedded", marks=pytest.mark.mongodb),
)

Place = tuple[str, str, str]


def empty_place(kind: str, request: pytest.FixtureRequest) -> Place:
    """Where brokers of a kind meet, with nothing in it yet: the kind, a server's URL, a database's name."""
    if kind == "rabbitmq":
        url: str = request.getfixturevalue("rabbitmq_url")
        return kind, url, ""
    server: MongoServer = request.getfixturevalue("mongod")
    return kind, server.url, request.getfixturevalue("database_name")


@asynccontextmanager
async def broker_at(place: Place) -> AsyncIterator[Broker]:
    """A started broker, closed afterwards."""
    kind, url, database_name = place
    if kind == "rabbitmq":
        async with _running(RabbitBroker(url)) as broker:
            yield broker
        return
    database = Database(url, database_name)
    try:
        async with _running(EmbeddedBroker(database)) as broker:
            yield broker
    finally:
        await database.close()


@asynccontextmanager
async def _running(broker: Broker) -> AsyncIterator[Broker]:
    try:
        await broker.start()
        yield broker
    finally:
        await broker.close()


class Inbox:
    """Takes deliveries and hands them to the test one by one."""

    def __init__(self) -> None:
        self._deliveries: asyncio.Queue[Delivery] = asyncio.Queue()

    def take(self, delivery: Delivery) -> None:
        self._deliveries.put_nowait(delivery)

    @property
    def is_empty(self) -> bool:
        return self._deliveries.empty()

    async def next(self) -> Delivery:
        async with asyncio.timeout(20):
            return await self._deliveries.get()

    async def several(self, count: int) -> list[Delivery]:
        return [await self.next() for _ in range(count)]


def message(number: int, queue: str) -> Publication:
    """A publication to `queue` whose body and id tell which one it is."""
    return Publication("", queue, b"%d" % number, type="imgw.test.v1", message_id=f"m{number}")


def numbers(deliveries: list[Delivery]) -> list[int]:
    return [int(delivery.body) for delivery in deliveries]


async def depth_is(broker: Broker, queue: str, expected: int) -> bool:
    return await broker.depth(queue) == expected


async def drained(broker: Broker, queue: str) -> list[str]:
    """The bodies of all that is in the queue, in its order; the queue is empty afterwards."""
    inbox = Inbox()
    count = await broker.depth(queue)
    consumer = await broker.consume(queue, count + 1, inbox.take)
    deliveries = await inbox.several(count)
    await consumer.cancel()
    for delivery in deliveries:
        await delivery.settlement.ack()
    assert inbox.is_empty
    return [delivery.body.decode() for delivery in deliveries]
