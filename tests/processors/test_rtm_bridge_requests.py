"""What a device asks for, from the store: its own person's, and nobody else's."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gateway.model.base import now
from gateway.rtm.names import Device
from gateway.rtm.refusals import RtmRefused
from gateway.rtm.wire import REQUEST
from gateway.store.connect import Database
from gateway.store.customers import Customers
from gateway.store.inbox import Inbox
from gateway.store.indexes import ensure_indexes
from gateway.store.threads import ThreadRecord, Threads, ThreadStatus, implicit_id
from gateway.store.topics import TopicRecord, Topics
from processors.rtm.conversations import implicit_of_user
from processors.rtm.requests import Requests

PHONE, TABLET = Device("shop", "alice", "phone"), Device("shop", "alice", "tablet")
BOB = Device("shop", "bob", "phone")


class World:
    def __init__(self, database: Database) -> None:
        self.customers = Customers(database)
        self.threads = Threads(database)
        self.topics = Topics(database)
        self.requests = Requests(self.customers, self.threads, self.topics, Inbox(database))

    async def ask(self, device: Device, action: str, id: str = "r-1", **fields: Any) -> dict[str, Any]:
        request = REQUEST.validate_python({"id": id, "action": action, **fields})
        return await self.requests.serve(device, request, now())

    async def refusal(self, device: Device, action: str, **fields: Any) -> str:
        with pytest.raises(RtmRefused) as refused:
            await self.ask(device, action, **fields)
        return refused.value.code

    async def thread(
        self,
        thread_id: str,
        user_id: str | None = None,
        topic: str | None = None,
        status: ThreadStatus = "open",
    ) -> None:
        await self.threads.ensure(
            ThreadRecord(
                "shop", thread_id, "conversation", now(), now(), user_id=user_id, topic=topic, status=status
            )
        )

    async def topic(self, name: str, *, open: bool = True) -> None:
        await self.topics.add(TopicRecord("shop", name, now(), open=open))

    async def listed(self, device: Device, **fields: Any) -> tuple[list[str], str | None]:
        answer = await self.ask(device, "threads", **fields)
        return [thread["thread_id"] for thread in answer["threads"]], answer.get("next")


@pytest.fixture
async def world(database: Database) -> World:
    await ensure_indexes(database)
    return World(database)


async def test_whoever_asks_for_the_first_time_is_a_customer_from_then_on(world: World) -> None:
    assert await world.ask(PHONE, "threads") == {"threads": []}
    customer = await world.customers.get("shop", "alice")
    assert customer is not None
    assert [known.device_id for known in customer.devices] == ["phone"]


async def test_a_thread_is_made_once_however_often_the_request_comes(world: World) -> None:
    first = await world.ask(PHONE, "thread_create", title="Order 7", extras={"order": "7"})
    again = await world.ask(PHONE, "thread_create", title="Order 7", extras={"order": "7"})
    assert first == again
    thread = first["thread"]
    kept = {name: thread[name] for name in ("type", "status", "title", "extras", "user_id")}
    assert kept == {
        "type": "conversation",
        "status": "open",
        "title": "Order 7",
        "extras": {"order": "7"},
        "user_id": "alice",
    }
    others = {
        (await world.ask(device, "thread_create", id=id, title="Order 7"))["thread"]["thread_id"]
        for device, id in ((PHONE, "r-2"), (TABLET, "r-1"), (BOB, "r-1"))
    }
    assert len(others | {thread["thread_id"]}) == 4


async def test_threads_are_listed_page_by_page_with_those_of_followed_topics(world: World) -> None:
    await world.topic("news")
    await world.ask(PHONE, "topic_subscribe", topic="news")
    for thread_id, whose in (
        ("a", {"user_id": "alice"}),
        ("b", {"user_id": "bob"}),
        ("c", {"topic": "news"}),
        ("d", {"topic": "sport"}),
        ("e", {"user_id": "alice", "status": "closed"}),
    ):
        await world.thread(thread_id, **whose)  # type: ignore[arg-type]
    assert await world.listed(PHONE) == (["a", "c", "e"], None)
    assert await world.listed(PHONE, limit=2) == (["a", "c"], "c")
    assert await world.listed(PHONE, limit=2, cursor="c") == (["e"], None)
    assert await world.listed(PHONE, status="closed") == (["e"], None)
    assert await world.listed(BOB) == (["b"], None)


async def test_a_thread_about_a_topic_needs_that_it_is_followed(world: World) -> None:
    await world.topic("news")
    assert await world.refusal(PHONE, "thread_create", topic="news") == "unknown_topic"
    await world.ask(PHONE, "topic_subscribe", topic="news")
    thread = (await world.ask(PHONE, "thread_create", topic="news"))["thread"]
    assert (thread["topic"], thread.get("user_id")) == ("news", None)


async def test_a_person_changes_their_own_threads_only(world: World) -> None:
    await world.topic("news")
    await world.ask(PHONE, "topic_subscribe", topic="news")
    await world.thread("hers", user_id="alice")
    await world.thread("his", user_id="bob")
    await world.thread("of-all", topic="news")
    changed = await world.ask(PHONE, "thread_update", thread_id="hers", title="New", status="closed")
    assert (changed["thread"]["title"], changed["thread"]["status"]) == ("New", "closed")
    changed = await world.ask(PHONE, "thread_update", thread_id="hers", extras={"order": "17"})
    assert changed["thread"]["extras"] == {"order": "17"}
    nothing: dict[str, Any] = dict.fromkeys(("title", "extras", "status"))
    cleared = (await world.ask(PHONE, "thread_update", thread_id="hers", **nothing))["thread"]
    assert {name: cleared.get(name) for name in nothing} == {**nothing, "status": "closed"}
    for thread_id in ("his", "of-all", "nothing"):
        assert await world.refusal(PHONE, "thread_update", thread_id=thread_id, title="x") == "unknown_thread"


async def test_a_person_opens_what_the_person_has_closed_and_not_what_the_application_has(
    world: World,
) -> None:
    await world.thread("hers", user_id="alice")
    await world.ask(PHONE, "thread_update", thread_id="hers", status="closed")
    opened = await world.ask(TABLET, "thread_update", thread_id="hers", status="open")
    assert opened["thread"]["status"] == "open"
    await world.threads.update("shop", "hers", {"status": "closed"}, now())
    for status in ("closed", "open"):  # the first must not make it the person's to open
        assert await world.refusal(PHONE, "thread_update", thread_id="hers", status=status) == "thread_fixed"
    changed = await world.ask(PHONE, "thread_update", thread_id="hers", title="Still hers")
    assert (changed["thread"]["title"], changed["thread"]["status"]) == ("Still hers", "closed")


async def test_a_person_does_not_close_what_the_platform_writes_to_unasked(world: World) -> None:
    own = implicit_of_user("shop", "alice", "conversation", now())
    await world.threads.ensure(own)
    await world.threads.ensure(implicit_of_user("shop", "alice", "announcement", now()))
    for type in ("conversation", "announcement"):
        thread_id = implicit_id("shop", "alice", type, None)
        request = {"thread_id": thread_id, "status": "closed"}
        assert await world.refusal(PHONE, "thread_update", **request) == "thread_fixed"


async def test_messages_are_told_to_those_whose_thread_it_is(world: World) -> None:
    await world.topic("news")
    await world.ask(PHONE, "topic_subscribe", topic="news")
    await world.thread("hers", user_id="alice")
    await world.thread("of-all", topic="news || sport")
    for thread_id in ("hers", "of-all"):
        assert (await world.ask(TABLET, "messages", thread_id=thread_id))["messages"] == []
        assert await world.refusal(BOB, "messages", thread_id=thread_id) == "unknown_thread"
    assert (
        await world.refusal(PHONE, "messages", thread_id="hers", cursor="none of ours") == "invalid_payload"
    )


async def test_a_thread_of_what_is_no_expression_is_nobody_s_and_hides_no_others(
    world: World, database: Database
) -> None:
    await world.topic("news")
    await world.ask(PHONE, "topic_subscribe", topic="news")
    await world.thread("hers", user_id="alice")
    await world.thread("odd", topic="news")
    await database.db["threads"].update_one({"thread_id": "odd"}, {"$set": {"topic": "news ||"}})
    assert await world.listed(PHONE) == (["hers"], None)
    assert await world.refusal(PHONE, "messages", thread_id="odd") == "unknown_thread"


async def test_topics_that_are_not_open_are_told_to_their_followers_only(world: World) -> None:
    await world.topic("news")
    await world.topic("staff", open=False)
    await world.ask(PHONE, "topics")
    await world.ask(BOB, "topics")
    await world.customers.follow("shop", "staff", ["alice"], now())

    async def listed(device: Device) -> list[tuple[str, bool]]:
        answer = await world.ask(device, "topics")
        return [(topic["topic"], topic["subscribed"]) for topic in answer["topics"]]

    assert await listed(PHONE) == [("news", False), ("staff", True)]
    assert await listed(BOB) == [("news", False)]
    assert (await world.ask(BOB, "topics", limit=1))["next"] == "news"
    assert await world.ask(BOB, "topics", limit=1, cursor="news") == {"topics": [], "next": "staff"}


async def test_people_follow_open_topics_by_themselves_and_leave_any(world: World) -> None:
    await world.topic("news")
    await world.topic("staff", open=False)
    assert await world.ask(PHONE, "topic_subscribe", topic="news") == {"topic": "news", "subscribed": True}
    assert await world.refusal(PHONE, "topic_subscribe", topic="staff") == "topic_not_open"
    assert await world.refusal(PHONE, "topic_subscribe", topic="nothing") == "unknown_topic"
    await world.customers.follow("shop", "staff", ["alice"], now())
    for topic in ("news", "staff", "staff"):
        left = await world.ask(PHONE, "topic_unsubscribe", topic=topic)
        assert left == {"topic": topic, "subscribed": False}
    customer = await world.customers.get("shop", "alice")
    assert customer is not None
    assert customer.topics == ()


async def test_a_device_tells_of_itself_and_signs_out(world: World) -> None:
    told = {"platform": "ios", "push_token": "t-1", "app_version": "2.0"}
    assert await world.ask(PHONE, "device_register", **told) == {"device_id": "phone"}
    customer = await world.customers.get("shop", "alice")
    assert customer is not None
    (known,) = customer.devices
    assert (known.platform, known.push_token, known.app_version) == ("ios", "t-1", "2.0")
    assert await world.ask(PHONE, "device_remove") == {"removed": True}
    assert await world.ask(PHONE, "device_remove") == {"removed": False}


async def test_a_page_holds_no_more_than_a_broker_takes_at_once(world: World) -> None:
    extras = {f"name-{number}": "x" * 1_024 for number in range(32)}
    made = {
        (await world.ask(PHONE, "thread_create", id=f"r-{number}", extras=extras))["thread"]["thread_id"]
        for number in range(40)
    }
    found: list[str] = []
    cursor: str | None = None
    while len(found) < 40:
        page, cursor = await world.listed(PHONE, **({"cursor": cursor} if cursor else {}))
        assert 0 < len(page) <= 16
        found += page
    assert found == sorted(made)


@pytest.mark.parametrize("name", ["$set", "a.b", "", "\x00", "$", ".", "_id"])
async def test_extras_may_have_any_names(world: World, name: str) -> None:
    try:
        extras = {name: "x", "list": ("a", "b")}
        thread = (await world.ask(PHONE, "thread_create", extras=extras))["thread"]
    except ValidationError:
        assert name == ""
        return
    assert thread["extras"] == {name: "x", "list": ["a", "b"]}
    changed = await world.ask(PHONE, "thread_update", thread_id=thread["thread_id"], extras={name: "y"})
    assert changed["thread"]["extras"] == {name: "y"}
