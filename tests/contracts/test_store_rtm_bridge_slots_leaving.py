"""Giving up slots of the bridge: a session is ended only where another instance stays."""

from __future__ import annotations

import asyncio

from gateway.store.bridge_slots import BridgeSlots
from tests.contracts.store_world import Store

LEASE_SECONDS = 30.0


async def test_the_last_instance_leaves_its_slot_to_who_comes_next(store: Store) -> None:
    last, next_one = BridgeSlots(store.database, "a"), BridgeSlots(store.database, "b")
    assert await last.claim("app", LEASE_SECONDS) == 0
    assert await last.leave("app", 0) is False
    assert await last.renew("app", 0, 0.0) is True  # nobody has come
    assert await next_one.claim("app", LEASE_SECONDS) == 0
    assert await last.leave("app", 0) is False
    assert await next_one.renew("app", 0, LEASE_SECONDS) is True


async def test_where_another_instance_stays_the_slot_is_kept_until_it_is_released(store: Store) -> None:
    leaving, staying = BridgeSlots(store.database, "a"), BridgeSlots(store.database, "b")
    assert await leaving.claim("app", LEASE_SECONDS) == 0
    assert await staying.claim("app", LEASE_SECONDS) == 1
    assert await leaving.leave("app", 0) is True
    assert await staying.abandoned("app", LEASE_SECONDS) is None
    await leaving.release("app", 0)
    assert await BridgeSlots(store.database, "c").claim("app", LEASE_SECONDS) == 0


async def test_of_two_that_leave_at_once_one_at_least_keeps_its_session(store: Store) -> None:
    for round in range(10):
        slots = [BridgeSlots(store.database, f"{round}-{number}") for number in range(2)]
        claimed = [await each.claim(f"app-{round}", LEASE_SECONDS) for each in slots]
        account = f"app-{round}"
        ended = await asyncio.gather(
            *(each.leave(account, slot) for each, slot in zip(slots, claimed, strict=True))
        )
        assert ended.count(True) <= 1


async def test_an_instance_that_is_gone_or_leaves_or_serves_another_account_is_no_company(
    store: Store,
) -> None:
    leaving, other = BridgeSlots(store.database, "a"), BridgeSlots(store.database, "b")
    assert await leaving.claim("app", LEASE_SECONDS) == 0
    assert await other.claim("elsewhere", LEASE_SECONDS) == 0
    assert await leaving.leave("app", 0) is False
    assert await leaving.claim("app", LEASE_SECONDS) == 0
    assert await other.claim("app", 0.0) == 1
    assert await leaving.leave("app", 0) is False
    other.let_go("app", 1)
    assert await leaving.claim("app", LEASE_SECONDS) == 0
    assert await other.claim("app", LEASE_SECONDS) == 1
    assert await other.leave("app", 1) is True
    assert await leaving.leave("app", 0) is False
