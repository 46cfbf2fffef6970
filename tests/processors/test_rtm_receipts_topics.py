"""Receipts for what went to topics: whoever it was for may report on it, whatever they follow now."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.model.base import now
from gateway.model.receipt import Status
from gateway.rtm.names import Device
from gateway.rtm.refusals import REFUSALS
from tests.processors.conftest import World, done
from tests.processors.rtm_world import BOBS, PHONE, answer, downlinks, receipt_of, to_topic

pytestmark = pytest.mark.mongodb

STRANGER = Device("shop", "eve", "phone")


@pytest.mark.parametrize(
    ("to", "device", "changes"),
    [
        ("news", BOBS, ["unfollow news"]),
        ("news", BOBS, ["unfollow news", "follow sport", "follow news", "unfollow news"]),
        ("news", BOBS, ["forget news"]),
        ("news - sport", BOBS, ["follow sport"]),
        ("news - sport", PHONE, ["unfollow sport", "follow sport"]),
        ("news & sport", PHONE, ["unfollow news", "unfollow sport"]),
        ("sport'", STRANGER, ["follow sport"]),
        ("sport", BOBS, ["follow sport"]),
    ],
)
async def test_what_was_for_a_person_once_is_theirs_to_report_after_their_topics_changed(
    rtm: World, to: str, device: Device, changes: list[str]
) -> None:
    await rtm.customers.touch(STRANGER, now())
    await done(rtm.mt, to_topic(to))
    for change in changes:
        await _change(rtm, change, device.user_id)
    await done(rtm.dr, receipt_of("read", device))
    record = await rtm.record()
    assert (record.status, record.devices) == (Status.READ, {f"{device.user_id}/phone": Status.READ})


async def test_what_came_after_a_person_has_left_is_not_theirs_to_report(rtm: World) -> None:
    await rtm.customers.unfollow("shop", "news", ["bob"], now() - timedelta(milliseconds=1))
    await done(rtm.mt, to_topic())
    await _change(rtm, "follow sport", "bob")
    await _is_refused(rtm)


async def test_who_was_forgotten_and_is_back_reports_nothing_from_before(rtm: World) -> None:
    await done(rtm.mt, to_topic())
    await _change(rtm, "unfollow news", "bob")
    await rtm.customers.delete("shop", "bob")
    await rtm.customers.touch(BOBS, now())
    await _is_refused(rtm)


async def _is_refused(world: World) -> None:
    """Bob's receipt for m-1 is answered as if there were no such message, and changes nothing."""
    refused = {
        "type": "refused",
        "of": "m-1",
        "code": "unknown_message",
        "detail": REFUSALS["unknown_message"][0],
    }
    assert downlinks(await done(world.dr, receipt_of("read", BOBS))) == [answer(refused, BOBS)]
    record = await world.record()
    assert (record.status, record.devices) == (Status.SUBMITTED, {})


async def _change(world: World, change: str, user_id: str) -> None:
    """A change of topics, as `follow news`, made now."""
    action, topic = change.split()
    if action == "forget":
        await world.customers.forget_topic("shop", topic)
    else:
        change_topics = world.customers.follow if action == "follow" else world.customers.unfollow
        assert await change_topics("shop", topic, [user_id], now()) == set()
