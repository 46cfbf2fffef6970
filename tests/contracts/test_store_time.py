"""What the store does by the clock: what is due, what has ended, and what is thrown away."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest

from gateway.model.base import now
from gateway.model.receipt import Status
from gateway.store.indexes import ensure_indexes
from gateway.store.transactions import Change
from tests.contracts.store_world import AT, Store, accepted, mo, receipt
from tests.waiting import eventually

pytestmark = pytest.mark.mongodb

LATER = AT + timedelta(days=1)
UNDER_WAY = {Status.ACCEPTED, Status.SENDING, Status.WAITING, Status.SUBMITTED}


async def test_those_whose_time_has_passed_are_due_the_longest_overdue_first(store: Store) -> None:
    for minutes in (30, 10, 20, 40):
        await store.added(accepted(f"m-{minutes}", expires_at=AT + timedelta(minutes=minutes)))
    due = await store.transactions.due(AT + timedelta(minutes=30), 10)
    assert [record.message_id for record in due] == ["m-10", "m-20", "m-30"]
    assert [record.message_id for record in await store.transactions.due(LATER, 2)] == ["m-10", "m-20"]
    assert await store.transactions.due(AT, 10) == []


async def test_those_that_are_postponed_are_not_due_until_then(store: Store) -> None:
    for name in ("m-1", "m-2"):
        await store.added(accepted(name))
    until = AT + timedelta(hours=2)
    await store.transactions.postpone(["shop/m-1", "shop/unknown"], until)
    assert [each.message_id for each in await store.transactions.due(until - timedelta(minutes=1), 9)] == [
        "m-2"
    ]
    assert [each.message_id for each in await store.transactions.due(until, 9)] == ["m-2", "m-1"]


async def test_what_has_ended_is_never_due_not_even_postponed(store: Store) -> None:
    ends = {True: set(Status) - UNDER_WAY, False: (set(Status) - UNDER_WAY) | {Status.SUBMITTED}}
    for receipts_come, status in product((True, False), Status):
        name = f"{status.value}-{receipts_come}"
        record = await store.added(accepted(name, provider_sends_receipts=receipts_come))
        await store.transactions.move(record, Change(status, 1))
    everything = [f"shop/{status.value}-{receipts_come}" for status in Status for receipts_come in ends]
    await store.transactions.postpone(everything, LATER)
    due = {record.reference for record in await store.transactions.due(LATER, 99)}
    ended = {
        f"shop/{status.value}-{receipts_come}" for receipts_come in ends for status in ends[receipts_come]
    }
    assert due == set(everything) - ended


async def test_totals_count_by_status_and_by_what_was_told_as_the_end(store: Store) -> None:
    for number, (status, ended_as) in enumerate(
        [
            (Status.SUBMITTED, None),
            (Status.SUBMITTED, None),
            (Status.SUBMITTED, Status.SUBMITTED),
            (Status.DELIVERED, Status.DELIVERED),
            (Status.DELIVERED, Status.EXPIRED),
        ]
    ):
        record = await store.added(accepted(f"m-{number}"))
        await store.transactions.move(record, Change(status, 1, ended_as=ended_as))
    await store.added(accepted("m-9"))
    assert await store.transactions.totals() == {
        ("accepted", ""): 1,
        ("submitted", ""): 2,
        ("submitted", "submitted"): 1,
        ("delivered", "delivered"): 1,
        ("delivered", "expired"): 1,
    }


async def test_the_end_that_was_told_first_stays_the_end(store: Store) -> None:
    record = await store.added(accepted())
    expired = await store.transactions.move(record, Change(Status.EXPIRED, 1, ended_as=Status.EXPIRED))
    assert expired is not None
    late = await store.transactions.move(expired, Change(Status.DELIVERED, 1))
    assert late is not None
    assert (late.status, late.ended_as) == (Status.DELIVERED, Status.EXPIRED)
    assert late == await store.stored(record)


async def test_those_that_had_to_wait_before_they_were_taken_are_counted(store: Store) -> None:
    for name, statuses in {
        "at once": [Status.SUBMITTED],
        "later": [Status.WAITING, Status.WAITING, Status.SUBMITTED],
        "never": [Status.WAITING, Status.FAILED],
    }.items():
        record = await store.added(accepted(name))
        for status in statuses:
            moved = await store.transactions.move(record, Change(status, 1))
            assert moved is not None
            record = moved
    assert await store.transactions.count_retried_then_taken() == 1


async def test_what_ended_long_ago_is_thrown_away_and_nothing_else(store: Store) -> None:
    long_ago = now() - timedelta(days=91)
    for name, ended_at in {"old": long_ago, "new": now()}.items():
        record = await store.added(accepted(name, accepted_at=long_ago))
        await store.transactions.move(record, Change(Status.FAILED, 1, ended_as=Status.FAILED, at=ended_at))
    await store.added(accepted("open", accepted_at=long_ago))
    await store.inbound.add_mo(mo("old", received_at=long_ago))
    await store.inbound.add_mo(mo("new"))
    await store.inbound.add_receipt(receipt("old", received_at=long_ago))
    await store.inbound.add_receipt(receipt("new"))
    await store.sessions.note("acme", "old", long_ago)
    await store.sessions.note("acme", "new", now())

    async def kept() -> list[list[str]]:
        names = ("mt_transactions", "mo_transactions", "dr_events", "sessions")
        found = [await store.database.db[name].find({}, {"_id": 1}).to_list(None) for name in names]
        return [sorted(document["_id"] for document in documents) for documents in found]

    async def purged() -> bool:
        return await kept() == [["shop/new", "shop/open"], ["acme/new"], ["new"], ["acme/new"]]

    await eventually(purged, within_seconds=30)


async def test_indexes_can_be_made_again_and_are_what_questions_are_asked_by(store: Store) -> None:
    await ensure_indexes(store.database)
    mt = store.database.db["mt_transactions"]
    asked = {
        "provider_message_ids": {"account": "acme", "provider_message_ids": {"$in": ["p-1"]}},
        "due_at": {"due_at": {"$lte": AT}},
        "message_id": {"message_id": "m-1"},
        "person": {"person": "acme/1", "accepted_at": {"$lte": AT}, "status": {"$in": ["submitted"]}},
    }
    used = {}
    for name, query in asked.items():
        plan = await mt.find(query).explain()
        used[name] = plan["queryPlanner"]["winningPlan"].get("inputStage", {}).get("indexName")
    assert used == {name: name for name in asked}
