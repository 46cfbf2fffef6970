"""Slots of the bridge that a process has claimed and uses no more: it finds them itself, as others do."""

from __future__ import annotations

from typing import NoReturn

import pytest

from gateway.errors import StoreUnavailable
from gateway.store import bridge_slots as bridge_slots_module
from gateway.store.bridge_slots import BridgeSlots, Slot
from tests.contracts.store_world import Store

pytestmark = pytest.mark.mongodb


async def test_a_slot_that_was_let_go_is_found_by_who_had_it_when_its_time_is_over(store: Store) -> None:
    only = BridgeSlots(store.database, "a")
    assert [await only.claim("app", 0), await only.claim("app", 60)] == [0, 1]
    assert await only.abandoned("app", 60) is None
    only.let_go("app", 0)
    only.let_go("app", 1)
    assert [await only.abandoned("app", 60) for _ in range(2)] == [Slot("app", 0), None]


async def test_a_session_whose_emptying_was_given_up_is_found_again_and_not_before(store: Store) -> None:
    dead, only = BridgeSlots(store.database, "dead"), BridgeSlots(store.database, "a")
    await dead.claim("app", 0)
    assert [await only.abandoned("app", 0) for _ in range(2)] == [Slot("app", 0), None]
    only.let_go("app", 0)
    assert [await only.abandoned("app", 60) for _ in range(2)] == [Slot("app", 0), None]


async def test_no_slot_that_is_in_use_is_claimed_or_found_though_its_time_is_over(store: Store) -> None:
    slots = BridgeSlots(store.database, "a")
    assert [await slots.claim("app", 0, place="mqtt:1883"), await slots.claim("app", 0)] == [0, 1]
    assert await slots.abandoned("other", 60, place="mqtt:1883") is None
    assert [await slots.renew("app", number, 60) for number in range(2)] == [True, True]


async def test_a_slot_is_given_up_by_a_release_also_by_one_that_does_not_reach_the_store(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    slots = BridgeSlots(store.database, "a")
    assert await slots.claim("app", 0) == 0
    await slots.release("app", 0)
    assert await slots.claim("app", 0) == 0
    with monkeypatch.context() as without_a_store:
        without_a_store.setattr(bridge_slots_module, "store_errors", _away)
        with pytest.raises(StoreUnavailable):
            await slots.release("app", 0)
    assert await slots.abandoned("app", 60) == Slot("app", 0)


def _away() -> NoReturn:
    raise StoreUnavailable("MongoDB: no answer in time")
