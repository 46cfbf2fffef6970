"""Session windows: who wrote lately is sent anything, who did not a template, and nobody is asked in vain."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from gateway.errors import FailureKind, ProviderError, StoreUnavailable
from gateway.model.base import now
from gateway.model.content import TextContent
from gateway.model.receipt import Status
from handlers.contract import Capabilities, Submitted
from handlers.shared.splitting import Limit
from processors.window import FELL_BACK
from tests.processors.conftest import World, done
from tests.processors.fakes import (
    ACCOUNT,
    again,
    mo,
    mt,
    receipt,
    receipts,
    seen,
)
from tests.processors.window_world import AT, DAY, FALLBACK, PERSON, TEMPLATE, WINDOWED


@pytest.fixture
def windowed(world: World) -> World:
    """A world whose account has a session window of a day."""
    world.provider.capabilities = WINDOWED
    return world


async def _told(world: World, publications: list[Any]) -> list[tuple[str, Any, list[str]]]:
    """What the platform is told in the end: of which status, why, and what was simplified."""
    rows = seen(await world.follow(publications))
    return [(key, dr.get("reason", {}).get("code"), dr["degraded"]) for key, dr in rows]


Told = list[tuple[str, str | None, list[str]]]

CLOSED: Told = [("dr.shop.rejected", "outside_session_window", [])]
CLOSED_LATER: Told = [("dr.shop.failed", "outside_session_window", [])]
SENT: Told = [("dr.shop.submitted", None, [])]
INSTEAD: Told = [("dr.shop.submitted", None, [FELL_BACK])]


@pytest.mark.mongodb
async def test_who_writes_can_be_answered_for_as_long_as_the_window_is_open(
    windowed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await _told(windowed, await done(windowed.mt, mt(message_id="m-1"))) == CLOSED
    await done(windowed.mo, mo(sender={"kind": "msisdn", "id": f"+{PERSON}"}, at=now()))
    assert await _told(windowed, await done(windowed.mt, mt(message_id="m-2"))) == SENT
    monkeypatch.setattr("processors.window.now", lambda: now() + DAY)
    assert await _told(windowed, await done(windowed.mt, mt(message_id="m-3"))) == CLOSED
    fallen_back = mt(message_id="m-4", window_fallback=TEMPLATE, degrade="never")
    assert await _told(windowed, await done(windowed.mt, fallen_back)) == INSTEAD
    sent = [(submission.reference, submission.content) for submission in windowed.provider.sent]
    assert sent == [("shop/m-2", TextContent(text="hello")), ("shop/m-4", FALLBACK)]


@pytest.mark.mongodb
async def test_the_window_is_each_persons_own(windowed: World) -> None:
    await done(windowed.mo, mo(at=now()))
    assert await _told(windowed, await done(windowed.mt, mt(to="447700900002"))) == CLOSED


@pytest.mark.mongodb
async def test_a_refused_mt_is_logged_with_the_account_that_would_have_sent_it(windowed: World) -> None:
    await windowed.follow(await done(windowed.mt, mt()))
    record = await windowed.record()
    assert (record.account, record.provider, record.attempt) == ("acme", "scripted", 0)


@pytest.mark.mongodb
async def test_where_the_channel_carries_no_templates_the_fallback_does_not_help(windowed: World) -> None:
    windowed.provider.capabilities = Capabilities(
        content={"text": Limit(100)}, receipts=True, session_window_seconds=86_400
    )
    assert await _told(windowed, await done(windowed.mt, mt(window_fallback=TEMPLATE))) == CLOSED


@pytest.mark.mongodb
@pytest.mark.parametrize(
    ("capabilities", "setting", "content"),
    [
        (Capabilities(content={"text": Limit(100)}, receipts=True), "enforce", None),
        (WINDOWED, "provider", None),
        (WINDOWED, "enforce", TEMPLATE),
    ],
)
async def test_where_it_does_not_matter_nobody_asks_when_the_person_wrote(
    world: World,
    capabilities: Capabilities,
    setting: str,
    content: dict[str, Any] | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def not_asked(account: str, person_id: str) -> None:
        raise AssertionError("asked in vain")

    monkeypatch.setattr(world.sessions, "last", not_asked)
    world.provider.capabilities = capabilities
    world.configure(account=ACCOUNT.model_copy(update={"session_window": setting}))
    delivery = mt(content=content) if content else mt()
    assert await _told(world, await done(world.mt, delivery)) == SENT


@pytest.mark.mongodb
async def test_while_nobody_can_tell_nothing_is_taken(
    windowed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(account: str, person_id: str) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(windowed.sessions, "last", away)
    with pytest.raises(StoreUnavailable):
        await windowed.mt.process(mt())
    assert (await windowed.transactions.get("shop/m-1"), windowed.provider.sent) == (None, [])


@pytest.mark.mongodb
async def test_a_session_is_noted_also_where_windows_are_left_to_the_provider(windowed: World) -> None:
    windowed.configure(account=ACCOUNT.model_copy(update={"session_window": "provider"}))
    await done(windowed.mo, mo(sent_at="2026-11-22T09:59:59Z"))
    assert await windowed.sessions.last("acme", PERSON) == AT - timedelta(seconds=1)


@pytest.mark.mongodb
async def test_where_there_is_no_window_no_session_is_noted(world: World) -> None:
    await done(world.mo, mo())
    assert await world.sessions.last("acme", PERSON) is None


@pytest.mark.mongodb
async def test_an_event_that_is_no_word_of_the_persons_is_passed_on_and_notes_nothing(
    windowed: World,
) -> None:
    [publication] = await done(windowed.mo, mo(content={"type": "event", "name": "blocked"}))
    assert publication.routing_key == "mo.shop.sms"
    assert await windowed.sessions.last("acme", PERSON) is None


@pytest.mark.mongodb
async def test_an_mo_is_not_passed_on_before_its_session_is_noted(
    windowed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(account: str, person_id: str, at: datetime) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(windowed.sessions, "note", away)
    with pytest.raises(StoreUnavailable):
        await windowed.mo.process(mo())
    monkeypatch.undo()
    [publication] = await done(windowed.mo, again(mo()))
    assert (publication.routing_key, await windowed.sessions.last("acme", PERSON)) == ("mo.shop.sms", AT)


def failure(kind: FailureKind) -> ProviderError:
    return ProviderError(kind, reason="provider_error", code="E1")


async def _waiting(world: World, kind: FailureKind, **fields: Any) -> Any:
    """The repeat of an MT whose first attempt was made in the window and failed."""
    await world.sessions.note("acme", PERSON, now())
    world.provider.answers = [failure(kind)]
    [repeat] = await done(world.mt, mt(**fields))
    return repeat


@pytest.mark.mongodb
async def test_an_mt_that_waited_past_its_window_fails_and_leaves_its_slot(
    windowed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    windowed.configure(account=ACCOUNT.model_copy(update={"max_in_flight": 1}))
    repeat = await _waiting(windowed, FailureKind.TRANSIENT)
    monkeypatch.setattr("processors.window.now", lambda: now() + DAY)
    assert await _told(windowed, [repeat]) == CLOSED_LATER
    assert len(windowed.provider.sent) == 1
    assert await windowed.limiter.enter("acme") == 0


@pytest.mark.mongodb
async def test_an_mt_that_waited_past_its_window_goes_as_its_fallback(
    windowed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = {"type": "text", "text": "tea " * 60}
    repeat = await _waiting(windowed, FailureKind.TRANSIENT, content=long, window_fallback=TEMPLATE)
    monkeypatch.setattr("processors.window.now", lambda: now() + DAY)
    assert await _told(windowed, [repeat]) == INSTEAD
    record = await windowed.record()
    assert (windowed.provider.sent[-1].content, record.degraded, record.part_count) == (
        FALLBACK,
        (FELL_BACK,),
        1,
    )


@pytest.mark.mongodb
async def test_an_mt_whose_window_is_opened_while_its_fallback_waits_goes_as_it_is(windowed: World) -> None:
    windowed.provider.answers = [failure(FailureKind.TRANSIENT)]
    [repeat] = await done(windowed.mt, mt(window_fallback=TEMPLATE))
    assert (await windowed.record()).degraded == (FELL_BACK,)
    await done(windowed.mo, mo(at=now()))
    assert await _told(windowed, [repeat]) == SENT
    contents = [submission.content for submission in windowed.provider.sent]
    assert contents == [FALLBACK, TextContent(text="hello")]


@pytest.mark.mongodb
async def test_an_mt_that_waited_in_its_lane_past_its_window_fails(
    windowed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await windowed.sessions.note("acme", PERSON, now())
    windowed.limiter.set_backlog("acme", True)
    [publication] = await done(windowed.mt, mt())
    monkeypatch.setattr("processors.window.now", lambda: now() + DAY)
    assert await _told(windowed, [publication]) == CLOSED_LATER
    assert windowed.provider.sent == []


@pytest.mark.mongodb
async def test_what_was_begun_in_the_window_does_not_go_on_as_a_template(
    windowed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await windowed.sessions.note("acme", PERSON, now())
    text = {"type": "text", "text": "tea " * 40}
    windowed.provider.answers = [Submitted(("p-1",)), failure(FailureKind.THROTTLED)]
    [wait] = await done(windowed.mt, mt(content=text, window_fallback=TEMPLATE))
    monkeypatch.setattr("processors.window.now", lambda: now() + DAY)
    assert await _told(windowed, [wait]) == CLOSED_LATER
    assert [submission.part for submission in windowed.provider.sent] == [1, 2]


@pytest.mark.mongodb
async def test_a_receipt_for_an_attempt_that_seemed_to_fail_overtakes_the_closed_window(
    windowed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    repeat = await _waiting(windowed, FailureKind.UNCERTAIN)
    monkeypatch.setattr("processors.window.now", lambda: now() + DAY)
    await windowed.follow([repeat])
    [(key, dr)] = seen(
        await done(windowed.dr, receipts(receipt("delivered", id="p-9", reference="shop/m-1")))
    )
    assert (key, dr["late"]) == ("dr.shop.delivered", True)


@pytest.mark.mongodb
async def test_an_mt_whose_refusal_was_never_told_is_sent_when_its_window_is_open_by_then(
    windowed: World,
) -> None:
    delivery = mt(content={"type": "text", "text": "tea " * 40})
    await done(windowed.mt, delivery)  # the process ended before its refusal was published
    await done(windowed.mo, mo(at=now()))
    assert await _told(windowed, await done(windowed.mt, again(delivery))) == SENT
    record = await windowed.record()
    assert (record.status, record.account, record.part_count, record.parts_sent) == (
        Status.SUBMITTED,
        "acme",
        2,
        2,
    )
