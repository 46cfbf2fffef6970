"""/v1/applications/…/customers: people in batches, found, and deleted with everything about them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.errors import StoreUnavailable
from gateway.model.base import rfc3339
from gateway.rtm.names import Device
from gateway.rtm.refusals import RtmRefused
from gateway.store.connect import Database
from gateway.store.threads import ThreadRecord
from gateway.store.topics import TopicRecord
from tests.integration.api_customers import ALL, ATTRIBUTES, person, upsert
from tests.integration.api_site import RTM, SHOP, Site, configure, open_site

pytestmark = pytest.mark.mongodb

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.fixture
async def site(database: Database) -> AsyncIterator[Site]:
    async with open_site(database) as site:
        await configure(site, {**SHOP, "attributes": ATTRIBUTES})
        yield site


async def attributes_of(site: Site, user_id: str) -> Any:
    return (await site.get(f"{ALL}/{user_id}"))["attributes"]


async def test_people_are_added_and_changed(site: Site) -> None:
    given = person("ann", city="York", age=41, weight=60.5, member=True, since="2026-11-22T11:00:00+01:00")
    assert await upsert(site, given, {"user_id": "bob"}) == [
        {"user_id": "ann", "outcome": "created"},
        {"user_id": "bob", "outcome": "created"},
    ]
    assert await upsert(site, person("ann", city="Leeds", age=None, anything=[1, "two", False])) == [
        {"user_id": "ann", "outcome": "changed"}
    ]
    assert await attributes_of(site, "ann") == {
        "city": "Leeds",
        "weight": 60.5,
        "member": True,
        "since": "2026-11-22T10:00:00.000Z",
        "anything": [1, "two", False],
    }
    assert await attributes_of(site, "bob") == {}


@pytest.mark.parametrize(
    "attributes",
    [
        {"city": 7},
        {"city": ["York"]},
        {"age": 4.5},
        {"age": "41"},
        {"age": True},
        {"age": 2**63},
        {"weight": "60"},
        {"weight": False},
        {"member": "true"},
        {"member": 1},
        {"since": "yesterday"},
        {"since": 1_700_000_000},
        {"since": "2026-11-22T10:00:00"},
        {"free": {"a": 1}},
        {"free": [[1]]},
        {"free": [None]},
        {"a.b": 1},
        {"$set": 1},
        {"": 1},
        {"x" * 65: 1},
        {"free": "x" * 16_384},
        {f"a{number}": 1 for number in range(65)},
    ],
)
async def test_one_whose_attributes_are_wrong_is_refused_and_the_others_go_through(
    site: Site, attributes: dict[str, Any]
) -> None:
    bad, good = await upsert(site, person("ann", **attributes), person("bob", city="York"))
    assert (bad["user_id"], bad["outcome"], bad["code"]) == ("ann", "refused", "invalid_attribute")
    assert len(bad["detail"]) < 200
    assert good == {"user_id": "bob", "outcome": "created"}
    assert await site.refused("GET", f"{ALL}/ann") == (404, "unknown_user")


@pytest.mark.parametrize(
    "customer",
    [
        person("a b"),
        person(""),
        person("x" * 129),
        person("ann/phone"),
        person("ann\n"),
        person(None),
        {"attributes": {}},
        {"user_id": "ann", "name": "Ann"},
        {"user_id": "ann", "attributes": []},
        7,
        None,
    ],
)
async def test_one_that_is_none_is_refused_and_the_others_go_through(site: Site, customer: Any) -> None:
    bad, good = await upsert(site, customer, person("bob"))
    assert (bad["outcome"], bad["code"], "user_id" in bad) == ("refused", "invalid_payload", False)
    assert good == {"user_id": "bob", "outcome": "created"}


async def test_somebody_who_is_named_twice_is_taken_once(site: Site) -> None:
    first, second = await upsert(site, person("ann", city="York"), person("ann", city="Leeds"))
    assert (first["outcome"], second["outcome"], second["code"]) == ("created", "refused", "invalid_payload")
    assert await attributes_of(site, "ann") == {"city": "York"}


async def test_attributes_are_bounded_with_those_that_are_there_already(site: Site) -> None:
    first = {f"a{number}": number for number in range(64)}
    assert [each["outcome"] for each in await upsert(site, person("ann", **first))] == ["created"]
    assert [each["outcome"] for each in await upsert(site, person("ann", b=1))] == ["refused"]
    assert [each["outcome"] for each in await upsert(site, person("ann", b=1, a0=None))] == ["changed"]


async def test_a_batch_has_up_to_a_hundred(site: Site) -> None:
    people = [person(f"user-{number}") for number in range(100)]
    assert {each["outcome"] for each in await upsert(site, *people)} == {"created"}
    for batch in ([], [*people, person("one-more")]):
        assert await site.refused("POST", ALL, {"customers": batch}) == (400, "invalid_payload")


async def test_the_same_people_may_be_added_by_several_at_once(site: Site) -> None:
    people = [person(f"user-{number}", city="York") for number in range(20)]
    rounds = await asyncio.gather(*(upsert(site, *people) for _ in range(4)))
    created = [each["user_id"] for outcomes in rounds for each in outcomes if each["outcome"] == "created"]
    assert sorted(created) == sorted(each["user_id"] for each in people)


async def test_devices_are_shown_without_their_push_tokens(site: Site) -> None:
    device = Device("shop", "ann", "phone")
    await site.customers.touch(device, AT, platform="ios", push_token="t0ken-for-push", app_version="1.2")
    await site.customers.touch(Device("shop", "ann", "web"), AT)
    ann = await site.get(f"{ALL}/ann")
    at = rfc3339(AT)
    assert sorted(ann["devices"], key=lambda each: each["device_id"]) == [
        {
            "device_id": "phone",
            "platform": "ios",
            "app_version": "1.2",
            "has_push_token": True,
            "online": False,
            "last_seen_at": at,
        },
        {"device_id": "web", "has_push_token": False, "online": False, "last_seen_at": at},
    ]
    assert (ann["created_at"], ann["topics"]) == (at, [])


async def test_an_id_may_hold_what_must_be_escaped(site: Site) -> None:
    await upsert(site, person("ann@example.com+1=2"))
    assert (await site.get(f"{ALL}/ann%40example.com%2B1%3D2"))["user_id"] == "ann@example.com+1=2"


async def test_a_device_is_deleted_and_dismissed_at_the_broker(site: Site) -> None:
    for name in ("phone", "web"):
        await site.customers.touch(Device("shop", "ann", name), AT)
    assert (await site.ask("DELETE", f"{ALL}/ann/devices/phone")).status == 204
    assert site.door.dismissed == [("rtm-1", Device("shop", "ann", "phone"))]
    assert [each["device_id"] for each in (await site.get(f"{ALL}/ann"))["devices"]] == ["web"]
    assert await site.refused("DELETE", f"{ALL}/ann/devices/phone") == (404, "unknown_device")
    assert await site.refused("DELETE", f"{ALL}/bob/devices/phone") == (404, "unknown_user")


async def test_a_person_is_deleted_with_everything_about_them(site: Site) -> None:
    for name in ("phone", "web"):
        await site.customers.touch(Device("shop", "ann", name), AT)
    await upsert(site, person("ann", city="York"), person("bob", city="York"))
    await site.threads.ensure(ThreadRecord("shop", "t-1", "conversation", AT, AT, user_id="ann"))
    assert (await site.ask("DELETE", f"{ALL}/ann")).status == 204
    assert [device.device_id for _, device in site.door.dismissed] == ["phone", "web"]
    assert await site.refused("GET", f"{ALL}/ann") == (404, "unknown_user")
    assert await site.threads.get("shop", "t-1") is None
    found = await site.get(f"{ALL}?attribute=city&value=York")
    assert [each["user_id"] for each in found["items"]] == ["bob"]
    assert await site.refused("DELETE", f"{ALL}/ann") == (404, "unknown_user")


async def test_a_device_is_dismissed_wherever_it_may_have_a_login(site: Site) -> None:
    second = {**RTM, "account": "rtm-2", "url": "mqtt://second.example"}
    accounts = [RTM, second, {**RTM, "account": "rtm-3", "enabled": False}]
    await configure(site, SHOP, accounts=accounts)
    await site.customers.touch(Device("shop", "ann", "phone"), AT)
    await site.ask("DELETE", f"{ALL}/ann")
    assert [account for account, _ in site.door.dismissed] == ["rtm-1", "rtm-2"]


@pytest.mark.parametrize("refusal", [RtmRefused("unavailable"), StoreUnavailable("away")])
async def test_nobody_is_forgotten_while_their_devices_cannot_be_dismissed(
    site: Site, refusal: Exception
) -> None:
    await site.customers.touch(Device("shop", "ann", "phone"), AT)
    site.door.refusal = refusal
    for path in (f"{ALL}/ann", f"{ALL}/ann/devices/phone"):
        answer = await site.ask("DELETE", path)
        assert (answer.status, answer.body["code"], answer.headers["Retry-After"]) == (
            503,
            "unavailable",
            "5",
        )
    assert [each["device_id"] for each in (await site.get(f"{ALL}/ann"))["devices"]] == ["phone"]


async def test_the_threads_of_a_person_are_listed_with_those_of_their_topics(site: Site) -> None:
    await upsert(site, person("ann"), person("bob"))
    await site.topics.add(TopicRecord("shop", "news", AT))
    await site.customers.follow("shop", "news", ["ann"], AT)
    for number, whose in enumerate(["ann", "bob", "ann"]):
        later = AT + timedelta(seconds=number)
        await site.threads.ensure(
            ThreadRecord("shop", f"t-{number}", "conversation", later, later, user_id=whose)
        )
    await site.threads.ensure(ThreadRecord("shop", "t-9", "announcement", AT, AT, topic="news"))
    first = await site.get(f"{ALL}/ann/threads?limit=2")
    second = await site.get(f"{ALL}/ann/threads?limit=2&cursor={first['next']}")
    pages = [[each["thread_id"] for each in page["items"]] for page in (first, second)]
    assert pages == [["t-0", "t-2"], ["t-9"]]
    assert (await site.get(f"{ALL}/ann/threads?status=closed"))["items"] == []
    assert await site.refused("GET", f"{ALL}/cay/threads") == (404, "unknown_user")
