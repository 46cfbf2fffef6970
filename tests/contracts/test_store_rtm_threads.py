"""Threads and topics: each made once, and shown to exactly those whom they are for, page by page."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.model.address import Thread
from gateway.model.base import rfc3339
from gateway.rtm.refusals import RtmRefused
from gateway.store.threads import ThreadRecord, Threads, implicit_id
from gateway.store.topics import TopicRecord, Topics
from tests.contracts.store_profile import profiled
from tests.contracts.store_world import AT, Store

pytestmark = pytest.mark.mongodb

LATER = AT + timedelta(minutes=1)


@pytest.fixture
def threads(store: Store) -> Threads:
    return Threads(store.database)


@pytest.fixture
def topics(store: Store) -> Topics:
    return Topics(store.database)


def thread(thread_id: str = "t-1", **fields: Any) -> ThreadRecord:
    given: dict[str, Any] = {
        "app_id": "shop",
        "thread_id": thread_id,
        "type": "conversation",
        "created_at": AT,
        "updated_at": AT,
        **({} if "topic" in fields else {"user_id": "ann"}),
    }
    return ThreadRecord(**(given | fields))


FULL = thread(
    title="Tea",
    category="orders",
    external_id="o-7",
    extras={"a.b": "1", "$set": ("2", "3"), "": "\x00"},
    status="closed",
)


async def test_a_thread_is_kept_once_as_it_was_made_first(threads: Threads) -> None:
    assert await threads.get("shop", "t-1") is None
    assert await threads.ensure(FULL) == FULL
    assert await threads.ensure(thread(user_id="bob", type="announcement")) == FULL
    assert await threads.get("shop", "t-1") == FULL
    assert await threads.get("other", "t-1") is None


async def test_of_many_who_make_a_thread_at_once_all_get_the_same(store: Store) -> None:
    made = [thread(title=f"by {number}") for number in range(40)]
    processes = [Threads(store.database) for _ in range(4)]
    kept = await asyncio.gather(*(processes[number % 4].ensure(each) for number, each in enumerate(made)))
    assert len({each.title for each in kept}) == 1
    assert await processes[0].of_application("shop") == [kept[0]]


async def test_a_thread_about_what_is_no_expression_is_not_made(threads: Threads) -> None:
    with pytest.raises(RtmRefused) as caught:
        await threads.ensure(thread(topic="news ||"))
    assert caught.value.code == "invalid_expression"
    assert await threads.of_application("shop") == []


def test_a_thread_is_told_of_without_what_is_not_there() -> None:
    at = rfc3339(AT)
    assert thread(topic="news").described() == {
        "thread_id": "t-1",
        "type": "conversation",
        "status": "open",
        "topic": "news",
        "created_at": at,
        "updated_at": at,
    }
    assert FULL.described() == {
        "thread_id": "t-1",
        "type": "conversation",
        "status": "closed",
        "user_id": "ann",
        "title": "Tea",
        "category": "orders",
        "external_id": "o-7",
        "extras": {"a.b": "1", "$set": ["2", "3"], "": "\x00"},
        "created_at": at,
        "updated_at": at,
    }
    assert FULL.as_named == Thread(id="t-1", type="conversation", title="Tea")


def test_messages_that_name_no_thread_are_in_the_same_one_when_they_belong_together() -> None:
    ids = {
        implicit_id(app, whose, type, title)
        for app in ("shop", "shop2")
        for whose in ("ann", "bob")
        for type in ("conversation", "announcement")
        for title in (None, "Tea")
    }
    assert len(ids) == 16
    assert implicit_id("shop", "ann", "conversation", None) == implicit_id(
        "shop", "ann", "conversation", None
    )


async def test_a_thread_changes_by_what_is_given(threads: Threads) -> None:
    await threads.ensure(FULL)
    changes = {"title": None, "category": "returns", "extras": {"x": ["1"]}, "status": "open"}
    changed = replace(
        FULL, title=None, category="returns", extras={"x": ("1",)}, status="open", updated_at=LATER
    )
    assert await threads.update("shop", "t-1", changes, LATER) == changed
    assert await threads.update("shop", "t-1", {}, LATER) == changed
    assert await threads.get("shop", "t-1") == changed
    assert await threads.update("shop", "t-2", {"title": "x"}, LATER) is None


async def test_what_the_application_has_closed_is_not_a_persons_to_open_or_to_close(threads: Threads) -> None:
    await threads.ensure(replace(FULL, status="open"))
    closed = await threads.update("shop", "t-1", {"status": "closed"}, LATER, by="person")
    assert closed is not None
    assert (closed.status, closed.closed_by) == ("closed", "person")
    opened = await threads.update("shop", "t-1", {"status": "open"}, LATER, by="person")
    assert opened is not None
    assert (opened.status, opened.closed_by) == ("open", None)
    await threads.update("shop", "t-1", {"status": "closed"}, LATER)
    for status in ("closed", "open"):
        assert await threads.update("shop", "t-1", {"status": status}, LATER, by="person") is None
    kept = await threads.get("shop", "t-1")
    assert kept is not None
    assert (kept.status, kept.closed_by) == ("closed", "application")


@pytest.mark.parametrize("name", ["user_id", "topic", "type", "_id", "$where", "extras.x"])
async def test_nothing_else_of_a_thread_changes(threads: Threads, name: str) -> None:
    await threads.ensure(FULL)
    with pytest.raises(ValueError, match="of a thread only category, external_id, extras, status, title"):
        await threads.update("shop", "t-1", {name: "x"}, LATER)
    assert await threads.get("shop", "t-1") == FULL


async def test_an_application_s_threads_come_in_pages(threads: Threads) -> None:
    ids = ["c", "a", "e", "b", "d"]
    await asyncio.gather(*(threads.ensure(thread(id)) for id in ids))
    await threads.ensure(thread("a2", app_id="shop-2"))
    await threads.ensure(thread("a3", app_id="sho"))
    await threads.update("shop", "b", {"status": "closed"}, AT)
    assert [each.thread_id for each in await threads.of_application("shop", limit=2)] == ["a", "b"]
    assert [each.thread_id for each in await threads.of_application("shop", after="b")] == ["c", "d", "e"]
    opened = await threads.of_application("shop", status="open", after="a", limit=2)
    assert [each.thread_id for each in opened] == ["c", "d"]
    closed = await threads.of_application("shop", status="closed")
    assert [each.thread_id for each in closed] == ["b"]


# Whose each thread is, by its id.
THREADS = {
    "01": {"user_id": "ann"},
    "02": {"user_id": "bob"},
    "03": {"topic": "news"},
    "04": {"topic": "art"},
    "05": {"topic": "news & art"},
    "06": {"topic": "news || art"},
    "07": {"topic": "news - art"},
    "08": {"topic": "news'"},
    "09": {"topic": "(news || art)'"},
    "10": {"topic": "ann"},  # a topic that is called like a person
    "11": {"user_id": "news"},
}


@pytest.mark.parametrize(
    ("user_id", "followed", "ids"),
    [
        ("ann", (), ["01", "08", "09"]),
        ("ann", ("news",), ["01", "03", "06", "07"]),
        ("ann", ("news", "art", "x"), ["01", "03", "04", "05", "06"]),
        ("bob", ("art",), ["02", "04", "06", "08"]),
        ("cid", ("ann",), ["08", "09", "10"]),
    ],
)
async def test_a_person_s_threads_are_exactly_those_in_every_size_of_page(
    threads: Threads, user_id: str, followed: tuple[str, ...], ids: list[str]
) -> None:
    await asyncio.gather(*(threads.ensure(thread(id, **whose)) for id, whose in THREADS.items()))
    await threads.ensure(thread("00", app_id="other", user_id=user_id))
    for limit in (1, 2, 3, 50):
        found: list[str] = []
        after: str | None = None
        while True:
            page = await threads.of_user("shop", user_id, followed, after=after, limit=limit)
            found.extend(each.thread_id for each in page)
            if len(page) < limit:
                break
            after = page[-1].thread_id
        assert found == ids


async def test_a_person_s_threads_are_found_by_their_status(threads: Threads) -> None:
    await threads.ensure(thread("1", status="closed"))
    await threads.ensure(thread("2"))
    await threads.ensure(thread("3", topic="news", status="closed"))
    found = [await threads.of_user("shop", "ann", ["news"], status=each) for each in ("open", "closed", None)]
    assert [[each.thread_id for each in page] for page in found] == [["2"], ["1", "3"], ["1", "2", "3"]]


async def test_a_person_s_threads_are_looked_up_in_indexes_without_sorting(
    store: Store, threads: Threads
) -> None:
    await asyncio.gather(
        *(threads.ensure(thread(f"{number:03}", user_id=f"u{number}")) for number in range(200))
    )
    await asyncio.gather(
        *(threads.ensure(thread(f"n{number:03}", topic=f"n{number}")) for number in range(200))
    )
    async with profiled(store) as seen:
        await threads.of_user("shop", "u7", ["n7", "n8"], limit=2)
    (found,) = await seen("threads")
    assert found == {"plans": {"IXSCAN"}, "sorted": False, "keys": 3}


async def test_a_person_s_threads_are_forgotten_and_those_of_others_and_of_topics_stay(
    threads: Threads,
) -> None:
    for record in (
        thread("1"),
        thread("2"),
        thread("3", user_id="bob"),
        thread("4", topic="ann"),
        thread("5", app_id="other"),
    ):
        await threads.ensure(record)
    for _ in range(2):  # repeating it does no harm
        await threads.delete_of_user("shop", "ann")
    assert [each.thread_id for each in await threads.of_application("shop")] == ["3", "4"]
    await threads.drop("shop")
    assert await threads.of_application("shop") == []
    assert [each.thread_id for each in await threads.of_application("other")] == ["5"]


NEWS = TopicRecord("shop", "news", AT, "What is new", "public", open=False)
ART = TopicRecord("shop", "art", LATER)


async def test_a_topic_is_added_once(topics: Topics) -> None:
    added = await asyncio.gather(*(topics.add(replace(NEWS, description=str(n))) for n in range(8)))
    assert added.count(True) == 1
    kept = await topics.get("shop", "news")
    assert kept == replace(NEWS, description=str(added.index(True)))
    assert await topics.get("shop", "art") is None


async def test_topics_come_in_pages_by_group_and_go(topics: Topics) -> None:
    for record in (NEWS, ART, replace(ART, app_id="other"), replace(NEWS, topic="zoo")):
        assert await topics.add(record)
    assert await topics.page("shop") == [ART, NEWS, replace(NEWS, topic="zoo")]
    assert await topics.page("shop", after="art", limit=1) == [NEWS]
    assert await topics.page("shop", group="public", after="news") == [replace(NEWS, topic="zoo")]
    assert [await topics.remove("shop", "art"), await topics.remove("shop", "art")] == [True, False]
    await topics.drop("shop")
    assert (await topics.page("shop"), await topics.page("other")) == ([], [replace(ART, app_id="other")])


async def test_it_is_said_which_topics_there_are_not(topics: Topics) -> None:
    await topics.add(NEWS)
    await topics.add(replace(ART, app_id="other"))
    asked = [("shop", ["news"]), ("shop", ["news", "art", "zoo"]), ("other", ["news", "art"]), ("shop", [])]
    unknown = await asyncio.gather(*(topics.unknown(*each) for each in asked))
    assert unknown == [set(), {"art", "zoo"}, {"news"}, set()]


def test_a_topic_is_told_of_without_what_is_not_there() -> None:
    assert NEWS.described() == {
        "topic": "news",
        "description": "What is new",
        "group": "public",
        "open": False,
        "created_at": rfc3339(AT),
    }
    assert ART.described() == {"topic": "art", "open": True, "created_at": rfc3339(LATER)}
