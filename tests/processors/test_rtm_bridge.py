"""The bridge's slots and sessions: claimed, kept, taken over from who died, and given up when it stops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from gateway.store.bridge_slots import Slot
from gateway.transports.failing import not_taken
from gateway.transports.mqtt.received import Received
from processors.rtm.bridge import Bridge, filters
from tests.processors.rtm_bridge_world import FakeListener, FakeSlots, account
from tests.processors.virtual_time import in_virtual_time

SHARED = (
    "$share/imgw/imgw/v1/+/u/+/d/+/up",
    "$share/imgw/imgw/v1/+/u/+/d/+/rcpt",
    "$share/imgw/imgw/v1/+/u/+/d/+/req",
    "imgw/v1/+/u/+/d/+/presence",
)


class World:
    """A bridge, and the sessions that it has begun."""

    def __init__(self, slots: FakeSlots, **parameters: Any) -> None:
        self.slots = slots
        self.sessions: list[FakeListener] = []
        unchecked: Any = slots  # as much of them as is needed
        self.bridge = Bridge(account(**parameters), unchecked, self._listen, lambda _: None)

    def _listen(
        self, client_id: str, filters: Sequence[str], take: Callable[[Received], None]
    ) -> FakeListener:
        self.sessions.append(FakeListener(client_id, filters, take))
        return self.sessions[-1]

    def states(self) -> list[tuple[str, str | None]]:
        return [(session.client_id, session.ended) for session in self.sessions]


def test_what_is_subscribed_to_is_shared_but_for_presence() -> None:
    assert filters(shared=True) == SHARED
    assert filters(shared=False) == tuple(name.removeprefix("$share/imgw/") for name in SHARED)


@in_virtual_time
async def test_a_bridge_listens_under_the_client_id_of_its_slot() -> None:
    world = World(FakeSlots(free=2))
    assert (world.bridge.listening, world.bridge.trouble) == (False, "no slot yet")
    world.bridge.start()
    await asyncio.sleep(1)
    assert (world.bridge.listening, world.bridge.trouble) == (True, None)
    assert [(session.client_id, session.filters) for session in world.sessions] == [
        ("imgw-rtm-app-2", SHARED)
    ]
    await world.bridge.stop(10)


@in_virtual_time
async def test_a_bridge_begins_when_the_store_comes_and_goes_on_while_it_is_away() -> None:
    slots = FakeSlots(away=True)
    world = World(slots)
    world.bridge.start()
    await asyncio.sleep(600)
    assert world.sessions == []
    slots.away = False
    await asyncio.sleep(1)
    slots.away = True
    await asyncio.sleep(3_600)
    assert (world.bridge.listening, world.states()) == (True, [("imgw-rtm-app-0", None)])
    await world.bridge.stop(10)
    assert world.states() == [("imgw-rtm-app-0", "kept")]


@in_virtual_time
async def test_a_slot_that_somebody_else_has_by_now_is_given_up_and_another_one_claimed() -> None:
    slots = FakeSlots()
    world = World(slots)
    world.bridge.start()
    await asyncio.sleep(1)
    slots.lost, slots.free = True, 1
    await asyncio.sleep(5)
    slots.lost = False
    await asyncio.sleep(1)
    assert world.states() == [("imgw-rtm-app-0", "kept"), ("imgw-rtm-app-1", None)]
    await world.bridge.stop(10)


@in_virtual_time
async def test_the_session_of_an_instance_that_died_is_emptied_and_ended() -> None:
    slots = FakeSlots(abandoned_slots=[3])
    world = World(slots)
    world.bridge.start()
    await asyncio.sleep(5.5)
    own, found = world.sessions
    found.unacknowledged = 5
    await asyncio.sleep(20)
    assert (found.client_id, found.subscribed, found.ended) == ("imgw-rtm-app-3", True, None)
    found.unacknowledged = 0
    await asyncio.sleep(2)
    assert (found.subscribed, found.ended, own.ended) == (False, "forgotten", None)
    assert ("release", 3) in slots.told
    await world.bridge.stop(10)


@in_virtual_time
async def test_the_session_of_an_account_that_had_another_name_is_emptied_and_ended() -> None:
    slots = FakeSlots(abandoned_slots=[0], formerly="old")
    world = World(slots)
    world.bridge.start()
    await asyncio.sleep(8)
    assert world.states() == [("imgw-rtm-app-0", None), ("imgw-rtm-old-0", "forgotten")]
    await world.bridge.stop(10)


@in_virtual_time
async def test_a_bridge_that_stops_for_good_ends_its_session_though_it_is_the_last() -> None:
    for inbound in ("shared_subscription", "subscription"):
        world = World(FakeSlots(stays=False), inbound=inbound)
        world.bridge.start()
        await asyncio.sleep(3)
        await world.bridge.stop(10, for_good=True)
        assert world.states() == [("imgw-rtm-app-0", "forgotten")]


@in_virtual_time
async def test_a_session_that_is_never_quiet_is_unsubscribed_after_a_while() -> None:
    world = World(FakeSlots(abandoned_slots=[3]))
    world.bridge.start()
    await asyncio.sleep(5.5)
    found = world.sessions[1]
    found.unacknowledged = 1
    await asyncio.sleep(31)
    assert (found.subscribed, found.ended) == (False, None)
    found.unacknowledged = 0
    await asyncio.sleep(1)
    assert found.ended == "forgotten"
    await world.bridge.stop(10)


@in_virtual_time
async def test_a_bridge_that_stops_ends_its_session_where_others_stay() -> None:
    slots = FakeSlots(stays=True)
    world = World(slots)
    world.bridge.start()
    await asyncio.sleep(3)
    (session,) = world.sessions
    session.unacknowledged = 1
    stopping = asyncio.ensure_future(world.bridge.stop(10))
    await asyncio.sleep(1)
    assert (session.subscribed, session.ended) == (False, None)
    session.unacknowledged = 0
    await stopping
    assert (session.ended, slots.told) == ("forgotten", [("claim", 0), ("leave", 0), ("release", 0)])


@in_virtual_time
async def test_the_last_bridge_keeps_its_session_for_who_comes_next() -> None:
    slots = FakeSlots(stays=False)
    world = World(slots)
    world.bridge.start()
    await asyncio.sleep(3)
    await world.bridge.stop(10)
    assert (world.sessions[0].subscribed, world.sessions[0].ended) == (True, "kept")
    assert slots.told == [("claim", 0), ("leave", 0)]


@in_virtual_time
async def test_a_stop_does_not_wait_for_ever() -> None:
    world = World(FakeSlots(stays=True))
    world.bridge.start()
    await asyncio.sleep(3)
    world.sessions[0].unacknowledged = 1
    began = asyncio.get_running_loop().time()
    await world.bridge.stop(10)
    assert asyncio.get_running_loop().time() - began <= 10.5
    assert world.states() == [("imgw-rtm-app-0", "kept")]


@in_virtual_time
async def test_without_shared_subscriptions_one_works_and_the_others_stand_by() -> None:
    slots = FakeSlots(free=1)
    world = World(slots, inbound="subscription")
    world.bridge.start()
    await asyncio.sleep(60)
    assert (world.sessions, world.bridge.listening, world.bridge.trouble) == ([], False, None)
    assert slots.told[:2] == [("claim", 1), ("release", 1)]
    slots.free = 0
    await asyncio.sleep(6)
    (session,) = world.sessions
    assert (session.filters, world.bridge.listening) == (filters(shared=False), True)
    slots.stays = True
    await world.bridge.stop(10)
    assert session.ended == "kept"


@in_virtual_time
async def test_a_bug_ends_the_session_in_order_and_the_bridge_begins_again() -> None:
    slots = FakeSlots()
    world = World(slots)
    world.bridge.start()
    await asyncio.sleep(1)
    slots.bug = ZeroDivisionError()
    await asyncio.sleep(5)
    slots.bug = None
    await asyncio.sleep(1)
    assert world.states() == [("imgw-rtm-app-0", "kept"), ("imgw-rtm-app-0", None)]
    await world.bridge.stop(10)


@in_virtual_time
async def test_a_session_whose_emptying_failed_is_let_go_and_emptied_when_it_is_found_again() -> None:
    for failure in (not_taken("timeout", "no answer in time"), ZeroDivisionError()):
        slots = FakeSlots(abandoned_slots=[3])
        world = World(slots)
        world.bridge.start()
        await asyncio.sleep(5.5)
        world.sessions[1].failure = failure
        assert slots.in_use == {Slot("app", 0), Slot("app", 3)}
        await asyncio.sleep(2)
        assert slots.in_use == {Slot("app", 0)}
        slots.abandoned_slots = [3]
        await asyncio.sleep(8)
        assert world.states() == [
            ("imgw-rtm-app-0", None),
            ("imgw-rtm-app-3", "kept"),
            ("imgw-rtm-app-3", "forgotten"),
        ]
        await world.bridge.stop(10)


@in_virtual_time
async def test_a_bridge_that_stops_lets_both_its_slot_and_the_one_it_empties_go() -> None:
    for away in (False, True):
        slots = FakeSlots(abandoned_slots=[3], formerly="old")
        world = World(slots)
        world.bridge.start()
        await asyncio.sleep(5.5)
        assert slots.in_use == {Slot("app", 0), Slot("old", 3)}
        slots.away = away
        await world.bridge.stop(10)
        assert (slots.in_use, world.states()) == (
            set(),
            [("imgw-rtm-app-0", "kept"), ("imgw-rtm-old-3", "kept")],
        )


@in_virtual_time
async def test_a_slot_is_let_go_after_a_bug_and_after_somebody_else_has_taken_it() -> None:
    for change in ({"bug": ZeroDivisionError()}, {"lost": True}):
        slots = FakeSlots()
        world = World(slots)
        world.bridge.start()
        await asyncio.sleep(1)
        for name, value in change.items():
            setattr(slots, name, value)
        slots.free = 1
        await asyncio.sleep(5)
        assert (world.states(), slots.in_use) == (
            [("imgw-rtm-app-0", "kept"), ("imgw-rtm-app-1", None)],
            {Slot("app", 1)},
        )
        await world.bridge.stop(10)
