"""What the embedded broker promises beyond the port: many processes, one database, and nothing lost."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest

from gateway.broker import topology
from gateway.broker.embedded import EmbeddedBroker
from gateway.broker.port import Delivery, Publication, StoredMessage
from gateway.errors import BrokerUnavailable, GatewayError
from gateway.store.connect import Database
from gateway.store.queue_instances import INSTANCES
from gateway.store.queues import MESSAGES
from tests.contracts.broker_kinds import Inbox, message, numbers
from tests.servers.mongod import MongoServer
from tests.waiting import eventually

pytestmark = pytest.mark.mongodb

QUEUE = topology.MT
OpenBroker = Callable[[], Awaitable[EmbeddedBroker]]


@asynccontextmanager
async def broker_on(mongod: MongoServer, name: str) -> AsyncIterator[EmbeddedBroker]:
    """A started broker with a connection of its own, which gives up soon."""
    database = Database(mongod.url, name, timeout_seconds=2)
    broker = EmbeddedBroker(database)
    await broker.start()
    try:
        yield broker
    finally:
        await broker.close()
        await database.close()


@pytest.fixture
async def open_broker(mongod: MongoServer, database_name: str) -> AsyncIterator[OpenBroker]:
    async with AsyncExitStack() as opened:

        async def open_one() -> EmbeddedBroker:
            return await opened.enter_async_context(broker_on(mongod, database_name))

        yield open_one


@pytest.fixture
async def broker(open_broker: OpenBroker) -> EmbeddedBroker:
    return await open_broker()


async def publish_all(broker: EmbeddedBroker, queue: str, count: int) -> None:
    await asyncio.gather(*(broker.publish(message(number, queue)) for number in range(count)))


async def until_trouble_is(broker: EmbeddedBroker, expected: bool) -> None:
    async def so() -> bool:
        return (broker.trouble is not None) is expected

    await eventually(so)


async def until_depth(broker: EmbeddedBroker, queue: str, expected: int) -> None:
    async def so() -> bool:
        return await broker.depth(queue) == expected

    await eventually(so)


async def test_a_restart_finds_everything_in_its_order(mongod: MongoServer, database_name: str) -> None:
    async with broker_on(mongod, database_name) as before:
        await publish_all(before, QUEUE, 20_000)
    async with broker_on(mongod, database_name) as after:
        inbox = Inbox()
        await after.consume(QUEUE, 500, inbox.take)
        seen: list[int] = []
        while len(seen) < 20_000:
            deliveries = await inbox.several(500)
            await asyncio.gather(*(delivery.settlement.ack() for delivery in deliveries))
            seen += numbers(deliveries)
        assert seen == list(range(20_000))
        assert await after.depth(QUEUE) == 0


async def test_processes_share_a_queue_and_none_gets_what_another_has(
    broker: EmbeddedBroker, mongod: MongoServer, database_name: str
) -> None:
    command = [sys.executable, "-m", "tests.contracts.embedded_worker", mongod.url, database_name, QUEUE]
    workers = [
        await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE) for _ in range(2)
    ]
    await publish_all(broker, QUEUE, 400)
    for _ in workers:  # the second is only taken by the one that did not stop at the first
        await broker.publish(Publication("", QUEUE, b"stop"))
    outputs = [(await worker.communicate())[0].decode().split("\n")[:-1] for worker in workers]

    assert sorted(outputs[0] + outputs[1]) == sorted(f"{number} False" for number in range(400))
    assert [worker.returncode for worker in workers] == [0, 0]


async def test_what_a_killed_process_held_is_free_long_before_it_counts_as_silent(
    broker: EmbeddedBroker, mongod: MongoServer, database_name: str
) -> None:
    await publish_all(broker, QUEUE, 3)
    place = ("embedded", mongod.url, database_name)
    holder = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "tests.contracts.broker_holder", *place, QUEUE, "3"],
        stdout=asyncio.subprocess.PIPE,
    )
    assert holder.stdout is not None
    await holder.stdout.readuntil(b"holds 3\n")
    holder.kill()
    await holder.communicate()
    inbox = Inbox()
    await broker.consume(QUEUE, 10, inbox.take)
    async with asyncio.timeout(5):  # half of the silence after which an instance elsewhere counts as dead
        again = await inbox.several(3)

    assert [(delivery.body, delivery.redelivered) for delivery in again] == [
        (b"0", True),
        (b"1", True),
        (b"2", True),
    ]


async def test_a_broker_that_others_declared_dead_knows_its_deliveries_are_lost(
    broker: EmbeddedBroker, database: Database
) -> None:
    await publish_all(broker, QUEUE, 1)
    inbox = Inbox()
    await broker.consume(QUEUE, 10, inbox.take)
    first = await inbox.next()
    await database.db[INSTANCES].delete_many({})
    again = await inbox.next()

    assert (first.settlement.lost, again.settlement.lost) == (True, False)
    assert (again.body, again.redelivered) == (b"0", True)
    with pytest.raises(BrokerUnavailable):
        await first.settlement.ack()
    await again.settlement.ack()
    assert await database.db[MESSAGES].count_documents({}) == 0


@pytest.mark.parametrize("how", ["suspended", "killed"])
async def test_while_the_store_is_away_there_is_trouble_and_afterwards_all_goes_on(
    broker: EmbeddedBroker, mongod: MongoServer, database: Database, how: str
) -> None:
    await publish_all(broker, QUEUE, 30)
    inbox = Inbox()
    await broker.consume(QUEUE, 10, inbox.take)
    held = await inbox.several(10)
    if how == "suspended":
        mongod.suspend()
    else:
        await mongod.kill()
    await until_trouble_is(broker, True)
    assert str(broker.trouble).startswith("MongoDB")
    with pytest.raises(BrokerUnavailable):
        await broker.publish(message(30, QUEUE))
    await mongod.restart()
    await until_trouble_is(broker, False)

    await broker.publish(message(30, QUEUE))
    for delivery in held:
        inbox.take(delivery)
    async with worker(inbox) as done:
        await until_depth(broker, QUEUE, 0)

        async def all_done() -> bool:
            return done == set(range(31)) and await database.db[MESSAGES].count_documents({}) == 0

        await eventually(all_done)


@asynccontextmanager
async def worker(inbox: Inbox) -> AsyncIterator[set[int]]:
    """Acknowledges all that comes while the block runs; the numbers of what it could acknowledge."""
    done: set[int] = set()

    async def work() -> None:
        while True:
            delivery = await inbox.next()
            with suppress(BrokerUnavailable):
                await delivery.settlement.ack()
                done.add(int(delivery.body))

    working = asyncio.create_task(work())
    try:
        yield done
    finally:
        working.cancel()
        await asyncio.wait([working])


async def test_what_waits_survives_a_restart_and_goes_behind_what_came_before_it_was_due(
    mongod: MongoServer, database_name: str
) -> None:
    async with broker_on(mongod, database_name) as before:
        for number in range(3):
            await before.publish(topology.after(1, QUEUE, message(number, "")))
        await before.publish(message(3, QUEUE))
    async with broker_on(mongod, database_name) as after:
        await until_depth(after, QUEUE, 4)
        assert await after.depth(topology.wait_tier(1)) == 0
        inbox = Inbox()
        await after.consume(QUEUE, 10, inbox.take)
        assert numbers(await inbox.several(4)) == [3, 0, 1, 2]


async def test_a_queue_that_another_process_declared_is_known_at_once(open_broker: OpenBroker) -> None:
    one, other = await open_broker(), await open_broker()
    await one.declare_queue("acme", {})
    await other.publish(message(1, "acme"))
    assert await other.depth("acme") == 1


async def test_what_another_process_bound_gets_its_copies_soon(open_broker: OpenBroker) -> None:
    one, other = await open_broker(), await open_broker()
    await one.declare_queue("acme", {"dr.acme.#": topology.OUT})

    async def bound() -> bool:
        await other.publish(Publication(topology.OUT, "dr.acme.read", b"1"))
        return await one.depth("acme") > 0

    await eventually(bound)


async def test_a_queue_cannot_be_bound_to_an_exchange_that_does_not_exist(broker: EmbeddedBroker) -> None:
    with pytest.raises(BrokerUnavailable, match=r"queue acme cannot be bound: there is no exchange nowhere"):
        await broker.declare_queue("acme", {"#": "nowhere"})
    with pytest.raises(BrokerUnavailable, match=r"no queue acme"):
        await broker.depth("acme")


@pytest.mark.parametrize(
    "unkeepable",
    [
        Publication("", QUEUE, b"x" * 16 * 1024 * 1024),
        Publication("", QUEUE, b"1", type="half a \ud83d pair"),
    ],
    ids=["too large", "not UTF-8"],
)
async def test_a_message_that_cannot_be_kept_fails_alone(
    broker: EmbeddedBroker, unkeepable: Publication
) -> None:
    outcomes = await asyncio.gather(
        broker.publish(message(0, QUEUE)),
        broker.publish(unkeepable),
        broker.publish(message(1, QUEUE)),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [type(None), GatewayError, type(None)]
    assert await broker.depth(QUEUE) == 2


async def test_two_people_who_sift_at_once_are_not_shown_the_same_message(open_broker: OpenBroker) -> None:
    one, other = await open_broker(), await open_broker()
    await publish_all(one, topology.DEAD, 200)
    shown: list[int] = []

    async def judge(stored: StoredMessage) -> bool:
        shown.append(int(stored.body))
        await asyncio.sleep(0)
        return True

    removed = await asyncio.gather(one.sift(topology.DEAD, judge), other.sift(topology.DEAD, judge))
    assert sorted(shown) == list(range(200))
    assert (sum(removed), await one.depth(topology.DEAD)) == (200, 0)


async def test_a_consumer_that_ends_by_a_bug_is_trouble_that_stays(broker: EmbeddedBroker) -> None:
    def take(_: Delivery) -> None:
        raise LookupError

    await broker.consume(QUEUE, 1, take)
    await publish_all(broker, QUEUE, 1)
    await until_trouble_is(broker, True)
    assert broker.trouble == (
        "embedded broker: consumer of imgw.mt ended unexpectedly: LookupError; restart the process"
    )
