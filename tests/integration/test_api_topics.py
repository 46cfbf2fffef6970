"""/v1/applications/…/topics: topics made and removed, and people who follow them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.rtm.names import Device
from gateway.store.connect import Database
from gateway.store.topics import TopicRecord
from tests.integration.api_site import Site, configure, open_site

pytestmark = pytest.mark.mongodb

ALL, ONE = "/applications/shop/topics", "/applications/shop/topics/news"
SUBSCRIBERS = f"{ONE}/subscribers"
AT = datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.fixture
async def site(database: Database) -> AsyncIterator[Site]:
    async with open_site(database) as site:
        await configure(site)
        yield site


async def followers(site: Site) -> list[str]:
    return [each["user_id"] for each in (await site.get(SUBSCRIBERS))["items"]]


async def with_people(site: Site, *user_ids: str) -> None:
    await site.topics.add(TopicRecord("shop", "news", AT))
    for user_id in user_ids:
        await site.customers.touch(Device("shop", user_id, "phone"), AT)


async def test_a_topic_is_made_once(site: Site) -> None:
    topic = {"topic": "news", "description": "What is new", "group": "press", "open": False}
    made = await site.ask("POST", ALL, topic)
    assert (made.status, made.body) == (201, {**topic, "created_at": made.body["created_at"]})
    assert await site.get(ONE) == made.body
    assert await site.refused("POST", ALL, {"topic": "news"}) == (409, "already_exists")
    answers = await asyncio.gather(*(site.ask("POST", ALL, {"topic": "sport"}) for _ in range(5)))
    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409, 409]


@pytest.mark.parametrize(
    "topic",
    [
        {},
        {"topic": "News"},
        {"topic": "a/b"},
        {"topic": "#"},
        {"topic": "x" * 65},
        {"topic": "news", "colour": "red"},
        {"topic": "news", "open": "sometimes"},
        {"topic": "news", "description": ""},
    ],
)
async def test_a_topic_that_is_none_is_refused(site: Site, topic: dict[str, Any]) -> None:
    assert await site.refused("POST", ALL, topic) == (400, "invalid_payload")


async def test_topics_are_listed_in_pages_and_by_group(site: Site) -> None:
    for number in range(4):
        group = "odd" if number % 2 else "even"
        await site.topics.add(TopicRecord("shop", f"t-{number}", AT, group=group))
    await site.topics.add(TopicRecord("other", "t-9", AT))
    first = await site.get(f"{ALL}?limit=3")
    second = await site.get(f"{ALL}?limit=3&cursor={first['next']}")
    pages = [[each["topic"] for each in page["items"]] for page in (first, second)]
    assert pages == [["t-0", "t-1", "t-2"], ["t-3"]]
    assert "next" not in second
    odd = await site.get(f"{ALL}?group=odd")
    assert [each["topic"] for each in odd["items"]] == ["t-1", "t-3"]


async def test_people_follow_a_topic_and_no_longer(site: Site) -> None:
    await with_people(site, "ann", "bob", "cay")
    added = await site.ask("POST", SUBSCRIBERS, {"add": ["ann", "bob", "nobody", "ann"]})
    assert (added.status, added.body) == (200, {"unknown": ["nobody"]})
    assert await followers(site) == ["ann", "bob"]
    assert (await site.get("/applications/shop/customers/ann"))["topics"] == ["news"]
    moved = await site.ask("POST", SUBSCRIBERS, {"add": ["cay"], "remove": ["ann", "nobody"]})
    assert moved.body == {"unknown": ["nobody"]}
    assert await followers(site) == ["bob", "cay"]
    assert (await site.ask("POST", SUBSCRIBERS, {})).body == {"unknown": []}


async def test_followers_are_listed_in_pages(site: Site) -> None:
    people = [f"user-{number}" for number in range(5)]
    await with_people(site, *people)
    await site.ask("POST", SUBSCRIBERS, {"add": people})
    first = await site.get(f"{SUBSCRIBERS}?limit=3")
    second = await site.get(f"{SUBSCRIBERS}?limit=3&cursor={first['next']}")
    pages = [[each["user_id"] for each in page["items"]] for page in (first, second)]
    assert pages == [people[:3], people[3:]]
    assert "next" not in second


@pytest.mark.parametrize(
    "changes",
    [
        {"add": ["ann"], "remove": ["ann"]},
        {"add": ["ann/phone"]},
        {"add": [7]},
        {"add": "ann"},
        {"add": [f"user-{number}" for number in range(1_001)]},
        {"remove": None},
        {"replace": []},
    ],
)
async def test_changes_that_are_none_are_refused(site: Site, changes: dict[str, Any]) -> None:
    await with_people(site, "ann")
    assert await site.refused("POST", SUBSCRIBERS, changes) == (400, "invalid_payload")
    assert await followers(site) == []


async def test_a_topic_goes_with_its_followers(site: Site) -> None:
    await with_people(site, "ann")
    await site.ask("POST", SUBSCRIBERS, {"add": ["ann"]})
    assert (await site.ask("DELETE", ONE)).status == 204
    for method, path, body in (
        ("GET", ONE, None),
        ("DELETE", ONE, None),
        ("GET", SUBSCRIBERS, None),
        ("POST", SUBSCRIBERS, {"add": ["ann"]}),
    ):
        assert await site.refused(method, path, body) == (404, "unknown_topic")
    assert (await site.get("/applications/shop/customers/ann"))["topics"] == []


async def test_followers_that_were_left_when_a_topic_was_removed_go_with_the_next_try(site: Site) -> None:
    await with_people(site, "ann")
    await site.ask("POST", SUBSCRIBERS, {"add": ["ann"]})
    await site.topics.remove("shop", "news")  # as when the process ended then
    assert await site.refused("DELETE", ONE) == (404, "unknown_topic")
    assert (await site.get("/applications/shop/customers/ann"))["topics"] == []
