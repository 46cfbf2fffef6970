"""The devices of people: known by what they say of themselves, and there as long as they are connected."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from gateway.rtm.names import Device
from gateway.store.customer_documents import MAX_DEVICES
from gateway.store.customers import Customer, Customers, KnownDevice
from tests.contracts.store_world import AT, Store

pytestmark = pytest.mark.mongodb

LATER = AT + timedelta(minutes=1)
PHONE = Device("shop", "ann", "phone")
TABLET = Device("shop", "ann", "tablet")


@pytest.fixture
def customers(store: Store) -> Customers:
    return Customers(store.database)


async def known(customers: Customers, user_id: str = "ann") -> Customer:
    found = await customers.get("shop", user_id)
    assert found is not None
    return found


async def connection(store: Store) -> str | None:
    """The session that the phone is connected by, as it is stored; None when it is not connected."""
    person = await store.database.db["customers_shop"].find_one({"_id": "ann"})
    [phone] = [each for each in person["devices"] if each["id"] == "phone"]
    return phone["session"] if phone["online"] else None


async def connections(
    store: Store, events: list[str], at: datetime, *, retained: bool = False
) -> list[str | None]:
    """What the phone is connected by after each begin (`+`) and each end (`-`) of one of its sessions."""
    customers = Customers(store.database)
    found: list[str | None] = []
    for event in events:
        await customers.presence(PHONE, online=event[0] == "+", session=event[1:], at=at, retained=retained)
        found.append(await connection(store))
    return found


async def test_a_device_that_is_heard_of_is_added_and_what_it_does_not_say_stays(
    customers: Customers,
) -> None:
    await customers.touch(PHONE, AT, platform="android", push_token="$t-1", app_version="1.0")
    await customers.touch(TABLET, LATER)
    await customers.touch(PHONE, LATER, app_version="$set")
    await customers.touch(PHONE, AT)
    assert await known(customers) == Customer(
        "ann",
        devices=(
            KnownDevice("phone", "android", "$t-1", "$set", last_seen_at=LATER),
            KnownDevice("tablet", last_seen_at=LATER),
        ),
        created_at=AT,
        updated_at=AT,
    )


async def test_what_one_device_says_at_once_is_taken_together_in_order(customers: Customers) -> None:
    await asyncio.gather(
        customers.touch(PHONE, LATER, platform="ios", push_token="t-1"),
        customers.touch(PHONE, AT, push_token="t-2"),
        customers.touch(PHONE, AT, app_version="2"),
    )
    assert (await known(customers)).devices == (KnownDevice("phone", "ios", "t-2", "2", last_seen_at=LATER),)


async def test_an_empty_push_token_takes_it_away(customers: Customers) -> None:
    await customers.touch(PHONE, AT, push_token="t-1")
    await customers.touch(PHONE, AT, push_token="")
    assert (await known(customers)).devices == (KnownDevice("phone", last_seen_at=AT),)


async def test_a_push_token_is_the_last_device_s_that_told_it(customers: Customers) -> None:
    await customers.touch(PHONE, AT, push_token="t-1")
    await customers.touch(Device("shop", "bob", "phone"), LATER, push_token="t-1")
    await customers.touch(Device("other", "ann", "phone"), LATER, push_token="t-1")
    tokens = [device.push_token for each in await customers.page("shop") for device in each.devices]
    assert tokens == [None, "t-1"]
    await customers.touch(PHONE, AT, push_token="t-1")  # told before, heard of later
    tokens = [device.push_token for each in await customers.page("shop") for device in each.devices]
    assert tokens == [None, "t-1"]


async def test_of_many_who_tell_one_push_token_at_once_exactly_the_last_has_it(store: Store) -> None:
    processes = [Customers(store.database) for _ in range(8)]
    await asyncio.gather(
        *(
            process.touch(
                Device("shop", f"u{number}", "phone"), AT + timedelta(seconds=number), push_token="t-1"
            )
            for number, process in enumerate(processes)
        )
    )
    people = await processes[0].page("shop")
    assert {each.user_id: each.devices[0].push_token for each in people} == {
        **{f"u{number}": None for number in range(7)},
        "u7": "t-1",
    }


async def test_a_push_token_that_is_no_more_is_forgotten_and_another_one_stays(customers: Customers) -> None:
    await customers.touch(PHONE, AT, push_token="t-2")
    await customers.touch(TABLET, AT, push_token="t-3")
    await customers.forget_push_token(PHONE, "t-1")
    await customers.forget_push_token(PHONE, "t-3")
    assert [device.push_token for device in (await known(customers)).devices] == ["t-2", "t-3"]
    await customers.forget_push_token(PHONE, "t-2")
    assert [device.push_token for device in (await known(customers)).devices] == [None, "t-3"]


async def test_of_more_devices_than_are_kept_the_last_heard_of_stay(customers: Customers) -> None:
    await customers.touch(PHONE, AT)
    for number in range(MAX_DEVICES - 1):
        await customers.touch(Device("shop", "ann", f"w{number:03}"), AT)
    await customers.touch(PHONE, LATER)
    await customers.touch(TABLET, LATER)
    found = [device.device_id for device in (await known(customers)).devices]
    assert found == ["phone", "tablet", *(f"w{number:03}" for number in range(1, MAX_DEVICES - 1))]


async def test_a_device_is_removed_alone(customers: Customers) -> None:
    await customers.touch(PHONE, AT)
    await customers.touch(TABLET, AT)
    assert await customers.remove_device(PHONE) is True
    assert await customers.remove_device(PHONE) is False
    assert (await known(customers)).devices == (KnownDevice("tablet", last_seen_at=AT),)


# What happens to one device, by session, and which of them it is connected by after each.
@pytest.mark.parametrize(
    ("events", "connected_by"),
    [
        (["+$1"], ["$1"]),
        (["+$1", "-$1"], ["$1", None]),
        (["+$1", "+$1", "-$1", "-$1"], ["$1", "$1", None, None]),
        (["+$1", "-$1", "+$2"], ["$1", None, "$2"]),
        (["+$1", "+$2", "-$1"], ["$1", "$2", "$2"]),
        (["+$1", "+$2", "-$1", "-$2"], ["$1", "$2", "$2", None]),
        (["+$0", "-$1", "+$1"], ["$0", "$0", "$0"]),
        (["+$0", "-$0", "-$1", "-$2", "+$1", "+$2"], ["$0", None, None, None, None, None]),
        (["+$1", "-$1", "+$1"], ["$1", None, None]),
    ],
)
async def test_presence_is_right_in_whatever_order_it_is_heard_of(
    store: Store, events: list[str], connected_by: list[str | None]
) -> None:
    assert await connections(store, events, AT) == connected_by


async def test_the_begin_of_an_older_connection_that_comes_late_takes_nothing_over(
    store: Store, customers: Customers
) -> None:
    await customers.presence(PHONE, online=True, session="new", at=LATER)
    await customers.presence(PHONE, online=True, session="old", at=AT)
    assert await connection(store) == "new"
    await customers.presence(PHONE, online=False, session="old", at=LATER)
    assert await connection(store) == "new"
    assert (await known(customers)).devices == (KnownDevice("phone", online=True, last_seen_at=LATER),)


async def test_a_connection_whose_begin_is_heard_of_again_becomes_no_younger(store: Store) -> None:
    assert await connections(store, ["+1"], AT) == ["1"]
    assert await connections(store, ["+1"], LATER) == ["1"]
    assert await connections(store, ["+2"], AT + timedelta(seconds=1)) == ["2"]


async def test_clocks_that_differ_do_not_keep_a_connection_from_beginning(store: Store) -> None:
    assert await connections(store, ["+1", "-1"], LATER) == ["1", None]
    assert await connections(store, ["+2"], AT) == ["2"]


async def test_the_end_of_a_connection_brings_nobody_back_who_was_forgotten(customers: Customers) -> None:
    await customers.presence(PHONE, online=True, session="1", at=AT)
    await customers.remove_device(PHONE)
    await customers.presence(PHONE, online=False, session="1", at=LATER)
    assert (await known(customers)).devices == ()
    await customers.delete("shop", "ann")
    await customers.presence(PHONE, online=False, session="1", at=LATER)
    assert await customers.get("shop", "ann") is None


@pytest.mark.parametrize("online", [True, False])
async def test_what_is_retained_brings_nobody_back_who_was_forgotten(
    customers: Customers, online: bool
) -> None:
    await customers.presence(PHONE, online=online, session="1", at=AT, retained=True)
    assert await customers.get("shop", "ann") is None
    await customers.touch(TABLET, AT)
    await customers.presence(PHONE, online=online, session="1", at=AT, retained=True)
    assert (await known(customers)).devices == (KnownDevice("tablet", last_seen_at=AT),)


# As above, but that everything is retained, and the device known.
@pytest.mark.parametrize(
    ("events", "connected_by"),
    [
        (["+$1"], ["$1"]),
        (["+$1", "+$1", "-$1", "-$1"], ["$1", "$1", None, None]),
        (["+$1", "+$2", "-$1"], ["$1", "$2", "$2"]),
        (["+$0", "-$0", "-$1", "+$1"], ["$0", None, None, None]),
    ],
)
async def test_by_what_is_retained_a_device_is_there_or_not_but_has_not_been_heard_of(
    store: Store, customers: Customers, events: list[str], connected_by: list[str | None]
) -> None:
    await customers.touch(PHONE, AT, platform="ios", push_token="$t-1", app_version="1")
    await customers.touch(TABLET, AT)
    assert await connections(store, events, LATER, retained=True) == connected_by
    assert await known(customers) == Customer(
        "ann",
        devices=(
            KnownDevice("phone", "ios", "$t-1", "1", online=connected_by[-1] is not None, last_seen_at=AT),
            KnownDevice("tablet", last_seen_at=AT),
        ),
        created_at=AT,
        updated_at=AT,
    )


async def test_what_is_retained_does_not_decide_which_devices_stay(customers: Customers) -> None:
    for number in range(MAX_DEVICES):
        await customers.touch(Device("shop", "ann", f"w{number:03}"), AT)
    first = Device("shop", "ann", "w000")
    await customers.presence(first, online=True, session="1", at=LATER, retained=True)
    await customers.presence(first, online=False, session="1", at=LATER, retained=True)
    await customers.touch(PHONE, LATER)
    found = [device.device_id for device in (await known(customers)).devices]
    assert found == ["phone", *(f"w{number:03}" for number in range(1, MAX_DEVICES))]


async def test_a_device_that_was_cut_off_is_gone_until_it_connects_anew(customers: Customers) -> None:
    await customers.gone(PHONE)
    assert await customers.get("shop", "ann") is None
    await customers.presence(PHONE, online=True, session="1", at=AT)
    await customers.presence(TABLET, online=True, session="1", at=AT)
    await customers.gone(PHONE)
    assert [device.online for device in (await known(customers)).devices] == [False, True]
    await customers.presence(PHONE, online=True, session="1", at=LATER)  # what was retained
    assert [device.online for device in (await known(customers)).devices] == [False, True]
    await customers.presence(PHONE, online=True, session="2", at=LATER)
    assert [device.online for device in (await known(customers)).devices] == [True, True]


async def test_presence_and_what_else_is_heard_of_do_not_undo_each_other(store: Store) -> None:
    processes = [Customers(store.database) for _ in range(4)]
    devices = [Device("shop", "ann", f"d{number}") for number in range(8)]
    await asyncio.gather(
        *(
            process.presence(device, online=True, session=f"s-{device.device_id}", at=AT)
            for process in processes
            for device in devices
        ),
        *(process.touch(device, LATER, platform="web") for process in processes for device in devices),
    )
    assert (await known(processes[0])).devices == tuple(
        KnownDevice(device.device_id, "web", online=True, last_seen_at=LATER) for device in devices
    )
