"""/v1/applications/…/threads: threads made, read, changed and closed, and their messages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from gateway.model.address import Address, Thread
from gateway.model.base import now, rfc3339
from gateway.model.receipt import Status
from gateway.rtm.names import Device
from gateway.store.connect import Database
from gateway.store.inbound import InboundLog, MORecord
from gateway.store.records import MTRecord
from gateway.store.threads import ThreadRecord
from gateway.store.topics import TopicRecord
from gateway.store.transactions import Transactions
from tests.integration.api_site import Site, configure, open_site

pytestmark = pytest.mark.mongodb

ALL, ONE = "/applications/shop/threads", "/applications/shop/threads/t-1"
AT = datetime(2026, 11, 22, 10, tzinfo=UTC)
TALK = {"type": "conversation", "user_id": "ann", "id": "t-1"}


@pytest.fixture
async def site(database: Database) -> AsyncIterator[Site]:
    async with open_site(database) as site:
        await configure(site)
        await site.customers.touch(Device("shop", "ann", "phone"), AT)
        await site.topics.add(TopicRecord("shop", "news", AT))
        await site.topics.add(TopicRecord("shop", "sport", AT))
        yield site


async def test_a_thread_of_a_person_is_made(site: Site) -> None:
    told = {
        "title": "Tea",
        "category": "orders",
        "external_id": "order 7",
        "extras": {"colour": "red", "sizes": ["s", "m"]},
    }
    before = now()
    made = await site.ask("POST", ALL, {**TALK, **told})
    at = made.body["created_at"]
    expected = {
        "thread_id": "t-1",
        "type": "conversation",
        "status": "open",
        "user_id": "ann",
        **told,
        "created_at": at,
        "updated_at": at,
    }
    assert (made.status, made.body) == (201, expected)
    assert rfc3339(before) <= at <= rfc3339(now())
    assert await site.get(ONE) == expected


async def test_a_thread_of_topics_is_made_and_gets_an_id(site: Site) -> None:
    made = await site.ask("POST", ALL, {"type": "announcement", "topic": "news || sport'"})
    assert (made.status, made.body["topic"], made.body["type"]) == (201, "news || sport'", "announcement")
    assert await site.get(f"{ALL}/{made.body['thread_id']}") == made.body


@pytest.mark.parametrize(
    ("thread", "status", "code"),
    [
        ({"type": "conversation", "user_id": "bob"}, 404, "unknown_user"),
        ({"type": "conversation", "topic": "weather"}, 404, "unknown_topic"),
        ({"type": "conversation", "topic": "news || weather"}, 404, "unknown_topic"),
        ({"type": "conversation", "topic": "news ||"}, 400, "invalid_expression"),
        ({"type": "conversation", "topic": "(" * 500 + "news" + ")" * 500}, 400, "invalid_expression"),
        ({"type": "conversation"}, 400, "invalid_payload"),
        ({"type": "conversation", "user_id": "ann", "topic": "news"}, 400, "invalid_payload"),
        ({"type": "talk", "user_id": "ann"}, 400, "invalid_payload"),
        ({**TALK, "id": "t/1"}, 400, "invalid_payload"),
        ({**TALK, "id": ""}, 400, "invalid_payload"),
        ({**TALK, "title": ""}, 400, "invalid_payload"),
        ({**TALK, "extras": {f"e{number}": "x" for number in range(33)}}, 400, "invalid_payload"),
        ({**TALK, "extras": {"e": {"deep": 1}}}, 400, "invalid_payload"),
        ({**TALK, "status": "closed"}, 400, "invalid_payload"),
    ],
)
async def test_a_thread_that_cannot_be_is_refused(
    site: Site, thread: dict[str, Any], status: int, code: str
) -> None:
    assert await site.refused("POST", ALL, thread) == (status, code)
    assert await site.get(ALL) == {"items": []}


@pytest.mark.parametrize("name", ["$set", "a.b", "a\x00b", "é"])
async def test_extras_may_have_any_name(site: Site, name: str) -> None:
    made = await site.ask("POST", ALL, {**TALK, "extras": {name: "x"}})
    assert (made.status, made.body["extras"]) == (201, {name: "x"})
    changed = await site.ask("PATCH", ONE, {"extras": {name: ["y"]}})
    assert (changed.status, changed.body["extras"]) == (200, {name: ["y"]})
    assert await site.get(ONE) == changed.body


async def test_of_several_of_one_id_one_is_made(site: Site) -> None:
    answers = await asyncio.gather(
        *(site.ask("POST", ALL, {**TALK, "title": f"{number}"}) for number in range(5))
    )
    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409, 409]
    [made] = [answer.body for answer in answers if answer.status == 201]
    assert await site.get(ONE) == made


async def test_a_thread_is_changed_closed_and_opened_again(site: Site) -> None:
    made = (await site.ask("POST", ALL, {**TALK, "title": "Tea", "category": "orders"})).body
    changed = await site.ask(
        "PATCH", ONE, {"title": "Coffee", "category": None, "extras": {"a": "b"}, "status": "closed"}
    )
    del made["category"]
    expected = {
        **made,
        "title": "Coffee",
        "extras": {"a": "b"},
        "status": "closed",
        "updated_at": changed.body["updated_at"],
    }
    assert (changed.status, changed.body) == (200, expected)
    assert await site.get(ONE) == expected
    opened = await site.ask("PATCH", ONE, {"status": "open", "extras": None})
    del expected["extras"]
    assert opened.body == {**expected, "status": "open", "updated_at": opened.body["updated_at"]}
    assert (await site.ask("PATCH", ONE, {})).body == opened.body


@pytest.mark.parametrize("changes", [{"status": "lost"}, {"type": "announcement"}, {"user_id": "bob"}, [], 7])
async def test_what_does_not_change_of_a_thread_is_refused(site: Site, changes: Any) -> None:
    await site.ask("POST", ALL, TALK)
    assert await site.refused("PATCH", ONE, changes) == (400, "invalid_payload")


async def test_threads_are_listed_in_pages_and_by_status(site: Site) -> None:
    for number in range(4):
        await site.threads.ensure(ThreadRecord("shop", f"t-{number}", "conversation", AT, AT, user_id="ann"))
    await site.threads.update("shop", "t-2", {"status": "closed"}, AT)
    first = await site.get(f"{ALL}?limit=2")
    second = await site.get(f"{ALL}?limit=2&cursor={first['next']}")
    pages = [[each["thread_id"] for each in page["items"]] for page in (first, second)]
    assert pages == [["t-0", "t-1"], ["t-2", "t-3"]]
    assert "next" not in second
    opened, closed = await site.get(f"{ALL}?status=open"), await site.get(f"{ALL}?status=closed")
    assert [each["thread_id"] for each in opened["items"]] == ["t-0", "t-1", "t-3"]
    assert [each["thread_id"] for each in closed["items"]] == ["t-2"]
    assert await site.refused("GET", f"{ALL}?status=lost") == (400, "invalid_payload")


async def test_a_thread_is_only_its_applications(site: Site) -> None:
    await configure(site, {"app_id": "shop"}, {"app_id": "other"})
    await site.ask("POST", ALL, TALK)
    other = "/applications/other/threads/t-1"
    for method, path, body in (
        ("GET", other, None),
        ("PATCH", other, {}),
        ("GET", f"{other}/messages", None),
    ):
        assert await site.refused(method, path, body) == (404, "unknown_thread")


async def test_the_messages_of_a_thread_come_in_pages_oldest_first(site: Site) -> None:
    await site.ask("POST", ALL, TALK)
    transactions, inbound = Transactions(site.database, "test"), InboundLog(site.database)
    for number in range(3):
        await transactions.insert(mt(f"m-{number}", AT + timedelta(seconds=2 * number)))
        await inbound.add_mo(mo(f"o-{number}", AT + timedelta(seconds=2 * number + 1)))
    pages, cursor = [], ""
    for _ in range(2):
        page = await site.get(f"{ONE}/messages?limit=3{cursor}")
        pages.append([each.get("message_id") or each["mo_id"] for each in page["items"]])
        cursor = f"&cursor={page.get('next')}"
    assert pages == [["m-0", "o-0", "m-1"], ["o-1", "m-2", "o-2"]]
    assert "next" not in page
    since = rfc3339(AT + timedelta(seconds=5))
    last = await site.get(f"{ONE}/messages?since={since}")
    assert last["items"] == [
        {
            "direction": "mo",
            "mo_id": "o-2",
            "thread_id": "t-1",
            "content": {"type": "text", "text": "Hi"},
            "at": since,
            "from": {"user_id": "ann", "device_id": "phone"},
            "id": "o-2",
        }
    ]


@pytest.mark.parametrize("query", ["cursor=x", "cursor=bm9wZQ", "since=yesterday", "limit=0", "status=open"])
async def test_a_query_for_messages_that_is_none_is_refused(site: Site, query: str) -> None:
    await site.ask("POST", ALL, TALK)
    assert await site.refused("GET", f"{ONE}/messages?{query}") == (400, "invalid_payload")


def mt(message_id: str, at: datetime) -> MTRecord:
    content = {"type": "text", "text": "Hello"}
    return MTRecord(
        app_id="shop",
        message_id=message_id,
        status=Status.SENDING,
        accepted_at=at,
        expires_at=at + timedelta(hours=1),
        body=orjson.dumps({"app_id": "shop", "channel": "rtm", "to": "ann", "content": content}),
        account="rtm-1",
        channel="rtm",
        to=Address(kind="user_id", id="ann"),
        thread=Thread(id="t-1", type="conversation"),
        in_app=True,
    )


def mo(mo_id: str, at: datetime) -> MORecord:
    return MORecord(
        account="rtm-1",
        provider_message_id=f"shop/ann/phone/{mo_id}",
        app_id="shop",
        channel="rtm",
        mo_id=mo_id,
        event_id=mo_id,
        body=orjson.dumps({"content": {"type": "text", "text": "Hi"}}),
        received_at=at,
        retention_days=90,
        thread_key="shop/t-1",
        user_id="ann",
    )
