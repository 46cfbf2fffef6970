"""Waking devices by push that counted as connected when their MT came, and have said nothing since."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from gateway.broker.port import Delivery, Publication
from gateway.broker.topology import after
from gateway.errors import FailureKind
from gateway.model.base import now
from gateway.model.receipt import Status
from gateway.rtm.items import WakeUp, wake_publication
from gateway.rtm.names import Device
from gateway.store.transactions import Change
from tests.processors.conftest import World, done
from tests.processors.fakes import delivery_of
from tests.processors.rtm_waking_world import (
    Waking,
    away,
    failure,
    name,
    register,
    submitted,
    token_of,
    woken,
)
from tests.processors.rtm_world import BOBS, PHONE, TABLET, TRACE, receipt_of

NEWS = {"kind": "topic", "id": "news"}
TO_PHONE = {"kind": "device", "id": "ann/phone"}


@pytest.fixture
async def waking(rtm: World, monkeypatch: pytest.MonkeyPatch) -> Waking:
    monkeypatch.setattr("processors.sending.pause_of", lambda error: 0.0)
    return await away(rtm)


async def connect(waking: Waking, *devices: Device) -> None:
    for device in devices:
        await waking.world.customers.presence(device, online=True, session="s-1", at=now())


def look_at(*devices: Device) -> Publication:
    """The second look at these, as the first one puts it on its way."""
    names = tuple(name(device) for device in devices)
    wake = WakeUp(app_id="shop", message_id="m-1", devices=names, doubted=True)
    return after(30, "imgw.rtm.wake", wake_publication(wake, TRACE))


async def looked_at(waking: Waking, *devices: Device, **fields: Any) -> Delivery:
    """Send an MT and wake for it; the second look, which is at these devices, and nothing else follows."""
    published = await done(waking.processor, await waking.submit(**fields))
    assert published == [look_at(*devices)]
    return delivery_of(published[0])


async def say(waking: Waking, status: str, device: Device) -> None:
    await done(waking.world.dr, receipt_of(status, device))


async def test_a_device_that_counts_as_connected_and_says_nothing_is_woken_half_a_minute_later(
    waking: Waking,
) -> None:
    await connect(waking, PHONE, TABLET)
    look = await looked_at(waking, PHONE, TABLET)
    assert (waking.android.sent, await waking.rows()) == ([], [])
    assert await done(waking.processor, look) == []
    assert woken(waking.android) == [token_of(PHONE), token_of(TABLET)]
    assert sorted(await waking.rows(), key=lambda row: str(row["device"])) == [
        submitted(PHONE),
        submitted(TABLET),
    ]


async def test_of_somebody_whose_connected_device_says_nothing_the_others_are_woken_too(
    waking: Waking,
) -> None:
    await waking.world.customers.touch(TABLET, now(), push_token="")  # a page that nothing could wake
    await connect(waking, TABLET)
    await done(waking.processor, await looked_at(waking, PHONE))
    assert woken(waking.android) == [token_of(PHONE)]


async def test_while_receipts_wait_nobody_is_doubted_unless_they_do_so_for_long(waking: Waking) -> None:
    await connect(waking, PHONE, TABLET)
    look = await looked_at(waking, PHONE, TABLET)
    waking.receipts_wait = True
    for _ in range(10):
        [again] = await done(waking.processor, look)
        assert (again.exchange, again.body, waking.android.sent) == ("imgw.wait.30s", look.body, [])
        look = delivery_of(again)
    assert await done(waking.processor, look) == []
    assert woken(waking.android) == [token_of(PHONE), token_of(TABLET)]


@pytest.mark.parametrize("to", ["ann", NEWS, TO_PHONE], ids=["a person", "a topic", "a device"])
@pytest.mark.parametrize("status", ["delivered", "read"])
async def test_nobody_is_woken_who_has_said_that_it_is_there(waking: Waking, to: Any, status: str) -> None:
    await connect(waking, PHONE, BOBS)
    [look] = await done(waking.processor, await waking.submit(to=to))
    for device in (PHONE, BOBS) if to == NEWS else (PHONE,):
        await say(waking, status, device)
    assert await done(waking.processor, delivery_of(look)) == []
    assert (waking.android.sent, waking.web.sent, await waking.rows()) == ([], [], [])


async def test_of_the_followers_of_a_topic_those_are_woken_who_have_said_nothing(waking: Waking) -> None:
    await connect(waking, PHONE, BOBS)
    [look] = await done(waking.processor, await waking.submit(to=NEWS))
    assert look == look_at(PHONE, TABLET, BOBS)
    await say(waking, "delivered", PHONE)
    assert await done(waking.processor, delivery_of(look)) == []
    assert (woken(waking.android), woken(waking.web)) == ([], [token_of(BOBS)])


async def test_who_is_away_is_woken_at_once_and_not_again(waking: Waking) -> None:
    await connect(waking, BOBS)
    look = await looked_at(waking, BOBS, to=NEWS)
    assert (woken(waking.android), woken(waking.web)) == ([token_of(PHONE), token_of(TABLET)], [])
    await connect(waking, PHONE)
    await done(waking.processor, look)
    assert (woken(waking.android), woken(waking.web)) == (
        [token_of(PHONE), token_of(TABLET)],
        [token_of(BOBS)],
    )


async def test_what_is_for_one_device_is_looked_at_for_that_one_alone(waking: Waking) -> None:
    await connect(waking, PHONE, TABLET)
    await done(waking.processor, await looked_at(waking, PHONE, to=TO_PHONE))
    assert woken(waking.android) == [token_of(PHONE)]


async def test_a_device_that_came_since_is_not_woken(waking: Waking) -> None:
    await connect(waking, PHONE)
    look = await looked_at(waking, PHONE, TABLET)
    await register(waking.world, Device("shop", "ann", "watch"), "android")
    await done(waking.processor, look)
    assert woken(waking.android) == [token_of(PHONE), token_of(TABLET)]


async def test_nobody_is_looked_at_again_whom_nothing_could_wake(waking: Waking) -> None:
    for device in (PHONE, TABLET):
        await waking.world.customers.touch(device, now(), push_token="")
    await connect(waking, PHONE, TABLET)
    assert await done(waking.processor, await waking.submit()) == []


async def test_each_page_of_followers_is_looked_at_again_for_itself(
    waking: Waking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processors.rtm.wakeups.PAGE", 1)
    await connect(waking, PHONE, BOBS)
    first, rest = await done(waking.processor, await waking.submit(to=NEWS))
    assert first == look_at(PHONE, TABLET)
    second, end = await done(waking.processor, delivery_of(rest))
    assert second == look_at(BOBS)
    assert await done(waking.processor, delivery_of(end)) == []
    for look in (first, second):
        assert await done(waking.processor, delivery_of(look)) == []
    assert woken(waking.android) == [token_of(PHONE), token_of(TABLET)]
    assert woken(waking.web) == [token_of(BOBS)]


async def test_what_a_service_does_not_take_then_is_tried_again_as_ever_and_looked_at_no_more(
    waking: Waking,
) -> None:
    await connect(waking, PHONE)
    look = await looked_at(waking, PHONE, to=TO_PHONE)
    waking.android.answers = [failure(FailureKind.TRANSIENT)]
    [again] = await done(waking.processor, look)
    assert again.exchange == "imgw.wait.5s"
    assert await done(waking.processor, delivery_of(again)) == []
    assert woken(waking.android) == [token_of(PHONE)] * 2
    assert await waking.rows() == [submitted(PHONE)]


async def test_who_has_said_so_while_a_service_was_away_is_not_woken_any_more(waking: Waking) -> None:
    await connect(waking, BOBS)
    look = await looked_at(waking, BOBS, to=NEWS)
    waking.web.answers = [failure(FailureKind.THROTTLED)]
    [again] = await done(waking.processor, look)
    await say(waking, "delivered", BOBS)
    assert await done(waking.processor, delivery_of(again)) == []
    assert woken(waking.web) == [token_of(BOBS)]  # that once


async def test_who_connects_while_a_service_is_away_is_not_looked_at_again(waking: Waking) -> None:
    waking.android.answers = [failure(FailureKind.TRANSIENT)]
    [again] = await done(waking.processor, await waking.submit(to=TO_PHONE))
    await connect(waking, PHONE)
    assert await done(waking.processor, delivery_of(again)) == []


async def test_a_second_look_that_comes_twice_wakes_once(waking: Waking) -> None:
    await connect(waking, PHONE)
    look = await looked_at(waking, PHONE, to=TO_PHONE)
    for _ in range(2):
        await done(waking.processor, look)
    assert woken(waking.android) == [token_of(PHONE)]


async def test_nobody_is_woken_then_for_what_has_expired(
    waking: Waking, monkeypatch: pytest.MonkeyPatch
) -> None:
    await connect(waking, PHONE)
    look = await looked_at(waking, PHONE, TABLET, validity_seconds=20)
    monkeypatch.setattr("processors.rtm.wakeups.now", lambda: now() + timedelta(seconds=30))
    assert await done(waking.processor, look) == []
    assert waking.android.sent == []


async def test_where_so_many_have_said_so_that_no_more_are_kept_nobody_is_looked_at_again(
    waking: Waking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processors.rtm.wakeups.MAX_DEVICES", 2)
    await connect(waking, PHONE, BOBS)
    wake = await waking.submit(to=NEWS)
    [look] = await done(waking.processor, wake)
    record = await waking.world.record()
    said = {f"reader-{number}/phone": Status.DELIVERED for number in range(2)}
    change = Change(record.status, record.attempt, devices=said)
    assert await waking.world.transactions.move(record, change) is not None
    assert await done(waking.processor, delivery_of(look)) == []
    assert await done(waking.processor, wake) == []
    assert (waking.android.sent, waking.web.sent) == ([], [])


def test_a_wake_up_that_is_none_of_these_can_be_read_by_the_version_before() -> None:
    first = wake_publication(WakeUp(app_id="shop", message_id="m-1"), {})
    assert first.body == b'{"app_id":"shop","message_id":"m-1"}'
