"""An MT that goes in several messages: each is sent once and in order, whatever comes in between."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.broker.port import Delivery
from gateway.errors import FailureKind, MessageRefused, StoreUnavailable
from gateway.model.account import RetrySchedule
from gateway.model.base import now
from gateway.model.receipt import Status
from gateway.store.records import Claim, MTRecord
from gateway.store.transactions import Change
from gateway.transports.port import Transports
from handlers.contract import Submission, Submitted
from tests.processors.conftest import World, done
from tests.processors.fakes import ACCOUNT, SHOP, Provider, again, delivery_of, mt, receipt, receipts, seen
from tests.processors.parts_world import FIRST, SECOND, failure, half_sent, long, parts_sent, taken, told

pytestmark = pytest.mark.mongodb


async def test_all_are_sent_in_order_and_told_as_one(world: World) -> None:
    world.provider.answers = [taken(1), taken(2), taken(3)]
    publications = await done(world.mt, long(3))
    assert told(publications) == [("submitted", False, ["p-1", "p-2", "p-3"])]
    sent = [(each.content.text, each.reference, each.key) for each in world.provider.sent]  # type: ignore[union-attr]
    assert sent == [
        (FIRST, "shop/m-1", "shop/m-1"),
        (FIRST, "shop/m-1", "shop/m-1#2"),
        (SECOND, "shop/m-1", "shop/m-1#3"),
    ]
    record = await world.record()
    assert (record.part_count, record.parts_sent, record.parts_follow) == (3, 3, False)
    assert [event["status"] for event in record.events] == ["sending", "sending", "sending", "submitted"]


async def test_only_the_first_of_them_quotes(world: World) -> None:
    world.provider.capabilities = replace(world.provider.capabilities, replies=True)
    await done(world.mt, long(in_reply_to="in-1"))
    assert [submission.in_reply_to for submission in world.provider.sent] == ["in-1", None]


async def test_each_of_them_has_its_turn_at_the_accounts_limits(world: World) -> None:
    world.configure(account=ACCOUNT.model_copy(update={"max_in_flight": 1}))
    assert told(await done(world.mt, long(3)))[0][0] == "submitted"
    assert await world.limiter.enter("acme") == 0, "every slot that was taken was left"


async def test_one_that_is_throttled_waits_and_goes_on_with_the_next_only(quick: World) -> None:
    wait = await half_sent(quick)
    assert (wait.exchange, wait.headers["x-attempt"], wait.headers["x-waits"]) == ("imgw.wait.1s", 1, 1)
    record = await quick.record()
    assert (record.status, record.parts_sent, record.provider_message_ids) == (Status.WAITING, 1, ("p-1",))
    quick.provider.answers = [taken(2)]
    publications = await done(quick.retry, delivery_of(wait))
    assert told(publications) == [("submitted", False, ["p-1", "p-2"])]
    assert parts_sent(quick) == [1, 2, 2]


async def test_a_failure_in_the_middle_uses_an_attempt_and_repeats_nothing_that_was_taken(
    world: World,
) -> None:
    world.provider.answers = [taken(1), failure(FailureKind.TRANSIENT), taken(2), taken(3)]
    publications = await world.follow(await done(world.mt, long(3)))
    assert told(publications) == [("submitted", False, ["p-1", "p-2", "p-3"])]
    assert (parts_sent(world), (await world.record()).attempt) == ([1, 2, 2, 3], 2)


async def test_when_all_attempts_are_used_in_the_middle_it_fails_with_the_ids_there_are(world: World) -> None:
    world.configure(account=ACCOUNT.model_copy(update={"retry": RetrySchedule(intervals_seconds=())}))
    world.provider.answers = [taken(1), failure(FailureKind.TRANSIENT)]
    assert told(await world.follow(await done(world.mt, long()))) == [("failed", True, ["p-1"])]


async def test_one_that_is_refused_after_another_was_taken_is_failed_not_rejected(world: World) -> None:
    world.provider.answers = [taken(1), MessageRefused("media_unsupported", "no")]
    publications = await world.follow(await done(world.mt, long()))
    assert told(publications) == [("failed", True, ["p-1"])]


async def _claim_ran_out(world: World) -> None:
    record = await world.record()
    past = Claim("somebody", now() - timedelta(seconds=1))
    assert await world.transactions.move(record, Change(Status.SENDING, record.attempt, claim=past))


async def _crashed(world: World, delivery: Delivery) -> None:
    """Leave the MT as a process does that is killed while it sends the second message."""
    world.provider.answers = [taken(1), RuntimeError("killed")]
    with pytest.raises(RuntimeError):
        await world.mt.process(delivery)
    await _claim_ran_out(world)


async def test_after_a_crash_it_goes_on_with_the_first_that_nobody_saw_the_end_of(world: World) -> None:
    delivery = long(3)
    await _crashed(world, delivery)
    world.provider.answers = [taken(2), taken(3)]
    publications = await world.follow(await done(world.mt, again(delivery)))
    assert told(publications) == [("submitted", False, ["p-1", "p-2", "p-3"])]
    assert parts_sent(world) == [1, 2, 2, 3]


async def test_after_a_crash_it_fails_where_duplicates_are_avoided(world: World) -> None:
    world.configure(application=SHOP.model_copy(update={"duplicates": "avoid"}))
    delivery = long()
    await _crashed(world, delivery)
    publications = await world.follow(await done(world.mt, again(delivery)))
    assert told(publications) == [("failed", True, ["p-1"])]
    assert parts_sent(world) == [1, 2]


async def test_while_somebody_may_be_sending_it_nobody_else_does(world: World) -> None:
    delivery = long()
    world.provider.answers = [taken(1), RuntimeError("killed")]
    with pytest.raises(RuntimeError):
        await world.mt.process(delivery)
    [wait] = await done(world.mt, again(delivery))
    assert (wait.exchange, parts_sent(world)) == ("imgw.wait.5s", [1, 2])


async def test_one_that_was_sent_in_full_and_is_redelivered_is_told_again_and_not_sent(world: World) -> None:
    delivery = long()
    first = await done(world.mt, delivery)
    assert seen(await done(world.mt, again(delivery))) == seen(first)
    assert parts_sent(world) == [1, 2]


async def test_between_two_of_them_it_joins_the_lane_of_an_account_that_pauses(world: World) -> None:
    class Pausing(Provider):
        async def send(self, submission: Submission, out: Transports) -> Submitted:
            if submission.part == 1:
                world.limiter.pause("acme", 0.1)
            return await super().send(submission, out)

    world.provider = Pausing()
    world.configure()
    world.provider.answers = [taken(1)]
    [publication] = await done(world.mt, long(3))
    assert (publication.routing_key, parts_sent(world)) == ("imgw.mt.acme", [1])
    assert (await world.record()).status is Status.WAITING
    world.provider.answers = [taken(2), taken(3)]
    publications = await done(world.lane, delivery_of(publication))
    assert told(publications) == [("submitted", False, ["p-1", "p-2", "p-3"])]
    assert parts_sent(world) == [1, 2, 3]


@pytest.mark.parametrize("applied", [False, True])
async def test_the_first_is_logged_when_the_store_is_back_and_not_sent_again(
    world: World, monkeypatch: pytest.MonkeyPatch, applied: bool
) -> None:
    move, failures = world.transactions.move, [StoreUnavailable("away"), StoreUnavailable("away")]

    async def away_for_a_while(record: MTRecord, change: Change) -> MTRecord | None:
        if failures:
            if applied and len(failures) == 1:  # though its answer was lost
                await move(record, change)
            raise failures.pop()
        return await move(record, change)

    monkeypatch.setattr(world.transactions, "move", away_for_a_while)
    monkeypatch.setattr("processors.dispatch._STORE_PAUSE_SECONDS", 0.01)
    world.provider.answers = [taken(1), taken(2)]
    assert told(await done(world.mt, long())) == [("submitted", False, ["p-1", "p-2"])]
    assert parts_sent(world) == [1, 2]


async def test_a_providers_id_that_was_given_before_does_not_lose_the_others(world: World) -> None:
    world.provider.answers = [Submitted(("same",)), Submitted(("same",)), taken(2)]
    await done(world.mt, mt(message_id="m-0"))
    assert told(await done(world.mt, long())) == [("submitted", False, ["p-2"])]


async def test_what_expires_in_the_middle_is_not_sent_to_its_end(quick: World) -> None:
    soon = now() + timedelta(milliseconds=200)
    wait = await half_sent(quick, expires_at=soon.isoformat())
    while now() <= soon:  # noqa: ASYNC110  a moment in time sends no event
        await asyncio.sleep(0.01)
    assert told(await quick.follow([wait])) == [("expired", True, ["p-1"])]
    assert parts_sent(quick) == [1, 2]
    late = await done(quick.dr, receipts(receipt("delivered", id="p-1")))
    assert (late, (await quick.record()).status) == ([], Status.EXPIRED)
