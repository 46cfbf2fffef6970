"""Waking devices by push when it does not go well: what is tried again, and when it is given up."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import FailureKind, MessageRefused, StoreUnavailable
from handlers.contract import Submitted
from tests.processors.conftest import World, done
from tests.processors.fakes import delivery_of
from tests.processors.rtm_waking_world import (
    Waking,
    away,
    failed,
    failure,
    submitted,
    token_of,
    woken,
)
from tests.processors.rtm_world import BOBS, PHONE, TABLET


@pytest.fixture
async def waking(rtm: World, monkeypatch: pytest.MonkeyPatch) -> Waking:
    monkeypatch.setattr("processors.sending.pause_of", lambda error: 0.0)
    return await away(rtm)


async def test_a_token_that_is_gone_is_forgotten_and_another_stays(waking: Waking) -> None:
    waking.android.answers = [failure(FailureKind.PERMANENT, "recipient_gone"), Submitted(("p-2",))]
    assert await done(waking.processor, await waking.submit()) == []
    ann = await waking.world.customers.get("shop", "ann")
    assert ann is not None
    first, second = (submission.to.id for submission in waking.android.sent)
    assert [each.push_token for each in ann.devices if each.push_token] == [second]
    reasons = {str(row["device"]): row.get("reason") for row in await waking.rows()}
    assert reasons == {_of(first): "recipient_gone", _of(second): None}
    assert waking.counts() == {("fcm-1", "failed"): 1.0, ("fcm-1", "submitted"): 1.0}


def _of(token: str) -> str:
    return token.removeprefix("token-").replace("-", "/")


async def test_what_nobody_knows_the_outcome_of_is_not_tried_again(waking: Waking) -> None:
    waking.android.answers = [failure(FailureKind.UNCERTAIN)]
    wake = await waking.submit(to={"kind": "device", "id": "ann/phone"})
    assert await done(waking.processor, wake) == []
    assert await waking.rows() == [
        {"device": "ann/phone", "account": "fcm-1", "provider_message_ids": []},
    ]


async def test_a_service_that_fails_is_tried_again_by_its_accounts_schedule_until_it_is_given_up(
    waking: Waking,
) -> None:
    waking.android.answers = [failure(FailureKind.TRANSIENT) for _ in range(3)]
    wake = await waking.submit(to={"kind": "device", "id": "ann/phone"})
    waits = []
    for _ in range(2):
        [again] = await done(waking.processor, wake)
        waits.append((again.exchange, again.routing_key))
        wake = delivery_of(again)
    assert waits == [("imgw.wait.5s", "imgw.rtm.wake"), ("imgw.wait.30s", "imgw.rtm.wake")]
    assert await done(waking.processor, wake) == []
    assert await waking.rows() == [failed(PHONE, "provider_error")]
    assert waking.counts() == {("fcm-1", "given_up"): 1.0}


@pytest.mark.parametrize(
    ("kind", "waits"),
    [
        (FailureKind.THROTTLED, ["1s", "5s", "30s", "120s"]),
        (FailureKind.AUTH, ["30s", "30s", "120s", "600s"]),
    ],
)
async def test_a_wait_that_a_service_asks_for_uses_no_attempt(
    waking: Waking, kind: FailureKind, waits: list[str]
) -> None:
    waking.android.answers = [failure(kind) for _ in waits]
    wake = await waking.submit(to={"kind": "device", "id": "ann/phone"})
    found = []
    for _ in waits:
        [again] = await done(waking.processor, wake)
        found.append(again.exchange.removeprefix("imgw.wait."))
        wake = delivery_of(again)
    assert found == waits
    assert await done(waking.processor, wake) == []
    assert await waking.rows() == [submitted(PHONE)]


async def test_an_account_that_is_paused_holds_up_no_other(waking: Waking) -> None:
    wake = await waking.submit(to={"kind": "topic", "id": "news"})
    waking.world.limiter.pause("fcm-1", 20)
    [again] = await done(waking.processor, wake)
    assert again.exchange == "imgw.wait.30s"
    assert (woken(waking.android), woken(waking.web)) == ([], [token_of(BOBS)])
    waking.world.limiter.pause("web-1", 600)  # it is not asked about again
    assert len(await done(waking.processor, delivery_of(again))) == 1
    assert woken(waking.web) == [token_of(BOBS)]


async def test_a_page_that_is_tried_again_does_not_begin_the_next_one_again(
    waking: Waking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processors.rtm.wakeups.PAGE", 1)
    waking.android.answers = [failure(FailureKind.TRANSIENT), failure(FailureKind.TRANSIENT)]
    again, rest = await done(waking.processor, await waking.submit(to={"kind": "topic", "id": "news"}))
    assert (again.exchange, rest.exchange) == ("imgw.wait.5s", "")
    assert await done(waking.processor, delivery_of(again)) == []
    assert woken(waking.android) == sorted([token_of(PHONE), token_of(TABLET)] * 2)


async def test_what_is_tried_again_wakes_nobody_twice_however_many_were_woken_since(
    waking: Waking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.transactions.WAKEUPS_KEPT", 1)  # of far more followers than that
    waking.android.answers = [Submitted(("p-1",)), failure(FailureKind.THROTTLED)]
    [again] = await done(waking.processor, await waking.submit(to={"kind": "topic", "id": "news"}))
    assert await done(waking.processor, delivery_of(again)) == []
    assert (sorted({*woken(waking.android)}), len(waking.android.sent)) == (
        [token_of(PHONE), token_of(TABLET)],
        3,  # the one that was asked to wait twice, the other once
    )
    assert woken(waking.web) == [token_of(BOBS)]


async def test_what_would_wait_longer_than_it_lasts_is_given_up(waking: Waking) -> None:
    waking.android.answers = [failure(FailureKind.THROTTLED, "rate_limited", after=600)]
    wake = await waking.submit(to={"kind": "device", "id": "ann/phone"}, validity_seconds=300)
    assert await done(waking.processor, wake) == []
    assert await waking.rows() == [failed(PHONE, "rate_limited")]
    assert waking.counts() == {("fcm-1", "given_up"): 1.0}


async def test_what_the_account_cannot_carry_is_told_in_the_log(waking: Waking) -> None:
    waking.android.answers = [MessageRefused("invalid_message", "urgency is one of low, high")]
    await done(waking.processor, await waking.submit(to={"kind": "device", "id": "ann/phone"}))
    assert await waking.rows() == [failed(PHONE, "invalid_message")]
    assert waking.counts() == {("fcm-1", "failed"): 1.0}


async def test_the_log_is_asked_again_while_the_store_is_away(
    waking: Waking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processors.rtm.wakeups._STORE_PAUSE_SECONDS", 0.01)
    wake, note, fails = await waking.submit(), waking.world.transactions.note_wakeups, [1, 2]

    async def flaky(reference: str, rows: Any) -> None:
        if fails:
            fails.pop()
            raise StoreUnavailable("away")
        await note(reference, rows)

    monkeypatch.setattr(waking.world.transactions, "note_wakeups", flaky)
    assert await done(waking.processor, wake) == []
    assert (woken(waking.android), len(await waking.rows())) == ([token_of(PHONE), token_of(TABLET)], 2)


async def test_a_store_that_stays_away_gives_the_wake_up_back(
    waking: Waking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processors.rtm.wakeups._STORE_PAUSE_SECONDS", 0.001)

    async def away(reference: str, rows: Any) -> None:
        raise StoreUnavailable("away")

    wake = await waking.submit()
    monkeypatch.setattr(waking.world.transactions, "note_wakeups", away)
    with pytest.raises(StoreUnavailable):
        await waking.processor.process(wake)
