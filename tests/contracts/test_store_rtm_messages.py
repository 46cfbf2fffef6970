"""What the log keeps of messages of the in-app channel beside the rest, and what it does not of others."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.model.address import Thread
from gateway.model.receipt import Status
from gateway.store.records import MTRecord
from gateway.store.transactions import WAKEUPS_KEPT, Change
from tests.contracts.store_world import AT, Store, accepted, claimed, mo, receipt

pytestmark = pytest.mark.mongodb

TEA = Thread(id="t/1", type="conversation", title="Tea")
LATER = AT + timedelta(minutes=1)


async def raw(store: Store, collection: str, id: str) -> dict[str, Any]:
    document: dict[str, Any] = await store.database.db[collection].find_one({"_id": id})
    return document


async def test_an_in_app_mt_is_kept_by_its_thread(store: Store) -> None:
    kept = await store.added(accepted("m-1", in_app=True, thread=TEA))
    assert kept == replace(accepted("m-1", in_app=True, thread=TEA), events=kept.events)
    document = await raw(store, "mt_transactions", "shop/m-1")
    assert (document["in_app"], document["thread_key"]) == (True, "shop/t/1")
    await store.added(accepted("m-2", in_app=True))
    assert "thread_key" not in await raw(store, "mt_transactions", "shop/m-2")


async def test_nothing_of_it_is_kept_with_messages_of_other_channels(store: Store) -> None:
    await store.added(claimed())
    await store.inbound.add_mo(mo())
    await store.inbound.add_receipt(receipt())
    new = {"in_app", "thread_key", "devices", "wakeups", "user_id", "person"}
    assert new & (await raw(store, "mt_transactions", "shop/m-1")).keys() == {"person"}  # of watermarks
    assert not new & (await raw(store, "mo_transactions", "acme/p-1")).keys()
    assert not new & (await raw(store, "dr_events", "acme/7")).keys()


async def moved(store: Store, record: MTRecord, change: Change) -> MTRecord:
    result = await store.transactions.move(record, change)
    assert result is not None
    assert result == await store.stored(record)
    return result


def heard(device: str, status: Status, at: Any = AT, **others: Status) -> Change:
    return Change(Status.DELIVERED, 1, devices={device: status, **others}, device=device, at=at)


async def test_each_device_s_progress_is_kept_with_its_time(store: Store) -> None:
    record = await store.added(accepted(in_app=True, status=Status.SUBMITTED))
    record = await moved(store, record, heard("ann/a.b", Status.DELIVERED))
    record = await moved(store, record, heard("ann/$c", Status.DELIVERED, LATER))
    record = await moved(store, record, heard("ann/a.b", Status.READ, LATER))
    record = await moved(store, record, heard("bob/d", Status.READ, LATER, **{"bob/e": Status.DELIVERED}))
    record = await moved(store, record, Change(Status.READ, 1, at=LATER))
    assert dict(record.devices) == {
        "ann/a.b": Status.READ,
        "ann/$c": Status.DELIVERED,
        "bob/d": Status.READ,
        "bob/e": Status.DELIVERED,
    }
    assert [event.get("device") for event in record.events] == [
        None,
        "ann/a.b",
        "ann/$c",
        "ann/a.b",
        "bob/d",
        None,
    ]
    document = await raw(store, "mt_transactions", "shop/m-1")
    assert document["devices"] == [
        {"id": "ann/a.b", "status": "read", "at": LATER},
        {"id": "ann/$c", "status": "delivered", "at": LATER},
        {"id": "bob/d", "status": "read", "at": LATER},
        {"id": "bob/e", "status": "delivered", "at": LATER},
    ]


async def test_all_devices_may_be_given_whatever_their_order(store: Store) -> None:
    record = await store.added(accepted(in_app=True, status=Status.SUBMITTED))
    for number in range(12):
        device = f"ann/{number}"
        devices = {device: Status.DELIVERED, **dict(reversed(list(record.devices.items())))}
        record = await moved(store, record, Change(Status.DELIVERED, 1, devices=devices, device=device))
    assert list(record.devices) == [f"ann/{number}" for number in range(12)]


async def test_receipts_of_many_devices_at_once_are_all_kept(store: Store) -> None:
    await store.added(accepted(in_app=True, status=Status.SUBMITTED))

    async def report(number: int) -> None:
        process = store.another_process(f"dr-{number}")
        while True:
            record = await process.get("shop/m-1")
            assert record is not None
            if await process.move(record, heard(f"ann/{number}", Status.DELIVERED)) is not None:
                return

    await asyncio.gather(*(report(number) for number in range(10)))
    document = await raw(store, "mt_transactions", "shop/m-1")
    assert sorted(row["id"] for row in document["devices"]) == [f"ann/{number}" for number in range(10)]
    assert {row["status"] for row in document["devices"]} == {"delivered"}


async def test_what_became_of_waking_devices_is_kept_and_changes_nothing_else(store: Store) -> None:
    record = await store.added(accepted(in_app=True))
    rows = [{"device": f"ann/{number}", "account": "fcm", "at": AT} for number in range(WAKEUPS_KEPT + 5)]
    await store.transactions.note_wakeups("shop/m-1", rows[:2])
    await asyncio.gather(*(store.transactions.note_wakeups("shop/m-1", [row]) for row in rows[2:4]))
    await store.transactions.note_wakeups("shop/m-1", rows[4:])
    await store.transactions.note_wakeups("shop/m-2", rows)
    kept = await store.stored(record)
    assert kept.rev == record.rev
    assert [row["device"] for row in kept.wakeups] == [row["device"] for row in rows[5:]]
    assert await store.transactions.move(record, Change(Status.SENDING, 1)) is not None


async def test_an_in_app_mo_is_kept_by_its_thread_and_its_person(store: Store) -> None:
    record = replace(mo(), thread_key="shop/t-1", user_id="ann")
    assert await store.inbound.add_mo(record) is None
    assert await store.inbound.add_mo(replace(record, mo_id="mo-2", user_id="bob")) == record
    typing = replace(mo("p-2"), user_id="ann")
    assert await store.inbound.add_mo(typing) is None
    assert await store.inbound.add_mo(typing) == typing


async def test_an_mo_from_before_there_were_threads_can_be_read(store: Store) -> None:
    assert await store.inbound.add_mo(mo()) is None
    assert await store.inbound.add_mo(mo(mo_id="mo-2")) == mo()
