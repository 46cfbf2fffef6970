"""The log of MT: each is kept once and whole, and changed only by who has seen its newest state."""

from __future__ import annotations

import asyncio
from dataclasses import fields, replace
from datetime import timedelta

import pytest

from gateway.errors import FailureKind, GatewayError
from gateway.model.receipt import Reason, Status, permanent
from gateway.store.records import REVIVED_AFTER, Claim, MTRecord
from gateway.store.transactions import Change, ProviderIdReused
from tests.contracts.store_world import AT, Store, accepted, claimed

pytestmark = pytest.mark.mongodb


async def test_an_mt_is_logged_once_and_the_second_is_answered_with_the_first(store: Store) -> None:
    first = await store.added(accepted(body=b"first"))
    assert await store.transactions.insert(accepted(body=b"second")) == first
    assert await store.stored(first) == first
    assert first.body == b"first"


async def test_the_same_id_of_two_applications_is_two_mt(store: Store) -> None:
    shop, alerts = await store.added(accepted()), await store.added(accepted(app_id="alerts"))
    assert await store.transactions.find("m-1", "alerts") == [alerts]
    found = await store.transactions.find("m-1")
    assert sorted(found, key=lambda record: record.app_id) == [alerts, shop]
    assert await store.transactions.find("m-2") == []


async def test_of_many_inserts_at_once_each_caller_gets_its_own_answer(store: Store) -> None:
    records = [accepted(f"m-{number % 250}", body=str(number).encode()) for number in range(500)]
    answers = await asyncio.gather(*(store.transactions.insert(record) for record in records))
    winners = {
        record.message_id: record.body
        for record, answer in zip(records, answers, strict=True)
        if answer is None
    }
    losers = [(record, answer) for record, answer in zip(records, answers, strict=True) if answer is not None]
    assert (len(winners), len(losers)) == (250, 250)
    assert all(answer.body == winners[record.message_id] for record, answer in losers)


async def test_an_mt_that_cannot_be_kept_fails_alone(store: Store) -> None:
    records = [accepted(f"m-{number}") for number in range(20)]
    records[7] = replace(records[7], body=bytes(17 * 1_048_576))
    records[8] = replace(records[8], correlation_id="\ud800")
    answers = await asyncio.gather(
        *(store.transactions.insert(record) for record in records), return_exceptions=True
    )
    assert [type(answer) for answer in answers[7:9]] == [GatewayError, GatewayError]
    assert answers[:7] + answers[9:] == [None] * 18


async def test_every_field_of_an_mt_comes_back_as_it_was(store: Store) -> None:
    record = replace(claimed(), in_app=True)
    kept = await store.added(record)
    assert kept == replace(record, events=kept.events)
    woken = {"device": "ann/phone", "account": "push", "at": AT}
    await store.transactions.note_wakeups(record.reference, [woken])
    ended = await store.transactions.move(
        await store.stored(record),
        Change(
            Status.FAILED,
            attempt=2,
            ended_as=Status.FAILED,
            provider_message_ids=("p-1", "p-2"),
            parts={"p-1": Status.DELIVERED, "p-2": Status.FAILED},
            parts_sent=2,
            part_count=2,
            devices={"ann/phone": Status.DELIVERED},
            device="ann/phone",
            degraded=("the location was written out as text",),
            claim=Claim("retry-1", AT + timedelta(seconds=60)),
            reason=Reason(
                code="rate_limited", kind=FailureKind.THROTTLED, provider_code="88", provider_text="slow"
            ),
            occurred_at=AT,
            told=(Status.FAILED,),
        ),
    )
    assert ended == await store.stored(record)
    assert ended is not None
    default = MTRecord("", "", Status.ACCEPTED, AT, AT, b"")
    untouched = [
        each.name for each in fields(ended) if getattr(ended, each.name) == getattr(default, each.name)
    ]
    assert untouched == ["accepted_at"], "say something of every field here"


async def test_what_happened_to_an_mt_is_kept_in_order_with_who_did_it(store: Store) -> None:
    record = await store.added(accepted())
    sending = await store.transactions.move(record, Change(Status.SENDING, 1, at=AT))
    assert sending is not None
    other = store.another_process("other")
    reason = permanent("no_route", "none fits")
    change = Change(
        Status.SUBMITTED, 1, provider_message_ids=("p-1",), reason=reason, told=(Status.SUBMITTED,)
    )
    await other.move(sending, replace(change, at=AT, occurred_at=AT - timedelta(seconds=1)))
    events = (await store.stored(record)).events
    assert [dict(event) for event in events] == [
        {"status": "accepted", "at": AT, "attempt": 0, "by": "this.1"},
        {"status": "sending", "at": AT, "attempt": 1, "by": "this.2"},
        {
            "status": "submitted",
            "at": AT,
            "attempt": 1,
            "by": "other.1",
            "told": ["submitted"],
            "reason": {"code": "no_route", "kind": "permanent", "provider_text": "none fits"},
            "occurred_at": AT - timedelta(seconds=1),
            "provider_message_ids": ["p-1"],
        },
    ]
    assert list((await store.stored(record)).told.items()) == [(Status.SUBMITTED, events[2])]


