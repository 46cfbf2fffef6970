"""Which receipts the web page of the in-app channel tells, in a real Chromium with the gateway behind it."""

from __future__ import annotations

import asyncio

import pytest

from gateway.rtm.names import Device
from tests.e2e.page_site import PageSite, mosquitto_for_browsers, page_folder, protocol, site, world
from tests.e2e.tapped_broker import like, over, tapped
from tests.integration.rtm_world import APP, RtmWorld, device

__all__ = ["mosquitto_for_browsers", "page_folder", "protocol", "site", "world"]  # fixtures

pytestmark = [
    pytest.mark.chromium,
    pytest.mark.mosquitto,
    pytest.mark.mongodb,
    pytest.mark.timeout(180),
]

ALICE = {"kind": "user_id", "id": "alice"}
LAPTOP = Device(APP, "alice", "laptop")


@pytest.mark.parametrize("protocol", ["3.1.1"])  # with 5 the broker knows when, and by the better clock
async def test_what_is_over_when_it_comes_is_not_shown_and_gets_no_receipts(
    site: PageSite, world: RtmWorld
) -> None:
    laptop = await site.chatting("alice", "laptop")
    async with tapped(world.mosquitto) as tap:
        first = await world.send(ALICE, "The first.")
        await laptop.until_mark("The first.", "✓✓ Read: here")
        message = await tap.message(LAPTOP, first)
        await tap.bring(LAPTOP, over(message, "m-over", "Gone by now."))
        last = await world.send(ALICE, "The last.")
        await laptop.until_mark("The last.", "✓✓ Read: here")
        assert await laptop.texts() == ["The first.", "The last."]
        told = [(id, status) for id in (first, last) for status in ("delivered", "read")]
        await tap.until_receipts(LAPTOP, *told)


async def test_receipts_that_were_refused_are_told_when_the_message_comes_again(
    site: PageSite, world: RtmWorld
) -> None:
    laptop = await site.chatting("alice", "laptop")
    async with tapped(world.mosquitto) as tap:
        first = await world.send(ALICE, "The first.")
        await laptop.until_mark("The first.", "✓✓ Read: here")
        early = like(await tap.message(LAPTOP, first), "m-early", "The gateway knows nothing of it yet.")
        await tap.bring(LAPTOP, early)
        await tap.until_refused(LAPTOP, "m-early", 2)
        await world.send(ALICE, "The gateway knows nothing of it yet.", message_id="m-early")
        await world.until_dr("m-early", "submitted", "delivered", "read")
        await laptop.until_mark("The gateway knows nothing of it yet.", "✓✓ Read: here")
        assert await laptop.texts() == ["The first.", "The gateway knows nothing of it yet."]
        told = [(id, status) for id in (first, "m-early", "m-early") for status in ("delivered", "read")]
        await tap.until_receipts(LAPTOP, *told)


async def test_what_was_known_from_the_history_is_told_by_this_device_too_once_it_comes(
    site: PageSite, world: RtmWorld
) -> None:
    phone = device("alice", "phone")
    async with tapped(world.mosquitto) as tap, phone.connected(world.mosquitto):
        message_id = await world.send(ALICE, "For all devices.")
        await phone.until_texts("For all devices.")
        await phone.receipt(message_id, "read")
        await world.until_dr(message_id, "submitted", "delivered", "read")
        laptop = await site.chatting("alice", "laptop")
        await laptop.until_mark("For all devices.", "✓✓ Read: some device")
        assert tap.receipts(LAPTOP) == []
        message = await tap.message(LAPTOP, message_id)
        # And once only, though it comes again before the broker has taken the first receipt.
        await asyncio.gather(*[tap.bring(LAPTOP, message) for _ in range(3)])
        await laptop.until_mark("For all devices.", "✓✓ Read: here, some device")
        await tap.until_receipts(LAPTOP, (message_id, "delivered"), (message_id, "read"))
