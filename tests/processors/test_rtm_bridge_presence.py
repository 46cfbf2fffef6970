"""What becomes of what devices publish about their connection."""

from __future__ import annotations

from gateway.model.base import now
from tests.processors.rtm_bridge_world import PHONE, UplinkWorld


async def test_presence_is_noted_with_what_the_device_says_of_itself() -> None:
    world = UplinkWorld()
    here = {"online": True, "session": "s-1", "platform": "android", "app_version": "1.2"}
    await world.uplinks.deal(world.devices.of(PHONE, "presence", here), now())
    await world.uplinks.deal(world.devices.of(PHONE, "presence", {"online": False, "session": "s-1"}), now())
    await world.uplinks.deal(world.devices.of(PHONE, "presence", b""), now())
    assert world.customers.told == [
        ("touch", PHONE, {"platform": "android", "app_version": "1.2"}),
        ("presence", PHONE, True, "s-1"),
        ("presence", PHONE, False, "s-1"),
    ]
    assert world.received() == {("presence", "accepted"): 2, ("presence", "ignored"): 1}


async def test_by_what_is_retained_of_its_presence_no_device_is_heard_of() -> None:
    world = UplinkWorld()
    for online in (True, False):
        presence = {"online": online, "session": "s-1", "platform": "android", "app_version": "1.2"}
        await world.uplinks.deal(world.devices.of(PHONE, "presence", presence, retained=True), now())
    assert world.customers.told == [
        ("presence", PHONE, True, "s-1", "retained"),
        ("presence", PHONE, False, "s-1", "retained"),
    ]
    assert world.received() == {("presence", "accepted"): 2}