async def test_a_change_of_what_is_no_longer_so_is_not_made(store: Store) -> None:
    record = await store.added(accepted())
    sending = await store.transactions.move(record, Change(Status.SENDING, 1))
    assert await store.transactions.move(record, Change(Status.FAILED, 1)) is None
    assert await store.stored(record) == sending


async def test_what_is_not_there_cannot_be_changed(store: Store) -> None:
    assert await store.transactions.move(accepted(), Change(Status.SENDING, 1)) is None
    assert await store.transactions.get("shop/m-1") is None


async def test_of_many_changes_of_one_mt_in_a_batch_exactly_one_is_made(store: Store) -> None:
    record = await store.added(accepted())
    changes = [Change(Status.WAITING, attempt) for attempt in range(1, 51)]
    moved = await asyncio.gather(*(store.transactions.move(record, change) for change in changes))
    [winner] = [answer for answer in moved if answer is not None]
    assert await store.stored(record) == winner


async def test_of_many_processes_that_change_one_mt_exactly_one_does(store: Store) -> None:
    record = await store.added(accepted())
    processes = [store.another_process(f"p{number}") for number in range(20)]
    for _ in range(5):
        current = await store.stored(record)
        moved = await asyncio.gather(
            *(process.move(current, Change(Status.WAITING, 1)) for process in processes)
        )
        [winner] = [answer for answer in moved if answer is not None]
        assert await store.stored(record) == winner
    assert (await store.stored(record)).rev == 6


async def test_in_a_batch_each_change_gets_its_own_answer(store: Store) -> None:
    records = [await store.added(accepted(f"m-{number}")) for number in range(6)]
    other = store.another_process("other")
    for stale in records[:2]:
        await other.move(stale, Change(Status.SENDING, 1))
    gone = accepted("gone")
    moved = await asyncio.gather(
        *(store.transactions.move(record, Change(Status.WAITING, 2)) for record in [*records, gone])
    )
    assert [answer is not None for answer in moved] == [False, False, True, True, True, True, False]
    for record, answer in zip(records[2:], moved[2:6], strict=True):
        assert await store.stored(record) == answer


async def test_of_five_hundred_changes_at_once_each_caller_gets_its_own_answer(store: Store) -> None:
    records = [accepted(f"m-{number}") for number in range(500)]
    await asyncio.gather(*(store.transactions.insert(record) for record in records))
    moved = await asyncio.gather(
        *(
            store.transactions.move(replace(record, rev=1 + number % 2), Change(Status.SENDING, number))
            for number, record in enumerate(records)
        )
    )
    assert [answer and answer.attempt for answer in moved] == [
        number if number % 2 == 0 else None for number in range(500)
    ]
    stored = await asyncio.gather(*(store.transactions.get(record.reference) for record in records))
    assert [record.attempt for record in stored if record] == [n if n % 2 == 0 else 0 for n in range(500)]


async def test_a_providers_id_that_another_mt_has_fails_its_own_caller_only(store: Store) -> None:
    taken, again, other, elsewhere = [
        await store.added(record)
        for record in (accepted("m-1"), accepted("m-2"), accepted("m-3"), accepted("m-4", account="beta"))
    ]
    submitted = Change(Status.SUBMITTED, 1, provider_message_ids=("p-1", "p-2"))
    first = await store.transactions.move(taken, submitted)
    results = await asyncio.gather(
        store.transactions.move(again, replace(submitted, provider_message_ids=("p-9", "p-2"))),
        store.transactions.move(other, replace(submitted, provider_message_ids=("p-3",))),
        store.transactions.move(elsewhere, submitted),
        return_exceptions=True,
    )
    assert isinstance(results[0], ProviderIdReused)
    assert list(results[1:]) == [await store.stored(other), await store.stored(elsewhere)]
    assert await store.stored(again) == again, "nothing of it was changed"
    assert await store.stored(taken) == first


async def test_an_mt_is_found_by_each_of_the_providers_ids_of_its_account(store: Store) -> None:
    record = await store.added(accepted())
    moved = await store.transactions.move(
        record, Change(Status.SUBMITTED, 1, provider_message_ids=("p-1", "p-2", "p-3"))
    )
    wanted = [("acme", "p-1"), ("acme", "p-2"), ("acme", "p-3"), ("beta", "p-1"), ("acme", "p-4")]
    found = await asyncio.gather(*(store.transactions.by_provider_id(*key) for key in wanted))
    assert found == [moved, moved, moved, None, None]


