"""Waking devices by push: only where nobody is connected, each once, and with the right words."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.broker.port import Publication
from gateway.model.address import Address
from gateway.model.base import now
from gateway.model.content import TextContent
from gateway.model.receipt import Status
from gateway.rtm.items import WakeUp, is_wake_reference, wake_publication, wake_reference
from gateway.rtm.names import Device
from gateway.store.transactions import Change
from handlers.contract import Capabilities, Submission
from processors.outcome import Dead
from tests.processors.conftest import World, dead, done
from tests.processors.fakes import delivery_of
from tests.processors.rtm_waking_world import (
    ANDROID,
    Waking,
    away,
    failed,
    submitted,
    token_of,
    woken,
)
from tests.processors.rtm_world import BOBS, PHONE, TABLET, TRACE


@pytest.fixture
async def waking(rtm: World, monkeypatch: pytest.MonkeyPatch) -> Waking:
    monkeypatch.setattr("processors.sending.pause_of", lambda error: 0.0)
    return await away(rtm)


async def test_all_devices_of_a_person_who_is_away_are_woken(waking: Waking) -> None:
    wake = await waking.submit(attributes={"urgency": "low"})
    record = await waking.world.record()
    assert await done(waking.processor, wake) == []
    assert sorted(waking.android.sent, key=lambda submission: submission.to.id) == [
        Submission(
            reference=wake_reference("shop", "m-1", device),
            to=Address(kind="device_token", id=token_of(device)),
            sender=None,
            content=TextContent(text="Something happened"),
            thread=record.thread,
            attributes={"urgency": "low", "title": "News"},
            expires_at=record.expires_at,
        )
        for device in (PHONE, TABLET)
    ]
    assert sorted(await waking.rows(), key=lambda row: str(row["device"])) == [
        submitted(PHONE),
        submitted(TABLET),
    ]
    assert waking.counts() == {("fcm-1", "submitted"): 2.0}


async def test_a_device_is_woken_once_however_often_the_wake_up_comes(waking: Waking) -> None:
    wake = await waking.submit()
    await done(waking.processor, wake)
    await done(waking.processor, replace(wake, redelivered=True))
    assert woken(waking.android) == [token_of(PHONE), token_of(TABLET)]


async def test_nobody_is_woken_who_has_a_device_that_is_connected(waking: Waking) -> None:
    await waking.world.customers.presence(TABLET, online=True, session="s-1", at=now())
    await done(waking.processor, await waking.submit())
    assert (waking.android.sent, await waking.rows()) == ([], [])


@pytest.mark.parametrize(("online", "expected"), [(TABLET, [token_of(PHONE)]), (PHONE, [])])
async def test_what_is_for_one_device_wakes_that_one_alone(
    waking: Waking, online: Device, expected: list[str]
) -> None:
    await waking.world.customers.presence(online, online=True, session="s-1", at=now())
    wake = await waking.submit(to={"kind": "device", "id": "ann/phone"})
    await done(waking.processor, wake)
    assert woken(waking.android) == expected


async def test_followers_of_a_topic_are_woken_each_by_their_own_account(waking: Waking) -> None:
    await done(waking.processor, await waking.submit(to={"kind": "topic", "id": "news"}))
    assert woken(waking.android) == [token_of(PHONE), token_of(TABLET)]
    assert [submission.to for submission in waking.web.sent] == [
        Address(kind="subscription", id=token_of(BOBS))
    ]
    assert waking.counts() == {("fcm-1", "submitted"): 2.0, ("web-1", "submitted"): 1.0}


async def test_many_followers_are_woken_page_by_page(waking: Waking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("processors.rtm.wakeups.PAGE", 1)
    [rest] = await done(waking.processor, await waking.submit(to={"kind": "topic", "id": "news"}))
    assert rest == wake_publication(WakeUp(app_id="shop", message_id="m-1", after="ann"), TRACE)
    assert (woken(waking.android), woken(waking.web)) == ([token_of(PHONE), token_of(TABLET)], [])
    [end] = await done(waking.processor, delivery_of(rest))
    assert woken(waking.web) == [token_of(BOBS)]
    assert await done(waking.processor, delivery_of(end)) == []


async def test_that_one_follower_has_it_says_nothing_of_the_others(waking: Waking) -> None:
    wake = await waking.submit(to={"kind": "topic", "id": "news"})
    await move(waking, Status.DELIVERED)
    await done(waking.processor, wake)
    assert woken(waking.web) == [token_of(BOBS)]


@pytest.mark.parametrize("status", [Status.DELIVERED, Status.READ, Status.EXPIRED, Status.FAILED])
async def test_nobody_is_woken_for_what_has_ended(waking: Waking, status: Status) -> None:
    wake = await waking.submit()
    await move(waking, status)
    assert await done(waking.processor, wake) == []
    assert (waking.android.sent, await waking.rows()) == ([], [])


async def move(waking: Waking, status: Status) -> None:
    record = await waking.world.record()
    assert await waking.world.transactions.move(record, Change(status, record.attempt)) is not None


@pytest.mark.parametrize(
    ("notification", "thread", "application", "title"),
    [
        ({"text": "t"}, {"id": "t-1", "type": "conversation", "title": "Your order"}, {}, "Your order"),
        ({"text": "t"}, None, {}, "Shop"),
        ({"text": "t"}, None, {"name": ""}, None),
    ],
)
async def test_without_a_title_the_threads_is_shown_or_else_the_applications_name(
    waking: Waking,
    notification: dict[str, Any],
    thread: dict[str, Any] | None,
    application: dict[str, Any],
    title: str | None,
) -> None:
    waking.configure(**application)
    fields = {} if thread is None else {"thread": thread}
    to = {"kind": "device", "id": "ann/phone"}
    await done(waking.processor, await waking.submit(notification=notification, to=to, **fields))
    assert [submission.attributes.get("title") for submission in waking.android.sent] == [title]


async def test_words_that_are_too_long_for_the_service_are_cut(waking: Waking) -> None:
    await done(waking.processor, await waking.submit(notification={"text": "A long story of things"}))
    assert {submission.content for submission in waking.android.sent} == {
        TextContent(text="A long story of thi…")
    }


async def test_an_account_without_texts_wakes_nobody_and_says_so(waking: Waking) -> None:
    waking.android.capabilities = Capabilities(content={"raw": None}, receipts=False)
    await done(waking.processor, await waking.submit(to={"kind": "device", "id": "ann/phone"}))
    assert (waking.android.sent, await waking.rows()) == ([], [failed(PHONE, "unsupported_content")])


@pytest.mark.parametrize(
    "push",
    [{"ios": "fcm-1"}, {"android": "no-such"}, {"android": "rtm-1"}],
    ids=["another platform", "an account that is gone", "an account of the channel itself"],
)
async def test_a_platform_without_an_account_for_it_is_not_woken(
    waking: Waking, push: dict[str, str]
) -> None:
    waking.configure(push=push)
    assert await done(waking.processor, await waking.submit()) == []
    assert (waking.android.sent, await waking.rows(), waking.counts()) == ([], [], {})


async def test_an_account_that_is_switched_off_wakes_nobody_and_the_log_and_a_count_say_so(
    waking: Waking,
) -> None:
    waking.accounts["fcm-1"] = ANDROID.model_copy(update={"enabled": False})
    waking.configure()
    wake = await waking.submit(to={"kind": "topic", "id": "news"})
    assert await done(waking.processor, wake) == []
    assert await done(waking.processor, wake) == []
    assert (woken(waking.android), woken(waking.web)) == ([], [token_of(BOBS)])
    assert sorted(await waking.rows(), key=lambda row: str(row["device"])) == [
        failed(PHONE, "account_disabled"),
        failed(TABLET, "account_disabled"),
        submitted(BOBS, "web-1"),
    ]
    assert waking.counts() == {("fcm-1", "disabled"): 2.0, ("web-1", "submitted"): 1.0}


async def test_a_device_without_a_push_token_is_not_woken(waking: Waking) -> None:
    await waking.world.customers.touch(TABLET, now(), push_token="")
    await done(waking.processor, await waking.submit())
    assert woken(waking.android) == [token_of(PHONE)]


async def test_nothing_happens_for_an_mt_that_is_gone_or_an_application_that_is(waking: Waking) -> None:
    unknown = wake_publication(WakeUp(app_id="shop", message_id="m-9"), {})
    assert await done(waking.processor, delivery_of(unknown)) == []
    wake = await waking.submit()
    waking.configure(enabled=False)
    assert await done(waking.processor, wake) == []
    assert waking.android.sent == []


async def test_nothing_happens_for_an_mt_whose_time_is_over(
    waking: Waking, monkeypatch: pytest.MonkeyPatch
) -> None:
    wake = await waking.submit(validity_seconds=60)
    monkeypatch.setattr("processors.rtm.wakeups.now", lambda: now() + timedelta(seconds=61))
    assert await done(waking.processor, wake) == []
    assert waking.android.sent == []


async def test_garbage_is_kept_for_a_person_to_look_at(waking: Waking) -> None:
    for body in (b"", b"[]", b'{"app_id":"shop"}', b'{"app_id":"shop","message_id":"m-1","x":1}'):
        outcome = await dead(waking.processor, delivery_of(Publication("", "imgw.rtm.wake", body)))
        assert outcome == Dead("invalid_message", "not a wake-up: 1 fields are wrong")


def test_the_push_message_of_each_device_has_a_name_that_is_no_mts() -> None:
    names = {wake_reference("shop", "m-1", device) for device in (PHONE, TABLET, BOBS)}
    assert len(names) == 3
    assert all(is_wake_reference(each) and each.startswith("shop/m-1#") for each in names)
    assert [each for each in ("shop/m-1", "shop/m-1#2", "", None) if is_wake_reference(each)] == []


async def test_a_receipt_for_a_push_message_is_no_news_of_the_mt(waking: Waking) -> None:
    await done(waking.processor, await waking.submit())
    before = await waking.world.record()
    receipt = {
        "provider_message_id": f"p-{wake_reference('shop', 'm-1', PHONE)}",
        "reference": wake_reference("shop", "m-1", PHONE),
        "status": "delivered",
        "provider_status": "delivered",
    }
    headers = {"x-account": "fcm-1", "x-kind": "dr", "x-received-at": "2026-11-22T10:00:00.000Z"}
    body = json.dumps([receipt]).encode()
    delivery = delivery_of(Publication("", "imgw.dr.in", body, "imgw.callback.v1", "r-1", headers))
    assert await done(waking.world.dr, delivery) == []
    assert await waking.world.record() == before
    assert before.status is Status.SUBMITTED
