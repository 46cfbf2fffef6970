"""Failures of all kinds, and the attempts that follow from them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.broker.port import Headers, Publication
from gateway.errors import FailureKind, MessageRefused, ProviderError
from gateway.model.account import RetrySchedule
from gateway.model.base import now
from gateway.model.message import MTMessage
from gateway.model.receipt import Status
from gateway.store.records import Claim
from gateway.store.transactions import Change
from processors.planning import plan
from tests.processors.conftest import World, dead, done
from tests.processors.fakes import (
    ACCOUNT,
    SHOP,
    Provider,
    again,
    catalogue_of,
    delivery_of,
    mt,
    receipt,
    receipts,
    seen,
)

pytestmark = pytest.mark.mongodb


def failure(kind: FailureKind, *, after: float | None = None) -> ProviderError:
    return ProviderError(kind, reason="provider_error", code="E1", text="no", retry_after_seconds=after)


async def _waits(world: World, *answers: Exception) -> list[str]:
    """The waits an MT goes through while the provider answers with these, one after the other."""
    world.provider.answers = list(answers)
    publications, waits = await done(world.mt, mt()), []
    while publications and publications[0].exchange.startswith("imgw.wait."):
        waits.append(publications[0].exchange)
        publications = await done(world.retry, delivery_of(publications[0]))
    return [*waits, *(key for key, _ in seen(await world.follow(publications)))]


async def test_a_passing_failure_is_tried_again_by_the_accounts_schedule(world: World) -> None:
    steps = await _waits(world, failure(FailureKind.TRANSIENT), failure(FailureKind.TRANSIENT))
    assert steps == ["imgw.wait.5s", "imgw.wait.30s", "dr.shop.submitted"]
    record = await world.record()
    assert [(event["status"], event["attempt"]) for event in record.events] == [
        ("sending", 1),
        ("waiting", 2),
        ("sending", 2),
        ("waiting", 3),
        ("sending", 3),
        ("submitted", 3),
    ]


async def test_when_all_attempts_are_used_the_last_reason_stands(world: World) -> None:
    world.provider.answers = [failure(FailureKind.TRANSIENT)] * 3
    told = seen(await world.follow(await done(world.mt, mt())))
    assert [(key, dr["attempt"], dr["reason"]["code"]) for key, dr in told] == [
        ("dr.shop.failed", 3, "provider_error")
    ]


async def test_an_account_without_a_schedule_tries_once(world: World) -> None:
    world.configure(account=ACCOUNT.model_copy(update={"retry": RetrySchedule(intervals_seconds=())}))
    assert await _waits(world, failure(FailureKind.TRANSIENT)) == ["dr.shop.failed"]


async def test_throttling_uses_no_attempt_and_pauses_the_account(world: World) -> None:
    world.provider.answers = [failure(FailureKind.THROTTLED, after=20)]
    [wait] = await done(world.mt, mt())
    assert (wait.exchange, wait.headers["x-attempt"], wait.headers["x-waits"]) == ("imgw.wait.30s", 1, 1)
    [other] = await done(world.mt, mt(message_id="m-2"))
    assert (other.routing_key, other.headers["x-attempt"]) == ("imgw.mt.acme", 1)
    assert len(world.provider.sent) == 1


async def test_refused_credentials_use_no_attempt_and_mark_the_account_unhealthy(world: World) -> None:
    world.provider.answers = [failure(FailureKind.AUTH)]
    [wait] = await done(world.mt, mt())
    assert (wait.exchange, wait.headers["x-attempt"]) == ("imgw.wait.30s", 1)
    assert world.limiter.unhealthy() == ["acme"]


@pytest.mark.parametrize(
    ("duplicates", "steps"),
    [("allow", ["imgw.wait.5s", "dr.shop.submitted"]), ("avoid", ["dr.shop.failed"])],
)
async def test_an_uncertain_outcome_follows_the_duplicates_policy(
    world: World, duplicates: str, steps: list[str]
) -> None:
    world.configure(application=SHOP.model_copy(update={"duplicates": duplicates}))
    assert await _waits(world, failure(FailureKind.UNCERTAIN)) == steps


async def test_a_message_says_itself_whether_duplicates_are_avoided(world: World) -> None:
    world.provider.answers = [failure(FailureKind.UNCERTAIN)]
    [(key, dr)] = seen(await world.follow(await done(world.mt, mt(duplicates="avoid"))))
    assert (key, dr["reason"]["code"], dr["reason"]["kind"]) == (
        "dr.shop.failed",
        "outcome_unknown",
        "uncertain",
    )


async def test_a_handlers_refusal_on_the_first_attempt_rejects(world: World) -> None:
    world.provider.answers = [MessageRefused("media_unsupported", "no")]
    [(key, dr)] = seen(await world.follow(await done(world.mt, mt())))
    assert (key, dr["reason"]["code"]) == ("dr.shop.rejected", "media_unsupported")


async def _waiting(world: World) -> Publication:
    world.provider.answers = [failure(FailureKind.TRANSIENT)]
    [publication] = await done(world.mt, mt())
    return publication


async def test_a_repeat_that_is_delivered_twice_is_sent_once(world: World) -> None:
    repeat = delivery_of(await _waiting(world))
    await done(world.retry, repeat)
    assert await done(world.retry, repeat) == []
    assert len(world.provider.sent) == 2


async def test_a_redelivered_repeat_whose_submission_may_not_have_been_told_tells_it_again(
    world: World,
) -> None:
    repeat = delivery_of(await _waiting(world))
    first = await done(world.retry, repeat)
    assert seen(await done(world.retry, again(repeat))) == seen(first)


async def test_a_submission_that_may_not_have_been_told_is_told_though_the_mt_was_read_meanwhile(
    world: World,
) -> None:
    repeat = delivery_of(await _waiting(world))
    first = await done(world.retry, repeat)  # lost with the connection
    [id] = (await world.record()).provider_message_ids
    await done(world.dr, receipts(receipt("read", id=id)))
    assert seen(await done(world.retry, again(repeat))) == seen(first)


async def test_a_redelivered_repeat_whose_next_one_may_never_have_been_published_publishes_it(
    world: World,
) -> None:
    repeat = delivery_of(await _waiting(world))
    world.provider.answers = [failure(FailureKind.TRANSIENT)]
    await done(world.retry, repeat)  # what it published was lost with the connection
    [publication] = await done(world.retry, again(repeat))
    assert (publication.exchange, publication.headers["x-attempt"]) == ("imgw.wait.1s", 3)
    [(key, dr)] = seen(await world.follow([publication]))
    assert (key, dr["attempt"]) == ("dr.shop.submitted", 3)


async def test_a_repeat_whose_mt_has_ended_meanwhile_is_not_sent(world: World) -> None:
    repeat = delivery_of(await _waiting(world))
    record = await world.record()
    ended = Change(Status.EXPIRED, record.attempt, ended_as=Status.EXPIRED)
    assert await world.transactions.move(record, ended)
    assert await done(world.retry, repeat) == []
    assert len(world.provider.sent) == 1


async def test_a_repeat_whose_time_has_passed_expires_with_the_last_reason(world: World) -> None:
    world.provider.answers = [failure(FailureKind.TRANSIENT)]
    soon = now() + timedelta(milliseconds=100)
    [publication] = await done(world.mt, mt(expires_at=soon.isoformat()))
    while now() <= soon:
        pass
    [(key, dr)] = seen(await world.follow([publication]))
    assert (key, dr["final"], dr["reason"]) == (
        "dr.shop.expired",
        True,
        {
            "code": "expired_before_send",
            "kind": "transient",
            "provider_code": "E1",
            "provider_text": "no",
        },
    )


async def test_a_repeat_that_another_process_is_sending_waits_for_its_claim(world: World) -> None:
    repeat = delivery_of(await _waiting(world))
    record = await world.record()
    claim = Claim("somebody", now() + timedelta(seconds=60))
    assert await world.transactions.move(record, Change(Status.SENDING, record.attempt, claim=claim))
    [publication] = await done(world.retry, again(repeat))
    assert (publication.exchange, publication.routing_key) == ("imgw.wait.5s", "imgw.retry")
    assert len(world.provider.sent) == 1


async def test_a_repeat_fails_when_its_account_is_gone(world: World) -> None:
    publication = await _waiting(world)
    world.configure(account=ACCOUNT.model_copy(update={"account": "other"}))
    [(key, dr)] = seen(await world.follow([publication]))
    assert (key, dr["reason"]["code"]) == ("dr.shop.failed", "unknown_account")


async def test_every_attempt_goes_to_the_provider_under_the_same_reference(world: World) -> None:
    await _waits(world, failure(FailureKind.UNCERTAIN), failure(FailureKind.TRANSIENT))
    assert {submission.reference for submission in world.provider.sent} == {"shop/m-1"}


async def test_a_repeat_without_its_headers_is_dead(world: World) -> None:
    outcome = await dead(world.retry, delivery_of(Publication("", "imgw.retry", b"{}")))
    assert outcome.reason == "invalid_message"


async def test_a_repeat_of_an_unknown_mt_is_dead(world: World) -> None:
    headers: Headers = {"x-reference": "shop/none", "x-attempt": 2}
    outcome = await dead(world.retry, delivery_of(Publication("", "imgw.retry", b"{}", headers=headers)))
    assert outcome.reason == "unknown_transaction"


def test_a_plan_is_the_same_for_every_attempt() -> None:
    """What Retry plans from the log is what MT planned from the queue."""
    catalogue, until = catalogue_of(Provider()), now()
    message = MTMessage.model_validate_json(mt().body)
    first = plan(message, "m-1", catalogue, expires_at=until)
    assert plan(message, "m-1", catalogue, expires_at=until, account="acme") == first


async def test_waiting_for_a_busy_account_does_not_lengthen_the_providers_own_waits(world: World) -> None:
    world.limiter.pause("acme", 20)
    [bounced] = await done(world.mt, mt())
    assert (bounced.routing_key, bounced.headers["x-waits"]) == ("imgw.mt.acme", 0)
