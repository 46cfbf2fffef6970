"""Receipts of devices: for their own messages only, of each device once, and heard of by others."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.broker.port import Delivery
from gateway.errors import FailureKind, ProviderError
from gateway.model.base import event_id, now, rfc3339
from gateway.model.receipt import Status, permanent
from gateway.rtm.names import Device
from gateway.rtm.refusals import REFUSALS
from gateway.store.records import Claim, MTRecord
from processors.reports import outcome_publication
from processors.rtm.receipts import MAX_DEVICES
from tests.processors.conftest import World, done
from tests.processors.fakes import again, delivery_of, seen
from tests.processors.rtm_world import (
    BOBS,
    PHONE,
    TABLET,
    TRACE,
    answer,
    configure,
    downlinks,
    others,
    receipt_of,
    refusals,
    to_ann,
    to_topic,
)

pytestmark = pytest.mark.mongodb

AWAY = ProviderError(FailureKind.TRANSIENT, reason="provider_unavailable", code="connection")
STRANGER = Device("shop", "eve", "phone")


@pytest.fixture
async def sent(rtm: World) -> World:
    """A world in which one MT was sent to Ann."""
    await done(rtm.mt, to_ann())
    return rtm


def _now(delivery: Delivery) -> Delivery:
    """The same, received now: after the MT was."""
    return replace(delivery, headers={**delivery.headers, "x-received-at": rfc3339(now())})


async def _told(world: World, *deliveries: Delivery) -> list[tuple[str, bool, str | None]]:
    """What the platform is told: the status, whether it is final, and by which device."""
    rows = [row for each in deliveries for row in seen(others(await done(world.dr, _now(each))))]
    return [(dr["status"], dr["final"], dr.get("device")) for _, dr in rows]


def _refused(code: str, device: Device, id: str = "m-1") -> list[dict[str, Any]]:
    payload = {"type": "refused", "of": id, "code": code, "detail": REFUSALS[code][0]}
    return [answer(payload, device)]


async def _devices(world: World, reference: str = "shop/m-1") -> dict[str, Status]:
    return dict((await world.record(reference)).devices)


async def test_the_first_device_delivers_and_the_first_read_reads(sent: World) -> None:
    told = await _told(
        sent,
        receipt_of("delivered", TABLET),
        receipt_of("delivered", PHONE, key="r-2"),
        receipt_of("read", PHONE, key="r-3"),
        receipt_of("read", TABLET, key="r-4"),
    )
    assert told == [("delivered", True, "ann/tablet"), ("read", False, "ann/phone")]
    assert await _devices(sent) == {"ann/tablet": Status.READ, "ann/phone": Status.READ}


async def test_a_devices_own_progress_never_goes_back(sent: World) -> None:
    await _told(sent, receipt_of("read"), receipt_of("delivered", key="r-2"))
    assert await _devices(sent) == {"ann/phone": Status.READ}


async def test_an_event_is_the_same_for_the_same_news_of_the_same_device(sent: World) -> None:
    [(_, dr)] = seen(await done(sent.dr, receipt_of("delivered")))
    assert dr["event_id"] == event_id("shop", "m-1", "delivered", "ann/phone")


async def test_two_devices_at_the_same_time_are_both_kept(sent: World) -> None:
    deliveries = [receipt_of("read", device, key=device.device_id) for device in (PHONE, TABLET)]
    results = await asyncio.gather(*(done(sent.dr, delivery) for delivery in deliveries))
    told = [dr["status"] for published in results for _, dr in seen(published)]
    assert sorted(told) == ["delivered", "read"]
    assert await _devices(sent) == {"ann/phone": Status.READ, "ann/tablet": Status.READ}


async def test_a_receipt_that_may_not_have_been_passed_on_is_passed_on_again(sent: World) -> None:
    configure(sent, device_sync=True)
    delivery = receipt_of("read")
    first = await done(sent.dr, delivery)
    second = await done(sent.dr, again(delivery))
    assert others(second) == others(first)
    assert (downlinks(second), len(downlinks(first))) == (downlinks(first), 1)


async def test_the_same_receipt_twice_is_told_to_nobody_twice(sent: World) -> None:
    configure(sent, device_sync=True)
    await done(sent.dr, receipt_of("read"))
    assert await done(sent.dr, receipt_of("read", key="r-2")) == []


async def test_what_there_is_not_is_refused_at_once(sent: World) -> None:
    published = await done(sent.dr, receipt_of("read", id="m-9"))
    assert (others(published), downlinks(published)) == ([], _refused("unknown_message", PHONE, "m-9"))
    assert published[0].headers == TRACE
    assert refusals(sent.metrics) == {"unknown_message": 1}


@pytest.mark.parametrize(
    ("to", "device", "own"),
    [
        ("ann", PHONE, True),
        ("ann", BOBS, False),
        ("ann", Device("attic", "ann", "phone"), False),
        ({"kind": "device", "id": "ann/phone"}, PHONE, True),
        ({"kind": "device", "id": "ann/phone"}, TABLET, False),
        ({"kind": "topic", "id": "news"}, BOBS, True),
        ({"kind": "topic", "id": "news - sport"}, BOBS, True),
        ({"kind": "topic", "id": "news - sport"}, PHONE, False),
        ({"kind": "topic", "id": "news"}, STRANGER, False),
        ({"kind": "topic", "id": "sport'"}, STRANGER, True),
    ],
)
async def test_a_device_speaks_for_its_own_messages_only(
    rtm: World, to: Any, device: Device, own: bool
) -> None:
    await done(rtm.mt, to_ann(to=to))
    published = await done(rtm.dr, receipt_of("delivered", device))
    record = await rtm.record()
    if own:
        assert (record.status, record.devices) == (
            Status.DELIVERED,
            {f"{device.user_id}/{device.device_id}": Status.DELIVERED},
        )
    else:
        code = "unknown_message" if device.app_id == "shop" else "unknown_application"
        assert (record.status, record.devices) == (Status.SUBMITTED, {})
        assert (others(published), downlinks(published)) == ([], _refused(code, device))


async def test_a_receipt_for_an_application_that_was_just_made_counts(rtm: World) -> None:
    await done(rtm.mt, to_ann())
    rtm.news = rtm.catalogue
    rtm.catalogue = replace(rtm.catalogue, applications={})
    await done(rtm.dr, receipt_of("delivered"))
    assert (await rtm.record()).status is Status.DELIVERED


async def test_what_nobody_was_sent_yet_is_nobodys_to_report(rtm: World) -> None:
    """Else who guesses an id could keep it from all others."""
    rtm.limiter.set_backlog("rtm-1", True)
    [lane] = await done(rtm.mt, to_topic())
    published = await done(rtm.dr, receipt_of("read", BOBS))
    assert downlinks(published) == _refused("unknown_message", BOBS)
    rtm.limiter.set_backlog("rtm-1", False)
    assert [dr["status"] for _, dr in seen(await rtm.follow([lane]))] == ["submitted"]


async def test_what_is_being_sent_to_one_person_can_be_reported(rtm: World) -> None:
    await done(rtm.mt, to_ann(message_id="m-0"))
    await _under_way(rtm, await rtm.record("shop/m-0"))
    assert await _told(rtm, receipt_of("delivered")) == [("delivered", True, "ann/phone")]


async def test_a_receipt_waits_while_the_others_of_a_topic_are_still_sent_to(rtm: World) -> None:
    await done(rtm.mt, to_topic(message_id="m-0"))
    await _under_way(rtm, await rtm.record("shop/m-0"))
    waits = []
    [wait] = await done(rtm.dr, receipt_of("read", BOBS))
    for _ in range(4):
        waits.append(wait.exchange)
        [wait] = await done(rtm.dr, delivery_of(wait))
    assert waits == ["imgw.wait.1s", "imgw.wait.5s", "imgw.wait.30s", "imgw.wait.30s"]
    assert (await rtm.record()).status is Status.SENDING


async def test_a_topic_that_failed_half_way_is_sent_to_all_and_then_reported(rtm: World) -> None:
    rtm.mqtt._failures.append(AWAY)
    [wait] = await done(rtm.mt, to_topic())
    [later] = await done(rtm.dr, receipt_of("delivered", BOBS))
    told = await rtm.follow([wait, later])
    assert [dr["status"] for _, dr in seen(others(told))] == ["submitted", "delivered"]
    assert len(rtm.mqtt.published) == 2


async def test_a_clock_that_is_ahead_does_not_count(sent: World) -> None:
    [(_, dr)] = seen(await done(sent.dr, _now(receipt_of("delivered", at="2099-01-01T00:00:00Z"))))
    record = await sent.record()
    assert record.accepted_at <= record.told[Status.DELIVERED]["occurred_at"] <= now()
    assert dr["occurred_at"] == rfc3339(record.told[Status.DELIVERED]["occurred_at"])


async def test_a_clock_that_is_behind_does_not_put_it_before_the_message(sent: World) -> None:
    [(_, dr)] = seen(await done(sent.dr, _now(receipt_of("delivered", at="1970-01-01T00:00:00Z"))))
    assert dr["occurred_at"] == rfc3339((await sent.record()).accepted_at)


async def test_a_receipt_that_was_kept_for_a_while_says_when_it_was(sent: World) -> None:
    at = (await sent.record()).accepted_at + timedelta(milliseconds=1)
    later = {"x-received-at": rfc3339(at + timedelta(hours=1))}
    delivery = receipt_of("delivered", at=rfc3339(at))
    [(_, dr)] = seen(await done(sent.dr, replace(delivery, headers={**delivery.headers, **later})))
    assert dr["occurred_at"] == rfc3339(at)


def _echo(device: Device, status: str, at: str, **whom: str) -> dict[str, Any]:
    return {
        "account": "rtm-1",
        "kind": "sync",
        "app_id": "shop",
        **whom,
        "payload": {
            "type": "receipt",
            "message_id": "m-1",
            "status": status,
            "from": {"user_id": device.user_id, "device_id": device.device_id},
            "at": at,
        },
    }


async def test_a_persons_other_devices_hear_of_it_where_the_application_wants_that(sent: World) -> None:
    assert downlinks(await done(sent.dr, receipt_of("delivered"))) == []
    configure(sent, device_sync=True)
    published = await done(sent.dr, receipt_of("read", key="r-2"))
    at = rfc3339((await sent.record()).accepted_at)
    assert downlinks(published) == [_echo(PHONE, "read", at, user_id="ann")]


async def test_all_who_follow_the_topics_hear_of_it_always(rtm: World) -> None:
    await done(rtm.mt, to_topic("news || sport"))
    published = await done(rtm.dr, receipt_of("delivered", BOBS))
    at = rfc3339((await rtm.record()).accepted_at)
    assert downlinks(published) == [_echo(BOBS, "delivered", at, audience="news || sport")]


async def test_of_the_devices_of_a_topic_so_many_are_kept_and_heard_of(rtm: World) -> None:
    await done(rtm.mt, to_topic())
    for number in range(MAX_DEVICES):
        await done(rtm.dr, receipt_of("delivered", Device("shop", "ann", f"d{number}"), key=f"r-{number}"))
    one_more = await done(rtm.dr, receipt_of("delivered", BOBS, key="more"))
    kept = await _devices(rtm)
    assert (one_more, len(kept), "bob/phone" in kept) == ([], MAX_DEVICES, False)
    assert len(await rtm.inbound.receipts_of("shop/m-1")) == MAX_DEVICES + 1
    assert await _told(rtm, receipt_of("read", BOBS, key="r")) == [("read", False, "bob/phone")]


async def test_every_receipt_is_logged_with_whose_it_is(sent: World) -> None:
    await done(sent.dr, receipt_of("delivered"))
    [logged] = await sent.inbound.receipts_of("shop/m-1")
    assert (logged["person"], logged["status"], logged["outcome"]) == ("shop/ann", "delivered", "applied")


async def test_a_receipt_after_the_end_is_late(sent: World) -> None:
    await _ended(sent)
    told = await done(sent.dr, receipt_of("delivered"))
    assert [(dr["status"], dr["final"], dr["late"]) for _, dr in seen(told)] == [("delivered", False, True)]


async def _under_way(world: World, like: MTRecord) -> None:
    """Somebody is sending m-1 right now."""
    claim = Claim("another process", now() + timedelta(seconds=60))
    one = replace(like, message_id="m-1", status=Status.SENDING, claim=claim, provider_message_ids=())
    await world.transactions.insert(one)


async def _ended(world: World) -> None:
    record = await world.record()
    expired = outcome_publication(record, Status.EXPIRED, permanent("no_receipt_in_time"), 1, {})
    await world.follow([expired])
