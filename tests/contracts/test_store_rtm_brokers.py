"""What processes agree on about MQTT brokers: who has which session, and which logins there are."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from gateway.store.bridge_slots import BridgeSlots, Slot
from gateway.store.broker_logins import BrokerLogins
from tests.contracts.store_world import AT, Store
from tests.waiting import eventually

pytestmark = pytest.mark.mongodb


def slots_of(store: Store, holder: str) -> BridgeSlots:
    return BridgeSlots(store.database, holder)


async def test_each_of_many_who_claim_at_once_has_a_slot_of_its_own(store: Store) -> None:
    claimed = await asyncio.gather(*(slots_of(store, f"$b-{n}").claim("rtm-1", 60) for n in range(12)))
    assert sorted(claimed) == list(range(12))
    assert await slots_of(store, "b-0").claim("rtm-2", 60) == 0


async def test_the_lowest_free_slot_is_claimed(store: Store) -> None:
    one, two, three = (slots_of(store, name) for name in ("one", "two", "three"))
    assert [await each.claim("rtm", 60) for each in (one, two, three)] == [0, 1, 2]
    await two.release("rtm", 1)
    assert await three.claim("rtm", 60) == 1


async def test_a_slot_that_is_not_renewed_is_taken_over_and_its_holder_is_told(store: Store) -> None:
    one, two = slots_of(store, "one"), slots_of(store, "two")
    assert await one.claim("rtm", 60) == 0
    assert await two.abandoned("rtm", 60) is None
    assert await one.renew("rtm", 0, 0) is True
    assert await two.claim("rtm", 60) == 0
    assert [await one.renew("rtm", 0, 60), await two.renew("rtm", 0, 60)] == [False, True]
    await one.release("rtm", 0)
    assert await two.renew("rtm", 0, 60) is True


async def test_a_slot_whose_time_is_not_over_is_nobody_else_s(store: Store) -> None:
    one, two = slots_of(store, "one"), slots_of(store, "two")
    await one.claim("rtm", 0.05)

    async def found() -> bool:
        return await two.abandoned("rtm", 60) == Slot("rtm", 0)

    await eventually(found)
    assert await one.renew("rtm", 0, 60) is False


async def test_a_slot_can_be_renewed_late_when_nobody_has_taken_it(store: Store) -> None:
    one = slots_of(store, "one")
    await one.claim("rtm", 0)
    assert await one.abandoned("rtm", 60) is None
    assert await one.renew("rtm", 0, 60) is True
    assert await slots_of(store, "two").abandoned("rtm", 60) is None


async def test_an_abandoned_slot_is_claimed_by_one_of_many(store: Store) -> None:
    await slots_of(store, "dead").claim("rtm", 0)
    await slots_of(store, "dead").claim("other", 0)
    claimed = await asyncio.gather(*(slots_of(store, f"b-{n}").abandoned("rtm", 60) for n in range(8)))
    assert sorted(claimed, key=str) == [*[None] * 7, Slot("rtm", 0)]


async def test_the_slots_of_an_account_that_had_another_name_are_found_by_their_place(store: Store) -> None:
    dead, here = slots_of(store, "dead"), slots_of(store, "here")
    assert await dead.claim("old", 0, place="mqtt:1883 $imgw") == 0
    assert await dead.claim("elsewhere", 0, place="other:1883") == 0
    assert await here.claim("older", 60, place="mqtt:1883 $imgw") == 0
    assert await here.leave("older", 0) is False
    found = [await here.abandoned("new", 60, place="mqtt:1883 $imgw") for _ in range(3)]
    assert found == [Slot("old", 0), Slot("older", 0), None]
    assert await dead.renew("old", 0, 60) is False
    await here.renew("old", 0, 0)
    assert await dead.abandoned("new", 60, place="mqtt:1883 $imgw") == Slot("old", 0)


async def test_a_slot_that_was_released_is_no_longer_renewed(store: Store) -> None:
    one = slots_of(store, "one")
    await one.claim("rtm", 60)
    await one.release("rtm", 0)
    assert await one.renew("rtm", 0, 60) is False
    assert await store.database.db["bridge_slots"].count_documents({}) == 0


HOUR = timedelta(hours=1)


async def test_logins_whose_last_token_has_ended_are_told_the_oldest_first(store: Store) -> None:
    logins = BrokerLogins(store.database)
    for login, hours in (("shop:c:d", 3), ("shop:a:d", 1), ("shop:b:d", 2), ("shop:b:d", 4), ("shop:a:d", 0)):
        await logins.note("rtm", login, AT + hours * HOUR)
    await logins.note("other", "shop:x:d", AT)
    assert await logins.expired("rtm", AT - HOUR, 10) == []
    assert await logins.expired("rtm", AT + 3 * HOUR, 10) == ["shop:a:d", "shop:c:d"]
    assert await logins.expired("rtm", AT + 9 * HOUR, 2) == ["shop:a:d", "shop:c:d"]


async def test_a_login_with_a_newer_token_is_not_forgotten(store: Store) -> None:
    logins = BrokerLogins(store.database)
    await logins.note("rtm", "shop:a:d", AT)
    await logins.note("rtm", "shop:a:d", AT + HOUR)
    assert await logins.forget("rtm", "shop:a:d", AT) is False
    assert await logins.forget("rtm", "shop:a:d", AT + HOUR) is True
    assert await logins.forget("rtm", "shop:a:d", AT) is True  # by another process already
    assert await logins.expired("rtm", AT + 9 * HOUR, 10) == []


async def test_a_login_that_many_note_at_once_is_there_once(store: Store) -> None:
    processes = [BrokerLogins(store.database) for _ in range(10)]
    await asyncio.gather(*(each.note("rtm", "shop:a:d", AT) for each in processes))
    assert await store.database.db["broker_logins"].find().to_list(None) == [
        {"_id": "rtm/shop:a:d", "account": "rtm", "login": "shop:a:d", "expires_at": AT}
    ]
