"""Receipts for single messages of an MT that goes in several: each counts for its own part."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from gateway.errors import FailureKind
from gateway.model.base import now
from gateway.model.receipt import Status
from gateway.transports.port import Transports
from handlers.contract import Submission, Submitted
from tests.processors.conftest import World, done
from tests.processors.fakes import ACCOUNT, Provider, delivery_of, receipt, receipts
from tests.processors.parts_world import failure, half_sent, long, parts_sent, taken, told

pytestmark = pytest.mark.mongodb


async def test_what_the_first_one_reached_while_the_second_waits_counts_once_both_are_there(
    quick: World,
) -> None:
    wait = await half_sent(quick)
    assert await done(quick.dr, receipts(receipt("submitted", id="p-1"), key="i-0")) == []
    assert await done(quick.dr, receipts(receipt("read", id="p-1"))) == []
    record = await quick.record()
    assert (record.status, record.parts) == (Status.WAITING, {"p-1": Status.READ})
    quick.provider.answers = [taken(2)]
    assert told(await done(quick.retry, delivery_of(wait))) == [("submitted", False, ["p-1", "p-2"])]
    delivered = await done(quick.dr, receipts(receipt("delivered", id="p-2"), key="i-2"))
    assert told(delivered) == [("delivered", True, ["p-1", "p-2"])]
    read = await done(quick.dr, receipts(receipt("read", id="p-2"), key="i-3"))
    assert told(read) == [("read", False, ["p-1", "p-2"])]


async def test_a_receipt_for_the_first_does_not_keep_a_lost_repeat_from_being_found(quick: World) -> None:
    await half_sent(quick)
    await done(quick.dr, receipts(receipt("delivered", id="p-1")))
    due = await quick.transactions.due(now() + timedelta(minutes=5), 10)
    assert [record.reference for record in due] == ["shop/m-1"]


async def test_when_the_first_one_fails_while_the_second_waits_the_rest_is_not_sent(quick: World) -> None:
    wait = await half_sent(quick)
    failed = await done(quick.dr, receipts(receipt("failed", id="p-1")))
    assert told(failed) == [("failed", True, ["p-1"])]
    assert await done(quick.retry, delivery_of(wait)) == []
    assert parts_sent(quick) == [1, 2]


class Interrupted(Provider):
    """Between taking the first message and answering the second, a receipt for the first comes in."""

    def __init__(self, world: World, status: str) -> None:
        super().__init__()
        self._world = world
        self._status = status

    async def send(self, submission: Submission, out: Transports) -> Submitted:
        if submission.part == 2 and self._status:
            status, self._status = self._status, ""
            await done(self._world.dr, receipts(receipt(status, id="p-1")))
        return await super().send(submission, out)


def interrupted(world: World, status: str, *answers: Submitted | Exception) -> World:
    world.provider = Interrupted(world, status)
    world.provider.answers = list(answers)
    world.configure()
    return world


async def test_a_receipt_for_the_first_while_the_second_is_sent_is_kept(world: World) -> None:
    interrupted(world, "delivered", taken(1), taken(2))
    assert told(await done(world.mt, long())) == [("submitted", False, ["p-1", "p-2"])]
    delivered = await done(world.dr, receipts(receipt("delivered", id="p-2"), key="i-2"))
    assert told(delivered) == [("delivered", True, ["p-1", "p-2"])]


async def test_a_receipt_for_the_first_while_the_second_fails_does_not_keep_it_from_being_repeated(
    world: World,
) -> None:
    interrupted(world, "delivered", taken(1), failure(FailureKind.TRANSIENT), taken(2))
    # A claim that ends between two milliseconds comes back from the store as it was.
    world.configure(account=ACCOUNT.model_copy(update={"timeout_seconds": 1.2345678}))
    [wait] = await done(world.mt, long())
    assert (wait.exchange, (await world.record()).status) == ("imgw.wait.5s", Status.WAITING)
    assert told(await world.follow([wait])) == [("submitted", False, ["p-1", "p-2"])]
    assert (await world.record()).parts == {"p-1": Status.DELIVERED}


async def test_when_the_first_one_fails_while_the_second_is_sent_the_third_is_not(world: World) -> None:
    interrupted(world, "failed", taken(1), taken(2), taken(3))
    assert await done(world.mt, long(3)) == []
    record = await world.record()
    assert (record.status, record.ended_as, parts_sent(world)) == (Status.FAILED, Status.FAILED, [1, 2])


@pytest.mark.parametrize("id", [None, "p-2"])
async def test_a_receipt_that_names_the_second_by_our_reference_is_for_the_second(
    world: World, id: str | None
) -> None:
    world.provider.answers = [taken(1), taken(2)]
    await done(world.mt, long())
    row = {"provider_message_id": id, "reference": "shop/m-1#2", "status": "delivered"}
    assert await done(world.dr, receipts(row)) == []
    assert (await world.record()).parts == {"p-2": Status.DELIVERED}
    first = {"reference": "shop/m-1", "status": "delivered"}
    assert told(await done(world.dr, receipts(first, key="i-2"))) == [("delivered", True, ["p-1", "p-2"])]


@pytest.mark.parametrize(
    "row",
    [
        {"provider_message_id": "p-2", "reference": "shop/m-1#2"},
        {"provider_message_id": "p-2", "reference": "shop/m-1"},
        {"reference": "shop/m-1#2"},
        {"reference": "shop/m-1#x"},
    ],
)
async def test_a_receipt_that_overtakes_the_answer_to_its_own_part_waits_for_it(
    quick: World, row: dict[str, Any]
) -> None:
    """Taken for the whole MT, it would end what is half sent."""
    await half_sent(quick)
    before = await quick.record()
    [wait] = await done(quick.dr, receipts({"status": "delivered", **row}))
    assert (wait.exchange, wait.routing_key) == ("imgw.wait.1s", "imgw.dr.in")
    assert await quick.record() == before


async def test_a_receipt_for_the_first_that_overtakes_its_answer_does_not_end_the_mt(world: World) -> None:
    world.provider.answers = [RuntimeError("killed")]
    with pytest.raises(RuntimeError):
        await world.mt.process(long())
    [wait] = await done(world.dr, receipts(receipt("delivered", id="p-1", reference="shop/m-1")))
    assert wait.exchange == "imgw.wait.1s"
    assert (await world.record()).status is Status.SENDING


async def test_a_receipt_whose_part_is_never_known_is_kept_as_unmatched(quick: World) -> None:
    await half_sent(quick)
    row = {"reference": "shop/m-1#2", "status": "delivered"}
    assert await done(quick.dr, receipts(row, looks=3)) == []
    [kept] = await quick.inbound.unmatched("acme", 10)
    assert (kept["provider_message_id"], kept["reference"]) == ("", None)
