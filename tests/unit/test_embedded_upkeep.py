"""The embedded broker's session: what ends it, and that one which has ended is never used again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest

from gateway.broker.embedded.upkeep import Session, Upkeep
from gateway.errors import BrokerUnavailable, StoreUnavailable
from gateway.store.queue_instances import Instances
from gateway.store.queues import QueueStore
from tests.waiting import eventually


class FakeStore:
    """Stands for both the queues and the instances; `away` is what every question is answered with."""

    def __init__(self) -> None:
        self.away: StoreUnavailable | None = None
        self.registered: list[str] = []
        self.left: list[str] = []
        self.known = True
        self.burying = asyncio.Event()
        self.may_bury = asyncio.Event()
        self.may_bury.set()

    def _answer(self) -> None:
        if self.away is not None:
            raise self.away

    async def prepare(self) -> None:
        self._answer()

    async def declared(self) -> dict[str, list[tuple[str, str]]]:
        self._answer()
        return {}

    async def move_due(self) -> int:
        self._answer()
        return 0

    async def drain(self) -> None:
        self._answer()

    async def register(self, instance: str) -> None:
        self._answer()
        self.registered.append(instance)

    async def beat(self, _: str) -> bool:
        self._answer()
        return self.known

    async def leave(self, instance: str) -> None:
        self._answer()
        self.left.append(instance)

    async def bury_the_dead(self) -> int:
        self._answer()
        self.burying.set()
        await self.may_bury.wait()
        return 0


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


def upkeep_of(store: FakeStore) -> Upkeep:
    return Upkeep(
        cast("QueueStore", store),
        cast("Instances", store),
        hungry=set,
        wake=lambda _: None,
        round_seconds=0.02,
    )


@pytest.fixture
async def upkeep(store: FakeStore) -> AsyncIterator[Upkeep]:
    upkeep = upkeep_of(store)
    await upkeep.start()
    yield upkeep
    await upkeep.stop()


async def next_session(upkeep: Upkeep, than: Session) -> Session:
    async def another() -> Session | None:
        session = await upkeep.session()
        return None if session is than else session

    return cast("Session", await eventually(another))


async def test_a_write_in_doubt_ends_the_session_and_a_new_one_begins(
    upkeep: Upkeep, store: FakeStore
) -> None:
    first = await upkeep.session()
    upkeep.doubt(first, StoreUnavailable("MongoDB: no answer in time"))
    assert (first.lost, upkeep.trouble) == (True, "MongoDB: no answer in time")
    with pytest.raises(BrokerUnavailable):
        upkeep.require()
    second = await next_session(upkeep, first)
    assert (second.lost, upkeep.trouble) == (False, None)
    assert (store.registered, store.left) == ([first.instance, second.instance], [first.instance])


async def test_doubt_about_a_session_that_is_over_troubles_nobody(upkeep: Upkeep) -> None:
    first = await upkeep.session()
    upkeep.doubt(first, StoreUnavailable("MongoDB: no answer in time"))
    second = await next_session(upkeep, first)
    upkeep.doubt(first, StoreUnavailable("MongoDB: no answer in time"))
    assert (upkeep.trouble, upkeep.require(), second.lost) == (None, second, False)


async def test_a_session_given_up_during_a_round_is_not_handed_out_when_the_round_ends_well(
    upkeep: Upkeep, store: FakeStore
) -> None:
    first = await upkeep.session()
    store.burying.clear()
    store.may_bury.clear()
    await store.burying.wait()
    upkeep.doubt(first, StoreUnavailable("MongoDB: no answer in time"))
    store.may_bury.set()
    assert not (await upkeep.session()).lost


async def test_an_instance_that_others_have_buried_begins_anew(upkeep: Upkeep, store: FakeStore) -> None:
    first = await upkeep.session()
    store.known = False
    second = await next_session(upkeep, first)
    assert (first.lost, second.lost) == (True, False)


async def test_a_store_that_is_away_is_trouble_until_it_answers_and_costs_no_session(
    upkeep: Upkeep, store: FakeStore
) -> None:
    session = await upkeep.session()
    store.away = StoreUnavailable("MongoDB: ServerSelectionTimeoutError")

    async def trouble() -> str | None:
        return upkeep.trouble

    assert await eventually(trouble) == "MongoDB: ServerSelectionTimeoutError"
    store.away = None
    assert await upkeep.session() is session
    assert upkeep.trouble is None


async def test_a_stop_leaves_and_says_so(store: FakeStore) -> None:
    upkeep = upkeep_of(store)
    await upkeep.start()
    session = await upkeep.session()
    await upkeep.stop()
    assert (session.lost, store.left) == (True, [session.instance])
    assert upkeep.trouble == "the broker has been closed"
