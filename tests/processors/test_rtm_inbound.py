"""MO of the in-app channel: whose, in which thread, and who hears of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from gateway.broker.port import Publication
from gateway.model.base import event_id, now
from gateway.model.callback import CallbackItem
from gateway.rtm.names import Device
from gateway.rtm.refusals import REFUSALS
from gateway.store.threads import ThreadRecord
from processors.rtm.conversations import implicit_of_topics, implicit_of_user
from tests.processors.conftest import World, dead, done
from tests.processors.fakes import again, seen
from tests.processors.rtm_world import (
    BOBS,
    PHONE,
    RECEIVED_AT,
    TABLET,
    TRACE,
    answer,
    configure,
    downlinks,
    others,
    refusals,
    thread,
    up,
)

pytestmark = pytest.mark.mongodb

EVE = Device("shop", "eve", "laptop")


def _named(record: ThreadRecord) -> dict[str, Any]:
    return record.as_named.model_dump(exclude_none=True)


def _own(title: str | None = None) -> dict[str, Any]:
    return _named(implicit_of_user("shop", "ann", "conversation", now(), title))


def _about(topic: str, title: str | None = None) -> dict[str, Any]:
    return _named(implicit_of_topics("shop", topic, "conversation", now(), title))


def _mo(publications: list[Publication]) -> dict[str, Any]:
    [(_, mo)] = seen(others(publications))
    return mo


def _refused(code: str, device: Device = PHONE, of: str = "c-1") -> list[dict[str, Any]]:
    payload = {"type": "refused", "of": of, "code": code, "detail": REFUSALS[code][0]}
    return [answer(payload, device)]


async def test_an_mo_goes_to_its_own_application_in_normal_form(rtm: World) -> None:
    published = await done(rtm.mo, up(in_reply_to="m-1", sent_at="2026-11-22T09:59:59Z"))
    [(key, mo)] = seen(published)
    mo_id = mo.pop("mo_id")
    assert (key, len(mo_id), published[0].headers) == ("mo.shop.rtm", 36, TRACE)
    assert mo == {
        "event_id": event_id("rtm-1", "shop/ann/phone/c-1"),
        "app_id": "shop",
        "channel": "rtm",
        "account": "rtm-1",
        "provider": "rtm",
        "provider_message_id": "shop/ann/phone/c-1",
        "from": {"kind": "user_id", "id": "ann"},
        "device": "phone",
        "content": {"type": "text", "text": "hi"},
        "thread": _own(),
        "in_reply_to": "m-1",
        "edited": False,
        "deleted": False,
        "sent_at": "2026-11-22T09:59:59.000Z",
        "received_at": RECEIVED_AT,
    }
    logged = await rtm.inbound.get_mo("rtm-1", "shop/ann/phone/c-1")
    assert logged is not None
    assert (logged.mo_id, logged.thread_key, logged.user_id) == (mo_id, f"shop/{_own()['id']}", "ann")


async def test_an_mo_is_kept_as_long_as_its_application_says_and_goes_to_its_stream(rtm: World) -> None:
    configure(rtm, retention_days=7, stream="support")
    [(key, _)] = seen(await done(rtm.mo, up()))
    logged = await rtm.inbound.get_mo("rtm-1", "shop/ann/phone/c-1")
    assert logged is not None
    assert (key, logged.retention_days) == ("mo.shop.rtm.support", 7)


@pytest.mark.parametrize("application", [{"enabled": False}, {"accounts": ("other",)}])
async def test_an_application_that_may_not_take_it_is_as_unknown(
    rtm: World, application: dict[str, Any]
) -> None:
    configure(rtm, **application)
    published = await done(rtm.mo, up(answer=True))
    assert (others(published), downlinks(published)) == ([], _refused("unknown_application"))


async def test_an_application_that_was_just_made_is_served(rtm: World) -> None:
    rtm.news = rtm.catalogue
    rtm.catalogue = replace(rtm.catalogue, applications={})
    [(key, _)] = seen(await done(rtm.mo, up()))
    assert key == "mo.shop.rtm"


async def test_an_application_that_there_is_not_is_refused_to_its_device(rtm: World) -> None:
    stranger = Device("attic", "ann", "phone")
    published = await done(rtm.mo, up(stranger, answer=True))
    assert (others(published), downlinks(published)) == ([], _refused("unknown_application", stranger))
    assert (refusals(rtm.metrics), published[0].headers) == ({"unknown_application": 1}, TRACE)


async def test_who_writes_for_the_first_time_is_known_from_then_on(rtm: World) -> None:
    await done(rtm.mo, up(EVE))
    eve = await rtm.customers.get("shop", "eve")
    assert eve is not None
    assert [device.device_id for device in eve.devices] == ["laptop"]


async def test_a_new_device_of_somebody_known_is_known_from_then_on(rtm: World) -> None:
    await done(rtm.mo, up(Device("shop", "bob", "watch")))
    bob = await rtm.customers.get("shop", "bob")
    assert bob is not None
    assert sorted(device.device_id for device in bob.devices) == ["phone", "watch"]


@pytest.mark.parametrize(
    ("choice", "expected", "to"),
    [
        ({}, _own(), None),
        ({"title": "Order 1"}, _own("Order 1"), None),
        ({"topic": "news"}, _about("news"), "news"),
        ({"topic": "news", "title": "Goal"}, _about("news", "Goal"), "news"),
        ({"id": "t-1"}, {"id": "t-1", "type": "conversation", "title": "Mine"}, None),
        ({"id": "t-2"}, {"id": "t-2", "type": "conversation"}, "news & sport"),
    ],
)
async def test_a_thread_is_found_or_made(
    rtm: World, choice: dict[str, Any], expected: dict[str, Any], to: str | None
) -> None:
    await rtm.threads.ensure(thread("t-1", title="Mine"))
    await rtm.threads.ensure(thread("t-2", topic="news & sport"))
    mo = _mo(await done(rtm.mo, up(thread=choice)))
    assert (mo["thread"], mo.get("to")) == (expected, to)
    stored = await rtm.threads.get("shop", expected["id"])
    assert stored is not None
    assert (stored.user_id, stored.topic) == ((None, to) if to else ("ann", None))


@pytest.mark.parametrize(
    ("choice", "code"),
    [
        ({"id": "nowhere"}, "unknown_thread"),
        ({"id": "anns"}, "unknown_thread"),
        ({"id": "sports"}, "unknown_thread"),
        ({"id": "closed"}, "thread_closed"),
        ({"id": "announced"}, "thread_one_way"),
        ({"topic": "weather"}, "unknown_topic"),
        ({"topic": "sport"}, "unknown_topic"),
    ],
)
async def test_a_thread_that_is_not_open_to_this_person_is_refused(
    rtm: World, choice: dict[str, Any], code: str
) -> None:
    await rtm.threads.ensure(thread("anns"))
    await rtm.threads.ensure(thread("sports", topic="sport"))
    await rtm.threads.ensure(thread("closed", user_id="bob", status="closed"))
    await rtm.threads.ensure(thread("announced", topic="news", type="announcement"))
    published = await done(rtm.mo, up(BOBS, answer=True, thread=choice))
    assert (others(published), downlinks(published)) == ([], _refused(code, BOBS))
    assert (refusals(rtm.metrics), await rtm.inbound.count_mo()) == ({code: 1}, 0)


async def test_a_refusal_is_told_to_who_asked_for_no_answer_too(rtm: World) -> None:
    [refusal] = downlinks(await done(rtm.mo, up(thread={"id": "nowhere"})))
    assert (refusal["payload"]["code"], refusal["device_id"]) == ("unknown_thread", "phone")


async def test_a_topic_that_is_gone_is_unknown_though_somebody_follows_it(rtm: World) -> None:
    await rtm.topics.remove("shop", "news")
    published = await done(rtm.mo, up(answer=True, thread={"topic": "news"}))
    assert downlinks(published) == _refused("unknown_topic")


async def test_a_device_that_wants_to_know_hears_that_it_was_taken(rtm: World) -> None:
    published = await done(rtm.mo, up(answer=True))
    accepted = {
        "type": "accepted",
        "of": "c-1",
        "mo_id": _mo(published)["mo_id"],
        "thread_id": _own()["id"],
    }
    assert downlinks(published) == [answer(accepted)]
    left = orjson.loads(published[-1].body)["expires_at"]
    assert timedelta(seconds=50) < datetime.fromisoformat(left) - now() <= timedelta(seconds=60)


async def test_what_is_sent_twice_is_passed_on_once_and_answered_twice(rtm: World) -> None:
    first = await done(rtm.mo, up(answer=True))
    second = await done(rtm.mo, up(answer=True, key="i-2", thread={"title": "Another"}))
    assert (len(others(first)), others(second)) == (1, [])
    assert downlinks(second) == downlinks(first)


async def test_many_at_once_with_the_same_id_are_one(rtm: World) -> None:
    results = await asyncio.gather(*(done(rtm.mo, up(key=f"i-{number}")) for number in range(10)))
    assert sum(len(others(published)) for published in results) == 1


async def test_the_same_id_of_two_devices_are_two(rtm: World) -> None:
    results = [await done(rtm.mo, up(device)) for device in (PHONE, TABLET)]
    assert [len(others(published)) for published in results] == [1, 1]


async def test_what_may_not_have_been_passed_on_is_passed_on_again_unchanged(rtm: World) -> None:
    configure(rtm, device_sync=True, stream="support")
    delivery = up(answer=True)
    first = await done(rtm.mo, delivery)
    second = await done(rtm.mo, again(delivery))
    assert others(second) == others(first)
    assert downlinks(second) == downlinks(first)
    assert len(downlinks(first)) == 2


async def test_what_was_taken_before_its_thread_was_closed_stays_taken(rtm: World) -> None:
    await rtm.threads.ensure(thread("t-1"))
    delivery = up(answer=True, thread={"id": "t-1"})
    first = await done(rtm.mo, delivery)
    await rtm.threads.update("shop", "t-1", {"status": "closed"}, now())
    second = await done(rtm.mo, again(delivery))
    assert (others(second), downlinks(second)) == (others(first), downlinks(first))
    assert downlinks(await done(rtm.mo, delivery)) == downlinks(first)


def _echo(mo: dict[str, Any], content: dict[str, Any], **whom: str) -> dict[str, Any]:
    return {
        "account": "rtm-1",
        "kind": "sync",
        "app_id": "shop",
        **whom,
        "payload": {
            "type": "mo",
            "mo_id": mo["mo_id"],
            "id": "c-1",
            "from": {"user_id": "ann", "device_id": "phone"},
            "thread": mo["thread"],
            "content": content,
            "sent_at": RECEIVED_AT,
        },
    }


TEXT = {"type": "text", "text": "hi"}


async def test_a_persons_other_devices_hear_of_it_where_the_application_wants_that(rtm: World) -> None:
    configure(rtm, device_sync=True, validity_seconds=600)
    published = await done(rtm.mo, up())
    assert downlinks(published) == [_echo(_mo(published), TEXT, user_id="ann")]
    left = orjson.loads(published[-1].body)["expires_at"]
    assert timedelta(seconds=590) < datetime.fromisoformat(left) - now() <= timedelta(seconds=600)


async def test_nobody_else_hears_of_it_where_the_application_does_not(rtm: World) -> None:
    assert downlinks(await done(rtm.mo, up())) == []


async def test_all_who_follow_a_topic_hear_of_it_always(rtm: World) -> None:
    published = await done(rtm.mo, up(thread={"topic": "news"}))
    assert downlinks(published) == [_echo(_mo(published), TEXT, audience="news")]


async def test_that_somebody_types_is_passed_on_and_is_no_message_of_the_thread(rtm: World) -> None:
    configure(rtm, device_sync=True)
    published = await done(rtm.mo, up(content={"type": "typing"}))
    mo = _mo(published)
    assert mo["content"] == {"type": "event", "name": "typing", "details": {}}
    assert downlinks(published) == [_echo(mo, {"type": "typing"}, user_id="ann")]
    left = orjson.loads(published[-1].body)["expires_at"]
    assert left == "2026-11-22T10:00:30.000Z"  # half a minute after it came in
    logged = await rtm.inbound.get_mo("rtm-1", "shop/ann/phone/c-1")
    assert logged is not None
    assert (logged.thread_key, logged.user_id) == (None, "ann")


async def test_an_item_that_cannot_be_read_is_dead_without_quoting_it(rtm: World) -> None:
    outcome = await dead(rtm.mo, up(content={"type": "SECRET-WORDS"}))
    assert (outcome.reason, "SECRET" in outcome.detail) == ("unreadable_message", False)


async def test_an_mo_without_a_device_is_none(rtm: World, monkeypatch: pytest.MonkeyPatch) -> None:
    handler = rtm.catalogue.handlers["rtm-1"]
    [message] = handler.parse_mo(CallbackItem("mo", up().body))
    monkeypatch.setattr(type(handler), "parse_mo", lambda *_: [message.model_copy(update={"origin": None})])
    assert await done(rtm.mo, up()) == []
