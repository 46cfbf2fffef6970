"""The log of what came in: each MO once, and each receipt once, whatever became of it."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace
from datetime import timedelta

import pytest

from gateway.errors import GatewayError
from tests.contracts.store_world import AT, Store, mo, receipt

pytestmark = pytest.mark.mongodb


async def test_an_mo_is_logged_once_and_the_second_is_answered_with_the_first(store: Store) -> None:
    first = replace(mo(), body=b'{"text": "\xf0\x9f\x8d\xb5"} \xff')
    assert await store.inbound.add_mo(first) is None
    assert await store.inbound.add_mo(mo(mo_id="mo-2")) == first


async def test_the_same_id_of_two_accounts_is_two_mo(store: Store) -> None:
    assert await store.inbound.add_mo(mo()) is None
    assert await store.inbound.add_mo(replace(mo(), account="beta")) is None


async def test_of_many_mo_at_once_each_caller_gets_its_own_answer(store: Store) -> None:
    records = [mo(f"p-{number % 250}", mo_id=f"mo-{number}") for number in range(500)]
    answers = await asyncio.gather(*(store.inbound.add_mo(record) for record in records))
    first = {r.provider_message_id: r for r, answer in zip(records, answers, strict=True) if answer is None}
    again = [(r, answer) for r, answer in zip(records, answers, strict=True) if answer is not None]
    assert (len(first), len(again)) == (250, 250)
    assert all(answer == first[record.provider_message_id] for record, answer in again)


async def test_an_mo_that_cannot_be_kept_fails_alone(store: Store) -> None:
    records = [mo(f"p-{number}") for number in range(10)]
    records[3] = replace(records[3], body=bytes(17 * 1_048_576))
    answers = await asyncio.gather(
        *(store.inbound.add_mo(record) for record in records), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [type(None)] * 3 + [GatewayError] + [type(None)] * 6


async def test_a_receipt_is_logged_once_for_each_item_it_came_in(store: Store) -> None:
    await asyncio.gather(*(store.inbound.add_receipt(receipt()) for _ in range(20)))
    await store.inbound.add_receipt(receipt("acme/8"))
    assert [each["_id"] for each in await store.inbound.receipts_of("shop/m-1")] == ["acme/7", "acme/8"]


async def test_receipts_are_shown_whole_in_the_order_in_which_they_came(store: Store) -> None:
    last = receipt(
        "acme/1", received_at=AT + timedelta(seconds=1), occurred_at=AT, body=b"\xff", person="shop/a"
    )
    first = receipt("acme/2", status=None, outcome="unknown_status", provider_status="7")
    for each in (last, first, receipt("acme/3", reference="shop/other")):
        await store.inbound.add_receipt(each)
    shown = await store.inbound.receipts_of("shop/m-1")
    for document in shown:
        document["event_key"] = document.pop("_id")
        del document["purge_at"]
    without_a_person = {name: value for name, value in asdict(first).items() if name != "person"}
    assert shown == [without_a_person, asdict(last)]


async def test_a_receipt_that_matches_no_mt_is_kept_and_counted(store: Store) -> None:
    for number in range(3):
        unmatched = receipt(f"acme/{number}", outcome="unmatched", reference=None)
        await store.inbound.add_receipt(unmatched)
    await store.inbound.add_receipt(receipt("acme/9"))
    await store.inbound.add_mo(mo())
    assert (await store.inbound.count_unmatched(), await store.inbound.count_mo()) == (3, 1)


async def test_what_was_asked_for_is_written_before_a_drain_returns(store: Store) -> None:
    asked = [asyncio.create_task(store.inbound.add_mo(mo(f"p-{number}"))) for number in range(20)]
    await asyncio.sleep(0)
    await store.inbound.drain()
    assert await store.inbound.count_mo() == 20
    await asyncio.gather(*asked)
