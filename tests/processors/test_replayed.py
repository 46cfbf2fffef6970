"""What died between being logged and being passed on is passed on once somebody puts it back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.broker.port import Delivery, StoredMessage
from gateway.errors import FailureKind, ProviderError
from gateway.model.base import now, rfc3339
from processors.dead_letters import dead_letter, read, revived
from processors.outcome import Dead
from tests.processors.conftest import World, done
from tests.processors.fakes import CAPABILITIES, delivery_of, mo, mt, receipt, receipts, seen
from tests.processors.rtm_world import configure, downlinks, others, receipt_of, to_ann, up

pytestmark = pytest.mark.mongodb


def replayed(delivery: Delivery) -> Delivery:
    """The same, as it comes after `imgw dead replay`."""
    letter = dead_letter(delivery, Dead("internal_error"))
    stored = StoredMessage(letter.body, letter.headers, letter.type, letter.message_id)
    return delivery_of(revived(read(stored)))


async def test_an_mo_that_is_put_back_is_passed_on_unchanged(world: World) -> None:
    first = await done(world.mo, mo())
    second = await done(world.mo, replayed(mo()))
    assert (second, len(first)) == (first, 1)


async def test_an_mo_of_the_in_app_channel_that_is_put_back_is_passed_on_unchanged(rtm: World) -> None:
    configure(rtm, device_sync=True)
    delivery = up(answer=True)
    first = await done(rtm.mo, delivery)
    second = await done(rtm.mo, replayed(delivery))
    assert (others(second), downlinks(second)) == (others(first), downlinks(first))
    assert (len(others(first)), len(downlinks(first))) == (1, 2)


async def test_an_mo_that_dies_once_more_and_is_put_back_is_passed_on_unchanged(world: World) -> None:
    first = await done(world.mo, mo())
    assert await done(world.mo, replayed(replayed(mo()))) == first


async def test_a_repeat_that_is_put_back_tells_its_submission_again(world: World) -> None:
    world.provider.answers = [ProviderError(FailureKind.TRANSIENT, reason="provider_error")]
    [publication] = await done(world.mt, mt())
    first = await done(world.retry, delivery_of(publication))
    second = await done(world.retry, replayed(delivery_of(publication)))
    assert (seen(second), len(first)) == (seen(first), 1)


async def test_an_mt_that_is_put_back_and_waits_goes_into_its_lane(world: World) -> None:
    world.limiter.set_backlog("acme", True)
    first = await done(world.mt, mt())
    second = await done(world.mt, replayed(mt()))
    assert (seen(second)[0], [key for key, _ in seen(first)]) == (seen(first)[0], ["imgw.mt.acme"])


async def test_a_receipt_that_is_put_back_is_told_again(world: World) -> None:
    await done(world.mt, mt(receipts=["delivered", "read"]))
    first = await done(world.dr, receipts(receipt("read")))
    second = await done(world.dr, replayed(receipts(receipt("read"))))
    assert (seen(second), len(first)) == (seen(first), 2)


async def test_a_receipt_for_all_up_to_some_time_that_is_put_back_is_told_again(world: World) -> None:
    world.provider.capabilities = replace(CAPABILITIES, watermarks=True)
    await done(world.mt, mt(receipts=["delivered"]))
    at = rfc3339(now())
    until = {"recipient": "447700900001", "until": at}
    delivery = receipts({"status": "delivered", "watermark": until, "occurred_at": at})
    first = await done(world.dr, delivery)
    assert (seen(await done(world.dr, replayed(delivery))), len(first)) == (seen(first), 1)


async def test_a_receipt_of_a_device_that_is_put_back_is_told_again(rtm: World) -> None:
    configure(rtm, device_sync=True)
    await done(rtm.mt, to_ann(receipts=["delivered", "read"]))
    first = await done(rtm.dr, receipt_of("read"))
    second = await done(rtm.dr, replayed(receipt_of("read")))
    assert (others(second), downlinks(second)) == (others(first), downlinks(first))
    assert (len(others(first)), len(downlinks(first))) == (2, 1)
