"""What an instance held is free when the instance is dead, and not before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.store.connect import Database
from gateway.store.queue_instances import INSTANCES, Instances
from gateway.store.queue_messages import Message
from gateway.store.queues import QueueStore

pytestmark = pytest.mark.mongodb

ELSEWHERE = "another machine"


@pytest.fixture
async def queues(database: Database) -> QueueStore:
    """Queues in which "other" holds one message."""
    queues = QueueStore(database)
    await queues.prepare()
    await queues.put([Message("q", b"held")])
    await queues.take("q", "other", 1)
    return queues


@pytest.fixture
async def instances(database: Database, queues: QueueStore) -> Instances:
    instances = Instances(database, queues)
    await instances.register("this")
    return instances


async def other_is(database: Database, **process: object) -> None:
    """Say this of the instance "other"."""
    await database.db[INSTANCES].update_one({"_id": "other"}, {"$set": process}, upsert=True)


def ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


async def test_an_instance_that_was_heard_of_keeps_what_it_holds(
    database: Database, instances: Instances, queues: QueueStore
) -> None:
    await other_is(database, place=ELSEWHERE, pid=1, started="1", seen_at=ago(5))
    assert [await instances.bury_the_dead() for _ in range(3)] == [0, 0, 0]
    assert await instances.beat("other")
    assert await queues.depth("q") == 0


async def test_a_silent_instance_is_dead_when_it_is_found_silent_twice(
    database: Database, instances: Instances, queues: QueueStore
) -> None:
    await other_is(database, place=ELSEWHERE, pid=1, started="1", seen_at=ago(11))
    assert [await instances.bury_the_dead() for _ in range(3)] == [0, 1, 0]
    assert not await instances.beat("other")
    assert await queues.depth("q") == 1


async def test_an_instance_that_was_silent_and_speaks_again_lives(
    database: Database, instances: Instances
) -> None:
    await other_is(database, place=ELSEWHERE, pid=1, started="1", seen_at=ago(60))
    assert await instances.bury_the_dead() == 0
    assert await instances.beat("other")
    assert [await instances.bury_the_dead() for _ in range(2)] == [0, 0]


@pytest.mark.parametrize(("pid", "started"), [(2**22 + 1, "1"), (1, "not when it began")])
async def test_an_instance_of_this_machine_whose_process_is_gone_is_dead_at_once(
    database: Database, instances: Instances, queues: QueueStore, pid: int, started: str
) -> None:
    mine = await database.db[INSTANCES].find_one({"_id": "this"})
    await other_is(database, place=mine["place"], pid=pid, started=started, seen_at=ago(0))
    assert await instances.bury_the_dead() == 1
    assert await queues.depth("q") == 1


async def test_what_an_unknown_instance_holds_is_free_at_once(
    instances: Instances, queues: QueueStore
) -> None:
    assert await instances.bury_the_dead() == 1
    assert [taken.redelivered for taken in await queues.take("q", "this", 1)] == [True]


async def test_an_instance_that_leaves_frees_what_it_holds_and_is_forgotten(
    database: Database, instances: Instances, queues: QueueStore
) -> None:
    await queues.put([Message("q", b"mine")])
    await queues.take("q", "this", 1)
    await instances.leave("this")
    assert await queues.depth("q") == 1
    assert await database.db[INSTANCES].count_documents({}) == 0