async def test_later_ids_of_the_provider_take_the_place_of_the_first(store: Store) -> None:
    record = await store.added(accepted())
    first = await store.transactions.move(record, Change(Status.SUBMITTED, 1, provider_message_ids=("p-1",)))
    assert first is not None
    second = await store.transactions.move(first, Change(Status.SUBMITTED, 2, provider_message_ids=("p-2",)))
    assert await store.transactions.by_provider_id("acme", "p-1") is None
    assert await store.transactions.by_provider_id("acme", "p-2") == second


async def test_a_claim_and_a_reason_are_kept_as_long_as_they_should(store: Store) -> None:
    record = await store.added(claimed())
    waiting = await store.transactions.move(record, Change(Status.WAITING, 2, reason=permanent("no_route")))
    assert waiting is not None
    assert (waiting.claim, waiting.reason) == (None, permanent("no_route"))
    sending = await store.transactions.move(waiting, Change(Status.SENDING, 2))
    assert sending == await store.stored(record)
    assert sending is not None
    assert sending.reason == permanent("no_route")


async def test_what_was_asked_for_is_written_before_a_drain_returns(store: Store) -> None:
    asked = [asyncio.create_task(store.transactions.insert(accepted(f"m-{n}"))) for n in range(50)]
    await asyncio.sleep(0)
    for task in asked[:25]:
        task.cancel()
    await store.transactions.drain()
    found = await asyncio.gather(*(store.transactions.get(f"shop/m-{n}") for n in range(50)))
    assert None not in found, "a cancelled caller does not take its write back"
    await asyncio.gather(*asked, return_exceptions=True)


async def test_what_was_sent_to_a_person_is_found_by_then_and_by_status_the_newest_first(
    store: Store,
) -> None:
    for number in range(6):
        at = AT + timedelta(seconds=number)
        await store.added(accepted(f"m-{number}", accepted_at=at, person="acme/1"))
    await store.added(accepted("m-7", person="acme/2"))
    await store.added(accepted("m-8"))
    submitted = [await store.stored(accepted(f"m-{number}")) for number in (1, 2, 4, 5)]
    for record in submitted:
        await store.transactions.move(record, Change(Status.SUBMITTED, 1))

    async def found(seconds: int, *statuses: Status, limit: int = 500) -> list[str]:
        until = AT + timedelta(seconds=seconds)
        records = await store.transactions.sent_to("acme/1", until, statuses, limit)
        return [record.message_id for record in records]

    assert await found(4, Status.SUBMITTED) == ["m-4", "m-2", "m-1"]
    assert await found(4, Status.SUBMITTED, Status.ACCEPTED) == ["m-4", "m-3", "m-2", "m-1", "m-0"]
    assert await found(9, Status.SUBMITTED, limit=2) == ["m-5", "m-4"]
    assert await found(9, Status.READ) == []
    [newest] = await store.transactions.sent_to("acme/1", AT + timedelta(seconds=9), [Status.SUBMITTED], 1)
    assert newest == await store.stored(newest)


async def test_a_change_that_leaves_the_status_leaves_the_time_at_which_it_is_due(store: Store) -> None:
    """A receipt for one of several messages must not hide that the repeat of the next one is lost."""
    record = await store.added(accepted())
    retry_at = AT + timedelta(seconds=5)
    waiting = await store.transactions.move(record, Change(Status.WAITING, 1, retry_at=retry_at))
    assert waiting is not None
    await store.transactions.move(waiting, Change(Status.WAITING, 1, parts={"p-1": Status.DELIVERED}))
    due = await store.transactions.due(retry_at + REVIVED_AFTER, 10)
    assert [each.reference for each in due] == ["shop/m-1"]
    assert await store.transactions.due(retry_at, 10) == []


def test_when_an_attempt_began_is_not_when_something_was_heard_of_it() -> None:
    events = (
        {"status": "accepted", "at": AT},
        {"status": "sending", "at": AT + timedelta(seconds=1)},
        {"status": "waiting", "at": AT + timedelta(seconds=2)},
        {"status": "sending", "at": AT + timedelta(seconds=3)},
        {"status": "sending", "at": AT + timedelta(seconds=4), "occurred_at": AT},
        {"status": "submitted", "at": AT + timedelta(seconds=5)},
    )
    assert accepted(events=events).begun_at == AT + timedelta(seconds=3)
    assert accepted(events=events[:1]).begun_at is None
