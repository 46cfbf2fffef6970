"""Receipts and outcomes: matched, applied once, and passed on once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.broker.port import Delivery, Publication
from gateway.errors import BrokerUnavailable, FailureKind, ProviderError
from gateway.model.base import now
from gateway.model.receipt import Status
from gateway.store.records import Claim
from gateway.store.transactions import Change
from handlers.contract import Submitted
from processors.callback_items import item_again
from processors.expiry import ExpiryMonitor
from tests.processors.conftest import World, dead, done
from tests.processors.fakes import again, delivery_of, mt, receipt, receipts, seen

pytestmark = pytest.mark.mongodb


async def _told(world: World, *deliveries: Delivery) -> list[tuple[str, bool, bool]]:
    """What the platform is told: the status, whether it is final, whether it is late."""
    rows = [row for delivery in deliveries for row in seen(await done(world.dr, delivery))]
    return [(dr["status"], dr["final"], dr["late"]) for _, dr in rows]


@pytest.fixture
async def sent(world: World) -> World:
    """A world in which one MT has been submitted."""
    await done(world.mt, mt())
    return world


async def test_delivered_then_read(sent: World) -> None:
    told = await _told(sent, receipts(receipt("delivered")), receipts(receipt("read"), key="i-2"))
    assert told == [("delivered", True, False), ("read", False, False)]


async def test_read_implies_delivered_and_a_later_delivered_is_no_news(sent: World) -> None:
    told = await _told(sent, receipts(receipt("read")), receipts(receipt("delivered"), key="i-2"))
    assert told == [("delivered", True, False), ("read", False, False)]


async def test_the_same_receipt_five_times_is_told_once(sent: World) -> None:
    deliveries = [receipts(receipt("delivered"), key=f"i-{number}") for number in range(5)]
    assert await _told(sent, *deliveries) == [("delivered", True, False)]


async def test_two_receipts_at_the_same_time_are_each_told_once(sent: World) -> None:
    results = await asyncio.gather(
        *(
            done(sent.dr, receipts(receipt(status), key=f"{status}-{number}"))
            for number in range(10)
            for status in ("delivered", "read")
        )
    )
    told = [dr["status"] for publications in results for _, dr in seen(publications)]
    assert sorted(told) == ["delivered", "read"]
    assert (await sent.record()).status is Status.READ


async def test_two_receipts_for_one_mt_in_one_item(sent: World) -> None:
    told = await _told(sent, receipts(receipt("read"), receipt("delivered")))
    assert sorted(told) == [("delivered", True, False), ("read", False, False)]


async def test_a_failure_says_why_and_when(sent: World) -> None:
    reason = {"code": "recipient_unreachable", "kind": "permanent", "provider_code": "131026"}
    row = receipt("failed", reason=reason, occurred_at="2026-11-22T09:59:58.5Z")
    [(key, dr)] = seen(await done(sent.dr, receipts(row)))
    assert (key, dr["final"], dr["reason"], dr["occurred_at"]) == (
        "dr.shop.failed",
        True,
        reason,
        "2026-11-22T09:59:58.500Z",
    )


async def test_a_failure_without_a_reason_still_has_one(sent: World) -> None:
    [(_, dr)] = seen(await done(sent.dr, receipts(receipt("failed"))))
    assert dr["reason"]["code"] == "provider_error"


async def test_delivered_after_failed_is_told_as_late(sent: World) -> None:
    told = await _told(sent, receipts(receipt("failed")), receipts(receipt("delivered"), key="i-2"))
    assert told == [("failed", True, False), ("delivered", False, True)]


async def test_failed_after_delivered_is_no_news(sent: World) -> None:
    told = await _told(sent, receipts(receipt("delivered")), receipts(receipt("failed"), key="i-2"))
    assert told == [("delivered", True, False)]


async def test_a_message_in_parts_is_delivered_when_all_parts_are(world: World) -> None:
    world.provider.answers = [Submitted(("p-1", "p-2", "p-3"))]
    await done(world.mt, mt())
    parts = [("p-1", "delivered"), ("p-2", "read"), ("p-1", "delivered"), ("p-3", "delivered")]
    deliveries = [receipts(receipt(status, id=id), key=f"{n}") for n, (id, status) in enumerate(parts)]
    told = [await _told(world, delivery) for delivery in deliveries]
    assert told == [[], [], [], [("delivered", True, False)]]
    later = [receipts(receipt("read", id=id), key=f"read-{id}") for id in ("p-1", "p-3")]
    assert [await _told(world, delivery) for delivery in later] == [[], [("read", False, False)]]


async def test_a_message_fails_when_one_of_its_parts_does(world: World) -> None:
    world.provider.answers = [Submitted(("p-1", "p-2"))]
    await done(world.mt, mt())
    told = await _told(
        world, receipts(receipt("delivered", id="p-1")), receipts(receipt("failed", id="p-2"), key="2")
    )
    assert told == [("failed", True, False)]


async def test_all_parts_delivered_at_the_same_time_are_told_once(world: World) -> None:
    world.provider.answers = [Submitted(("p-1", "p-2", "p-3", "p-4"))]
    await done(world.mt, mt())
    deliveries = [receipts(receipt("delivered", id=f"p-{n}"), key=f"{n}") for n in range(1, 5)]
    results = await asyncio.gather(*(done(world.dr, delivery) for delivery in deliveries))
    assert [dr["status"] for publications in results for _, dr in seen(publications)] == ["delivered"]


async def test_a_redelivered_receipt_that_may_not_have_been_passed_on_is_passed_on_again(sent: World) -> None:
    delivery = receipts(receipt("read"))
    first = await done(sent.dr, delivery)
    assert seen(await done(sent.dr, again(delivery))) == seen(first)


async def test_only_the_receipts_that_were_asked_for_and_the_final_one_are_told(world: World) -> None:
    assert await done(world.mt, mt(receipts=["read"])) == []
    told = await _told(world, receipts(receipt("read")))
    assert told == [("delivered", True, False), ("read", False, False)]


async def test_a_receipt_that_overtakes_its_submission_waits_for_it(world: World) -> None:
    [wait] = await done(world.dr, receipts(receipt("delivered")))
    assert (wait.exchange, wait.routing_key) == ("imgw.wait.1s", "imgw.dr.in")
    await done(world.mt, mt())
    assert await _told(world, delivery_of(wait)) == [("delivered", True, False)]


async def test_a_receipt_that_never_finds_its_mt_is_kept_as_unmatched(world: World) -> None:
    delivery, waits = receipts(receipt("delivered", id="nobody")), []
    while publications := await done(world.dr, delivery):
        waits.append(publications[0].exchange)
        delivery = delivery_of(publications[0])
    assert waits == ["imgw.wait.1s", "imgw.wait.5s", "imgw.wait.30s"]
    assert await world.inbound.count_unmatched() == 1


async def test_an_unmatched_receipt_can_be_tried_again_once_its_mt_is_known(world: World) -> None:
    await done(world.dr, receipts(receipt("delivered"), looks=3))
    await done(world.mt, mt())
    [row] = await world.inbound.unmatched("acme", 10)
    delivery = delivery_of(item_again(row["account"], row["body"], row["received_at"]))
    assert await _told(world, delivery) == [("delivered", True, False)]
    await world.inbound.mark_replayed(row["_id"])
    assert await world.inbound.count_unmatched() == 0
    outcomes = [row["outcome"] for row in await world.inbound.receipts_of("shop/m-1")]
    assert outcomes == ["applied"]


async def test_a_receipt_is_matched_by_our_reference_before_the_providers_id_is_known(world: World) -> None:
    world.provider.answers = [RuntimeError("killed during the call")]
    with pytest.raises(RuntimeError):
        await world.mt.process(mt())
    told = await _told(world, receipts(receipt("delivered", id="new", reference="shop/m-1")))
    assert told == [("delivered", True, False)]


async def test_a_receipt_on_another_account_does_not_match(sent: World) -> None:
    row = receipt("delivered", id="x", reference="shop/m-1")
    outcome = await dead(sent.dr, receipts(row, account="other"))
    assert outcome.reason == "unknown_account"


async def test_an_unknown_status_is_kept_and_changes_nothing(sent: World) -> None:
    assert await done(sent.dr, receipts(receipt(None, provider_status="teleported"))) == []
    [row] = await sent.inbound.receipts_of("shop/m-1")
    assert (row["provider_status"], row["outcome"]) == ("teleported", "unknown_status")
    assert (await sent.record()).status is Status.SUBMITTED


async def test_an_item_that_cannot_be_read_is_dead(sent: World) -> None:
    delivery = delivery_of(Publication("", "imgw.dr.in", b"{}", "imgw.callback.v1", "i", receipts().headers))
    assert (await dead(sent.dr, delivery)).reason == "unreadable_receipt"


async def test_what_is_neither_a_receipt_nor_an_outcome_is_dead(sent: World) -> None:
    assert (
        await dead(sent.dr, delivery_of(Publication("", "imgw.dr.in", b"{}")))
    ).reason == "invalid_message"
    outcome = Publication("", "imgw.dr.in", b"{}", "imgw.outcome.v1")
    assert (await dead(sent.dr, delivery_of(outcome))).reason == "invalid_message"


class Outbox:
    """Takes what is published."""

    trouble = None

    def __init__(self) -> None:
        self.publications: list[Publication] = []
        self.away = False

    async def publish(self, publication: Publication) -> None:
        if self.away:
            raise BrokerUnavailable("it is away")
        self.publications.append(publication)


def _monitor(world: World) -> tuple[ExpiryMonitor, Outbox]:
    outbox = Outbox()
    monitor = ExpiryMonitor(
        world.transactions,
        outbox,  # type: ignore[arg-type]
        world.metrics,
        interval_seconds=1,
        batch=100,
    )
    return monitor, outbox


async def _overdue(world: World) -> None:
    soon = now() + timedelta(milliseconds=150)
    await done(world.mt, mt(expires_at=soon.isoformat()))
    while now() <= soon:  # noqa: ASYNC110  a moment in time sends no event
        await asyncio.sleep(0.01)


async def test_an_mt_without_a_receipt_in_time_expires_once(world: World) -> None:
    await _overdue(world)
    monitor, outbox = _monitor(world)
    assert [await monitor.sweep(), await monitor.sweep()] == [1, 0]
    told = [
        row
        for publication in outbox.publications
        for row in seen(await done(world.dr, delivery_of(publication)))
    ]
    assert [(key, dr["final"], dr["reason"]) for key, dr in told] == [
        ("dr.shop.expired", True, {"code": "no_receipt_in_time", "kind": "permanent"})
    ]


async def test_an_expiry_that_could_not_be_published_is_found_again_at_once(world: World) -> None:
    await _overdue(world)
    monitor, outbox = _monitor(world)
    outbox.away = True
    with pytest.raises(BrokerUnavailable):
        await monitor.sweep()
    outbox.away = False
    assert await monitor.sweep() == 1
    assert [publication.routing_key for publication in outbox.publications] == ["imgw.dr.in"]


async def test_an_mt_that_was_overdue_when_it_came_is_rejected_not_expired(world: World) -> None:
    """Even when the monitor sees it before its rejection is told."""
    past = now() - timedelta(seconds=1)
    rejection = await done(world.mt, mt(expires_at=past.isoformat()))
    monitor, outbox = _monitor(world)
    await monitor.sweep()
    assert outbox.publications == []
    assert [key for key, _ in seen(await world.follow(rejection))] == ["dr.shop.rejected"]


async def test_two_monitors_that_find_the_same_mt_expire_it_once(world: World) -> None:
    await _overdue(world)
    (first, outbox_1), (second, outbox_2) = _monitor(world), _monitor(world)
    await asyncio.gather(first.sweep(), second.sweep())
    outcomes = outbox_1.publications + outbox_2.publications
    told = [row for outcome in outcomes for row in seen(await done(world.dr, delivery_of(outcome)))]
    assert [key for key, _ in told] == ["dr.shop.expired"]


async def test_an_mt_whose_repeat_the_broker_has_lost_is_tried_again(world: World) -> None:
    world.provider.answers = [ProviderError(FailureKind.TRANSIENT, reason="provider_error", code="E1")]
    await done(world.mt, mt())  # what it published is gone
    monitor, outbox = _monitor(world)
    assert await monitor.sweep() == 0
    await world.transactions.postpone(["shop/m-1"], now())  # a minute after the attempt was due
    assert [await monitor.sweep(), await monitor.sweep()] == [1, 0]
    told = seen(await world.follow(outbox.publications))
    assert [(key, dr["attempt"]) for key, dr in told] == [("dr.shop.submitted", 2)]


async def test_an_mt_whose_sender_is_gone_and_never_came_back_is_tried_again(world: World) -> None:
    await done(world.mt, mt())
    record = replace(await world.record(), message_id="m-2", rev=1, events=(), provider_message_ids=())
    gone = replace(record, status=Status.SENDING, claim=Claim("somebody", now()))
    assert await world.transactions.insert(gone) is None
    await world.transactions.postpone(["shop/m-2"], now())
    monitor, outbox = _monitor(world)
    assert await monitor.sweep() == 1
    [publication] = outbox.publications
    [wait] = await done(world.retry, delivery_of(publication))
    assert (publication.routing_key, wait.exchange, wait.headers["x-attempt"]) == (
        "imgw.retry",
        "imgw.wait.5s",
        2,
    )


async def test_an_mt_that_waits_for_its_turn_is_looked_at_less_and_less_often(world: World) -> None:
    world.provider.answers = [ProviderError(FailureKind.TRANSIENT, reason="provider_error", code="E1")]
    await done(world.mt, mt())
    monitor, outbox = _monitor(world)
    await world.transactions.postpone(["shop/m-1"], now())
    await monitor.sweep()
    assert await world.transactions.due(now() + timedelta(seconds=55), 1) == []
    assert [r.message_id for r in await world.transactions.due(now() + timedelta(seconds=65), 1)] == ["m-1"]
    assert len(outbox.publications) == 1


async def test_delivered_after_expired_is_told_as_late(world: World) -> None:
    await _overdue(world)
    monitor, outbox = _monitor(world)
    await monitor.sweep()
    await done(world.dr, delivery_of(outbox.publications[0]))
    assert await _told(world, receipts(receipt("delivered"))) == [("delivered", False, True)]
    assert await _told(world, receipts(receipt("read"), key="i-2")) == [("read", False, True)]


async def test_an_mt_that_was_delivered_in_time_does_not_expire(world: World) -> None:
    await _overdue(world)
    await done(world.dr, receipts(receipt("delivered")))
    assert await _monitor(world)[0].sweep() == 0


async def test_a_revision_that_was_not_looked_at_is_never_overwritten(sent: World) -> None:
    record = await sent.record()
    changes = [Change(Status.DELIVERED, 1), Change(Status.FAILED, 1), Change(Status.EXPIRED, 1)]
    moved = await asyncio.gather(*(sent.transactions.move(record, change) for change in changes))
    assert sum(result is not None for result in moved) == 1
