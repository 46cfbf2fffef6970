"""The MT processor: each MT is taken once, tried, and followed by exactly what it led to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.broker.port import Delivery
from gateway.errors import FailureKind, ProviderError, StoreUnavailable
from gateway.model.base import event_id, now, rfc3339
from gateway.model.receipt import Status
from gateway.store.records import Claim, MTRecord
from gateway.store.transactions import Change
from handlers.contract import Capabilities, Submitted
from handlers.shared.splitting import Limit
from processors.catalogue import EMPTY
from processors.outcome import Dead
from tests.processors.conftest import World, dead, done
from tests.processors.fakes import ACCOUNT, SHOP, again, delivery_of, mt, seen

pytestmark = pytest.mark.mongodb


async def test_an_mt_is_sent_and_its_submission_told(world: World) -> None:
    delivery = mt(correlation_id="order 7", callback_data="x=1")
    publications = await done(world.mt, delivery)
    record = await world.record()
    event = record.told[Status.SUBMITTED]
    assert seen(publications) == [
        (
            "dr.shop.submitted",
            {
                "event_id": event_id("shop", "m-1", "submitted"),
                "message_id": "m-1",
                "app_id": "shop",
                "channel": "sms",
                "account": "acme",
                "provider": "scripted",
                "to": {"kind": "msisdn", "id": "447700900001"},
                "correlation_id": "order 7",
                "callback_data": "x=1",
                "status": "submitted",
                "final": False,
                "attempt": 1,
                "provider_message_ids": ["p-shop/m-1"],
                "degraded": [],
                "late": False,
                "occurred_at": rfc3339(event["at"]),
                "recorded_at": rfc3339(event["at"]),
            },
        )
    ]
    assert [submission.reference for submission in world.provider.sent] == ["shop/m-1"]
    assert (record.status, record.attempt, record.ended_as) == (Status.SUBMITTED, 1, None)


async def test_submitted_is_final_where_no_receipts_come(world: World) -> None:
    world.provider.capabilities = Capabilities(content={"text": Limit(100)}, receipts=False)
    [(key, dr)] = seen(await done(world.mt, mt()))
    assert (key, dr["final"]) == ("dr.shop.submitted", True)
    assert (await world.record()).ended_as is Status.SUBMITTED
    assert await world.transactions.due(now() + timedelta(days=90), 10) == []


async def test_submitted_is_final_for_what_its_provider_sends_no_receipt_for(world: World) -> None:
    world.provider.answers = [Submitted(("p-1",), receipts_follow=False)]
    [(key, dr)] = seen(await done(world.mt, mt()))
    assert (key, dr["final"]) == ("dr.shop.submitted", True)
    assert await world.transactions.due(now() + timedelta(days=90), 10) == []


async def test_an_mt_of_an_application_and_account_that_were_just_made_is_sent(world: World) -> None:
    world.catalogue, world.news = EMPTY, world.catalogue
    [(key, dr)] = seen(await done(world.mt, mt(account="acme")))
    assert (key, dr["account"]) == ("dr.shop.submitted", "acme")


async def test_the_same_mt_twice_is_sent_once_and_answered_with_the_first_ones_state(world: World) -> None:
    first = await done(world.mt, mt())
    second = await done(world.mt, mt(content={"type": "text", "text": "something else"}))
    assert seen(second) == seen(first)
    assert len(world.provider.sent) == 1


async def test_an_mt_without_an_id_is_given_one_before_anything_else_happens(world: World) -> None:
    [publication] = await done(world.mt, mt(message_id=None))
    assert publication.routing_key == "imgw.mt"
    assert world.provider.sent == []
    delivery = delivery_of(publication)
    message_id = delivery.headers["x-message-id"]
    await done(world.mt, delivery)
    await done(world.mt, again(delivery))
    assert [submission.reference for submission in world.provider.sent] == [f"shop/{message_id}"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"app_id": "nobody"}, "unknown_application"),
        ({"account": "other"}, "unknown_account"),
        ({"channel": "viber"}, "no_route"),
        ({"content": {"type": "template", "name": "hello", "language": "en"}}, "unsupported_content"),
        ({"content": {"type": "text", "text": "x" * 3_201}}, "content_too_long"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expired_before_send"),
        ({"from": "somebody"}, "sender_invalid"),
        ({"validity": 5}, "invalid_message"),
        ({"sender": "447700900100"}, "invalid_message"),
        ({"to": None}, "invalid_message"),
        ({"content": {"type": "text", "text": "x" * 1_100_000}}, "invalid_message"),
    ],
)
async def test_an_mt_that_cannot_be_sent_is_rejected_with_the_reason(
    world: World, fields: dict[str, object], code: str
) -> None:
    [(key, dr)] = seen(await world.follow(await done(world.mt, mt(**fields))))
    app_id = str(fields.get("app_id", "shop"))
    assert key == f"dr.{app_id}.rejected"
    assert (dr["status"], dr["final"], dr["reason"]["code"]) == ("rejected", True, code)
    assert world.provider.sent == []
    assert (await world.record(f"{app_id}/m-1")).ended_as is Status.REJECTED


async def test_a_switched_off_account_is_named_as_the_reason(world: World) -> None:
    world.configure(account=ACCOUNT.model_copy(update={"enabled": False}))
    [(_, dr)] = seen(await world.follow(await done(world.mt, mt(account="acme"))))
    assert dr["reason"]["code"] == "account_disabled"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "invalid_json"),
        (b"\xff\x00", "invalid_json"),
        (b"[" * 100_000, "invalid_json"),
        (b"null", "invalid_message"),
        (b'{"message_id": "m-1"}', "invalid_message"),
        (b'{"app_id": "Not An App", "message_id": "m-1"}', "invalid_message"),
        (b'{"app_id": "shop", "message_id": "spaces are not taken"}', "invalid_message"),
    ],
)
async def test_what_has_no_sender_is_dead(world: World, body: bytes, reason: str) -> None:
    outcome = await dead(world.mt, replace(mt(), body=body))
    assert outcome.reason == reason


async def test_why_a_message_is_refused_never_quotes_it(world: World) -> None:
    delivery = mt(
        content={"type": "SECRET-WORDS", "text": "SECRET-WORDS"}, to={"kind": "SECRET-WORDS", "id": 1}
    )
    [(_, dr)] = seen(await world.follow(await done(world.mt, delivery)))
    assert dr["reason"]["code"] == "invalid_message"
    assert "SECRET-WORDS" not in str(dr)


async def test_accepted_is_told_only_on_request(world: World) -> None:
    publications = await done(world.mt, mt(receipts=["accepted"]))
    assert [key for key, _ in seen(publications)] == ["dr.shop.accepted"]


async def _interrupted(world: World, delivery: Delivery) -> None:
    """Leave the MT as a process does that is killed during the provider call."""
    world.provider.answers = [RuntimeError("killed")]
    with pytest.raises(RuntimeError):
        await world.mt.process(delivery)


async def _claim_ran_out(world: World) -> None:
    record = await world.record()
    past = Claim("somebody", now() - timedelta(seconds=1))
    assert await world.transactions.move(record, Change(Status.SENDING, record.attempt, claim=past))


async def test_a_redelivered_mt_that_somebody_may_still_be_sending_waits(world: World) -> None:
    delivery = mt()
    await _interrupted(world, delivery)
    publications = await done(world.mt, again(delivery))
    assert [key for key, _ in seen(publications)] == ["imgw.wait.5s → imgw.mt"]
    assert len(world.provider.sent) == 1


async def test_an_attempt_nobody_saw_the_end_of_is_repeated_once_its_claim_has_run_out(world: World) -> None:
    delivery = mt()
    await _interrupted(world, delivery)
    await _claim_ran_out(world)
    publications = await done(world.mt, again(delivery))
    assert [key for key, _ in seen(publications)] == ["imgw.wait.5s → imgw.retry"]
    told = seen(await world.follow(publications))
    assert [(key, dr["attempt"]) for key, dr in told] == [("dr.shop.submitted", 2)]


async def test_an_attempt_nobody_saw_the_end_of_fails_where_duplicates_are_avoided(world: World) -> None:
    world.configure(application=SHOP.model_copy(update={"duplicates": "avoid"}))
    delivery = mt()
    await _interrupted(world, delivery)
    await _claim_ran_out(world)
    [(key, dr)] = seen(await world.follow(await done(world.mt, again(delivery))))
    assert (key, dr["reason"]["code"]) == ("dr.shop.failed", "outcome_unknown")
    assert len(world.provider.sent) == 1


async def test_a_provider_id_that_was_given_before_does_not_lose_the_message(world: World) -> None:
    world.provider.answers = [Submitted(("same",)), Submitted(("same",))]
    await done(world.mt, mt(message_id="m-1"))
    [(key, dr)] = seen(await done(world.mt, mt(message_id="m-2")))
    assert (key, dr["message_id"], dr["provider_message_ids"]) == ("dr.shop.submitted", "m-2", [])


async def test_a_submission_is_logged_when_the_store_is_back_and_not_sent_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    move, failures = world.transactions.move, [StoreUnavailable("away"), StoreUnavailable("away")]

    async def away_for_a_while(record: MTRecord, change: Change) -> MTRecord | None:
        if failures:
            if len(failures) == 1:  # applied, though the answer was lost
                await move(record, change)
            raise failures.pop()
        return await move(record, change)

    monkeypatch.setattr(world.transactions, "move", away_for_a_while)
    [(key, _)] = seen(await done(world.mt, mt()))
    assert (key, len(world.provider.sent)) == ("dr.shop.submitted", 1)
    assert [event["status"] for event in (await world.record()).events] == ["sending", "submitted"]


async def test_a_bug_in_a_handler_is_not_taken_for_a_provider_failure(world: World) -> None:
    world.provider.answers = [ZeroDivisionError()]
    with pytest.raises(ZeroDivisionError):
        await world.mt.process(mt())


async def test_a_refusal_is_failed_with_the_providers_own_words(world: World) -> None:
    world.provider.answers = [
        ProviderError(FailureKind.PERMANENT, reason="recipient_blocked", code="403", text="blocked by user")
    ]
    [(key, dr)] = seen(await world.follow(await done(world.mt, mt())))
    assert (key, dr["final"], dr["reason"]) == (
        "dr.shop.failed",
        True,
        {
            "code": "recipient_blocked",
            "kind": "permanent",
            "provider_code": "403",
            "provider_text": "blocked by user",
        },
    )


async def test_neither_an_invalid_type_header_nor_none_matters(world: World) -> None:
    outcome = await world.mt.process(replace(mt(), type="something"))
    assert not isinstance(outcome, Dead)
