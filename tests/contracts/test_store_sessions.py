"""When people last wrote: the newest MO counts, whoever notes it in whatever order."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from gateway.store.sessions import KEPT, Sessions
from tests.contracts.store_world import AT, Store

pytestmark = pytest.mark.mongodb


async def test_the_last_mo_of_each_person_is_known_by_account(store: Store) -> None:
    await store.sessions.note("acme", "447700900001", AT)
    await store.sessions.note("acme", "447700900002", AT + timedelta(seconds=1))
    await store.sessions.note("beta", "447700900001", AT + timedelta(seconds=2))
    asked = [("acme", "447700900001"), ("acme", "447700900002"), ("beta", "447700900001"), ("beta", "other")]
    found = await asyncio.gather(*(store.sessions.last(*each) for each in asked))
    assert found == [AT, AT + timedelta(seconds=1), AT + timedelta(seconds=2), None]


@pytest.mark.parametrize(
    ("noted", "asked"), [("+447700900001", "447700900001"), ("447700900001", "+447700900001")]
)
async def test_an_msisdn_is_the_same_with_and_without_its_plus(store: Store, noted: str, asked: str) -> None:
    await store.sessions.note("acme", noted, AT)
    assert await store.sessions.last("acme", asked) == AT


async def test_an_id_that_is_no_number_keeps_its_plus(store: Store) -> None:
    await store.sessions.note("acme", "+abc", AT)
    assert [await store.sessions.last("acme", each) for each in ("abc", "+abc")] == [None, AT]


async def test_an_older_mo_that_is_noted_later_changes_nothing(store: Store) -> None:
    for minutes in (1, 3, 2):
        await store.sessions.note("acme", "447700900001", AT + timedelta(minutes=minutes))
    assert await store.sessions.last("acme", "447700900001") == AT + timedelta(minutes=3)


async def test_of_many_notes_of_many_processes_the_newest_counts_and_is_kept_long_enough(
    store: Store,
) -> None:
    processes = [Sessions(store.database) for _ in range(5)]
    await asyncio.gather(
        *(
            process.note("acme", f"4477009000{number % 10:02}", AT + timedelta(seconds=number))
            for process in processes
            for number in range(100)
        )
    )
    documents = await store.database.db["sessions"].find().sort("_id", 1).to_list(None)
    assert documents == [
        {
            "_id": f"acme/4477009000{digit:02}",
            "at": AT + timedelta(seconds=90 + digit),
            "purge_at": AT + timedelta(seconds=90 + digit) + KEPT,
        }
        for digit in range(10)
    ]


async def test_what_was_noted_is_written_before_a_drain_returns(store: Store) -> None:
    asked = [asyncio.create_task(store.sessions.note("acme", str(number), AT)) for number in range(20)]
    await asyncio.sleep(0)
    await store.sessions.drain()
    assert await store.database.db["sessions"].count_documents({}) == 20
    await asyncio.gather(*asked)
