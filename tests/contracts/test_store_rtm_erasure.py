"""A person who is forgotten leaves nothing behind, and takes nothing along that is somebody else's."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import bson
import pytest
from pymongo import AsyncMongoClient

from gateway.errors import StoreUnavailable
from gateway.model.address import Address, Thread
from gateway.model.receipt import Status
from gateway.rtm.names import Device
from gateway.store.customers import Customers
from gateway.store.erasure import Erasure
from gateway.store.threads import ThreadRecord, Threads
from gateway.store.transactions import Change
from tests.contracts.store_profile import profiled
from tests.contracts.store_world import AT, Store, accepted, mo, receipt

pytestmark = pytest.mark.mongodb

TEA = Thread(id="t-1", type="conversation")


async def mt(store: Store, id: str, kind: Any, to: str, *devices: str, app_id: str = "shop") -> None:
    """An MT with a receipt of each of these devices, and a wake-up of it."""
    address = Address(kind=kind, id=to)
    record = await store.added(accepted(id, app_id=app_id, in_app=True, thread=TEA, to=address))
    for number, device in enumerate(devices):
        told = () if number else (Status.DELIVERED,)
        change = Change(Status.DELIVERED, 1, devices={device: Status.DELIVERED}, device=device, told=told)
        moved = await store.transactions.move(record, change)
        assert moved is not None
        record = moved
        person = f"{app_id}/{device.partition('/')[0]}"
        await store.inbound.add_receipt(
            receipt(f"dr/{app_id}/{id}/{device}", reference=record.reference, person=person)
        )
        await store.transactions.note_wakeups(record.reference, [{"device": device, "account": "fcm"}])


async def everything_of(store: Store, user_id: str, app_id: str = "shop") -> None:
    """A person with a device, a thread, an MO, and MT to them, to their device, and to a topic."""
    customers, threads = Customers(store.database), Threads(store.database)
    await customers.touch(Device(app_id, user_id, "phone"), AT, push_token=f"token-{user_id}")
    await threads.ensure(
        ThreadRecord(app_id, f"t-{user_id}", "conversation", AT, AT, user_id=user_id, title="Tea")
    )
    await mt(store, f"to-{user_id}", "user_id", user_id, f"{user_id}/phone", app_id=app_id)
    await mt(store, f"to-d-{user_id}", "device", f"{user_id}/phone", f"{user_id}/phone", app_id=app_id)
    record = mo(f"{app_id}/{user_id}/phone/1", mo_id=f"mo-{user_id}")
    await store.inbound.add_mo(replace(record, app_id=app_id, thread_key=f"{app_id}/t", user_id=user_id))
    await store.inbound.add_receipt(
        receipt(f"dr/{app_id}/{user_id}/lost", reference=None, person=f"{app_id}/{user_id}")
    )


async def mentioning(store: Store, word: str) -> list[str]:
    """Where this word is in the store."""
    database = store.database.db
    found = []
    for name in sorted(await database.list_collection_names()):
        for document in await database[name].find().to_list(None):
            if word.encode() in bson.encode(document):
                found.append(f"{name}: {document['_id']}")
    return found


async def test_nothing_of_a_person_is_left_and_all_of_others(store: Store) -> None:
    for user_id in ("zoe", "bob"):
        await everything_of(store, user_id)
    await everything_of(store, "zoe", app_id="shop2")
    before = await mentioning(store, "bob"), await mentioning(store, "shop2")
    assert await Erasure(store.database).erase("shop", "zoe") is True
    assert [found for found in await mentioning(store, "zoe") if "shop2" not in found] == []
    assert (await mentioning(store, "bob"), await mentioning(store, "shop2")) == before
    assert await Erasure(store.database).erase("shop", "zoe") is False


async def test_what_went_to_a_topic_stays_without_the_persons_receipts(store: Store) -> None:
    await mt(
        store, "m-1", "topic", "news", "zoe/phone", "bob/phone", "zoe/tablet", "zoe2/phone", "zoe-a/phone"
    )
    await mt(store, "m-2", "topic", "zoe", "bob/phone")
    two = await store.stored(accepted("m-2"))
    assert await Erasure(store.database).erase("shop", "zoe") is False
    one = await store.stored(accepted("m-1"))
    assert list(one.devices) == ["bob/phone", "zoe2/phone", "zoe-a/phone"]
    assert [row["device"] for row in one.wakeups] == ["bob/phone", "zoe2/phone", "zoe-a/phone"]
    devices = [event.get("device") for event in one.events]
    assert devices == [None, None, "bob/phone", None, "zoe2/phone", "zoe-a/phone"]
    assert one.events[1]["told"] == ["delivered"]
    assert await store.stored(two) == two
    left = [row["_id"] for row in await store.inbound.receipts_of("shop/m-1")]
    assert sorted(left) == [f"dr/shop/m-1/{device}" for device in ("bob/phone", "zoe-a/phone", "zoe2/phone")]


async def test_a_wake_up_for_a_topic_is_forgotten_without_a_receipt_too(store: Store) -> None:
    await mt(store, "m-1", "topic", "news")
    await store.transactions.note_wakeups("shop/m-1", [{"device": "zoe/phone"}, {"device": "bob/phone"}])
    await Erasure(store.database).erase("shop", "zoe")
    assert (await store.stored(accepted("m-1"))).wakeups == ({"device": "bob/phone"},)


async def test_whoever_looked_before_the_erasure_cannot_write_the_person_back(store: Store) -> None:
    await mt(store, "m-1", "topic", "news", "zoe/phone", "bob/phone")
    seen = await store.stored(accepted("m-1"))
    await Erasure(store.database).erase("shop", "zoe")
    news = Change(Status.READ, 1, devices={**seen.devices, "bob/phone": Status.READ}, device="bob/phone")
    assert await store.transactions.move(seen, news) is None


async def test_more_than_is_deleted_at_once_is_deleted(store: Store) -> None:
    many = 1_100
    records = [
        replace(mo(f"shop/zoe/phone/{number}", mo_id=f"mo-{number}"), user_id="zoe") for number in range(many)
    ]
    await asyncio.gather(*(store.inbound.add_mo(record) for record in records))
    mts = [accepted(f"m-{n}", in_app=True, to=Address(kind="user_id", id="zoe")) for n in range(many)]
    await asyncio.gather(*(store.transactions.insert(record) for record in mts))
    await Erasure(store.database).erase("shop", "zoe")
    assert await mentioning(store, "zoe") == []


@pytest.mark.parametrize("done", range(6))
async def test_an_erasure_that_is_cut_off_can_be_repeated(store: Store, done: int) -> None:
    await everything_of(store, "zoe")
    how = {"failCommands": ["delete"], "errorCode": 50, "appName": "im-gateway"}
    point = {"configureFailPoint": "failCommand", "data": how}
    async with AsyncMongoClient[dict[str, Any]](store.server.url) as client:
        await client.admin.command({**point, "mode": {"skip": done}})
        try:
            with pytest.raises(StoreUnavailable):
                await Erasure(store.database).erase("shop", "zoe")
        finally:
            await client.admin.command({**point, "mode": "off"})
    assert await Erasure(store.database).erase("shop", "zoe") is True
    assert await mentioning(store, "zoe") == []


async def test_two_who_erase_the_same_person_do_not_disturb_each_other(store: Store) -> None:
    await everything_of(store, "zoe")
    known = await asyncio.gather(*(Erasure(store.database).erase("shop", "zoe") for _ in range(3)))
    assert known.count(True) == 1
    assert await mentioning(store, "zoe") == []


async def test_what_is_to_be_forgotten_is_found_by_indexes(store: Store) -> None:
    await everything_of(store, "zoe")
    await mt(store, "m-1", "topic", "news", "zoe/phone")
    async with profiled(store) as seen:
        await Erasure(store.database).erase("shop", "zoe")
    for collection in ("mt_transactions", "mo_transactions", "dr_events"):
        queries = await seen(collection)
        assert queries
        assert [query["plans"] for query in queries] == [{"IXSCAN"}] * len(queries)
