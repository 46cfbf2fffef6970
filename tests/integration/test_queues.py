"""Queues in MongoDB, through both drivers: who holds what, in which order, and what two do at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from gateway.errors import StoreUnavailable
from gateway.ports import free_port
from gateway.store.connect import Database
from gateway.store.queue_messages import Message, Wait
from gateway.store.queues import QueueStore
from tests.servers.mongod import MongoServer, opened

pytestmark = pytest.mark.mongodb


@pytest.fixture(params=["motor", "pymongo"])
async def store(
    request: pytest.FixtureRequest, mongod: MongoServer, database_name: str
) -> AsyncIterator[Database]:
    async with opened(Database(mongod.url, database_name, request.param)) as database:
        yield database


@pytest.fixture
async def queues(store: Database) -> QueueStore:
    """Queues with five messages in "q"."""
    queues = QueueStore(store)
    await queues.prepare()
    for number in range(5):
        await queues.put([Message("q", b"%d" % number)])
    return queues


async def taken(queues: QueueStore, holder: str, limit: int) -> list[tuple[bytes, bool]]:
    return [(one.message.body, one.redelivered) for one in await queues.take("q", holder, limit)]


class Meanwhile:
    """A collection in which somebody does something right before each update."""

    def __init__(self, collection: Any, something: Callable[[], Awaitable[None]]) -> None:
        self._collection = collection
        self._something = something

    def __getattr__(self, name: str) -> Any:
        return getattr(self._collection, name)

    async def update_many(self, *arguments: Any) -> Any:
        await self._something()
        return await self._collection.update_many(*arguments)


async def test_the_first_messages_are_taken_in_their_order_and_only_once(queues: QueueStore) -> None:
    assert await taken(queues, "a", 3) == [(b"0", False), (b"1", False), (b"2", False)]
    assert await queues.depth("q") == 2
    assert await taken(queues, "b", 3) == [(b"3", False), (b"4", False)]
    assert await taken(queues, "b", 3) == []
    assert await queues.holders() == {"a", "b"}


async def test_what_somebody_else_was_quicker_to_take_is_theirs(queues: QueueStore, store: Database) -> None:
    other = QueueStore(store)

    async def other_is_quicker() -> None:
        await other.take("q", "other", 2)

    queues._messages = Meanwhile(queues._messages, other_is_quicker)
    assert await taken(queues, "a", 5) == [(b"2", False), (b"3", False), (b"4", False)]


async def test_what_somebody_else_had_for_a_moment_is_never_taken_for_fresh(
    queues: QueueStore, store: Database
) -> None:
    other = QueueStore(store)

    async def other_had_it() -> None:
        for one in await other.take("q", "other", 1):
            await other.settle(one, remove=False)

    queues._messages = Meanwhile(queues._messages, other_had_it)
    assert (b"0", False) not in await taken(queues, "a", 2)
    assert (b"0", True) in await taken(queues, "a", 1)


async def test_what_is_put_back_is_first_again_and_told_to_be_old(queues: QueueStore) -> None:
    first, second = await queues.take("q", "a", 2)
    await queues.settle(first, remove=False)
    await queues.settle(second, remove=True)
    assert await taken(queues, "b", 2) == [(b"0", True), (b"2", False)]


async def test_settling_what_the_holder_has_lost_does_nothing(queues: QueueStore) -> None:
    lost, also_lost = await queues.take("q", "a", 2)
    assert await queues.release(["a"]) == 2
    await queues.take("q", "b", 2)
    await queues.settle(lost, remove=True)
    await queues.settle(also_lost, remove=False)
    assert await queues.depth("q") == 3
    assert await queues.release(["b"]) == 2


async def test_places_bound_what_is_taken(queues: QueueStore) -> None:
    everything = await queues.take("q", "a", 5)
    await queues.release(["a"])
    assert await queues.last("q") == everything[4].place
    middle = await queues.take("q", "a", 5, after=everything[1].place, until=everything[3].place)
    assert [one.message.body for one in middle] == [b"2", b"3"]
    assert await queues.last("nothing here") is None


async def test_a_message_stays_in_its_tier_until_it_is_due(queues: QueueStore) -> None:
    await queues.put([Message("tier", b"due", wait=Wait(0, then="q"))])
    await queues.put([Message("tier", b"later", wait=Wait(3600, then="q"))])
    assert await queues.depth("tier") == 2
    assert [await queues.move_due(), await queues.move_due()] == [1, 0]
    assert (await queues.depth("tier"), await queues.depth("q")) == (1, 6)
    assert [body for body, _ in await taken(queues, "a", 10)] == [b"0", b"1", b"2", b"3", b"4", b"due"]


async def test_the_copies_of_one_message_are_independent(queues: QueueStore) -> None:
    await queues.put([Message("one", b"copy"), Message("other", b"copy")])
    (copy,) = await queues.take("one", "a", 1)
    await queues.settle(copy, remove=True)
    assert await queues.not_empty(["one", "other", "q", "none"]) == ["other", "q"]


async def test_declarations_add_up(queues: QueueStore) -> None:
    await queues.declare("acme", {"mo.#": "imgw.out"})
    await queues.declare("acme", {"dr.#": "imgw.out", "mo.#": "imgw.out"})
    await queues.declare("lane", {})
    assert await queues.declared() == {"acme": [("imgw.out", "mo.#"), ("imgw.out", "dr.#")], "lane": []}


# Through motor only: PyMongo 4.20's AsyncMongoClient, closed while it connects, leaves a socket open
# (PYTHON-5867), which here is an error.
async def test_without_a_server_everything_says_so() -> None:
    url = f"mongodb://127.0.0.1:{free_port()}/?directConnection=true"
    database = Database(url, "none", timeout_seconds=0.3)
    queues = QueueStore(database)
    attempts: list[Callable[[], Awaitable[object]]] = [
        queues.prepare,
        queues.declared,
        queues.move_due,
        queues.holders,
        lambda: queues.put([Message("q", b"")]),
        lambda: queues.take("q", "a", 1),
        lambda: queues.depth("q"),
        lambda: queues.release(["a"]),
    ]
    for attempt in attempts:
        with pytest.raises(StoreUnavailable, match=r"^MongoDB: "):
            await attempt()
    await database.close()
