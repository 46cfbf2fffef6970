"""The inbox: what was written in a thread, both ways, in order, whole in every size of page."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from gateway.model.address import Address, Thread
from gateway.model.base import rfc3339
from gateway.model.receipt import Status
from gateway.rtm.refusals import RtmRefused
from gateway.store.inbox import PAGE_BYTES, Inbox, InboxPage
from gateway.store.transactions import Change
from tests.contracts.store_profile import profiled
from tests.contracts.store_world import AT, Store, accepted, mo

pytestmark = pytest.mark.mongodb

TEA = Thread(id="t-1", type="conversation", title="Tea")
SECOND = timedelta(seconds=1)


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


async def mt_said(store: Store, id: str, at: datetime, content: dict[str, Any], **fields: Any) -> None:
    body = {"app_id": "shop", "channel": "rtm", "to": "ann", "content": content}
    if "in_reply_to" in fields:
        body["in_reply_to"] = fields.pop("in_reply_to")
    given: dict[str, Any] = {
        "in_app": True,
        "thread": TEA,
        "to": Address(kind="user_id", id="ann"),
        "status": Status.SENDING,
    }
    await store.added(accepted(id, accepted_at=at, body=orjson.dumps(body), **(given | fields)))


async def mo_said(
    store: Store,
    id: str,
    at: datetime,
    content: dict[str, Any],
    thread_key: str | None = "shop/t-1",
    **body: Any,
) -> None:
    record = replace(
        mo(f"shop/ann/phone/{id}", mo_id=f"mo-{id}", received_at=at),
        body=orjson.dumps({"mo_id": f"mo-{id}", "content": content, **body}),
        thread_key=thread_key,
        user_id="ann",
    )
    assert await store.inbound.add_mo(record) is None


def ids(messages: Iterable[dict[str, Any]]) -> list[str]:
    return [message.get("message_id") or message["mo_id"] for message in messages]


async def walked(store: Store, limit: int, since: datetime | None = None) -> list[str]:
    """All messages of the thread, read page by page."""
    inbox, cursor, found = Inbox(store.database), None, list[str]()
    while True:
        page = await inbox.messages("shop", "t-1", since=since, cursor=cursor, limit=limit)
        assert len(page.messages) <= limit
        found.extend(ids(page.messages))
        if page.cursor is None:
            return found
        assert len(page.cursor) <= 256
        cursor = page.cursor


async def test_a_thread_without_messages_is_an_empty_page(store: Store) -> None:
    assert await Inbox(store.database).messages("shop", "t-1") == InboxPage([], None)


async def test_messages_are_told_of_with_what_became_of_them(store: Store) -> None:
    await mt_said(store, "m-1", AT, text("Tea?"))
    await mo_said(store, "7", AT + SECOND, text("Yes"), in_reply_to="m-1")
    await mt_said(store, "m-2", AT + 2 * SECOND, text("Milk?"), in_reply_to="mo-7")
    one = await store.transactions.get("shop/m-1")
    assert one is not None
    for status, told, at in (
        (Status.SUBMITTED, (Status.SUBMITTED,), None),
        (Status.READ, (Status.DELIVERED, Status.READ), AT + 3 * SECOND),
        (Status.READ, (), AT + 4 * SECOND),
    ):
        one = await store.transactions.move(one, Change(status, 1, told=told, occurred_at=at))
        assert one is not None
    assert await Inbox(store.database).messages("shop", "t-1") == InboxPage(
        [
            {
                "direction": "mt",
                "message_id": "m-1",
                "thread_id": "t-1",
                "content": text("Tea?"),
                "at": rfc3339(AT),
                "status": "read",
                "delivered_at": rfc3339(AT + 3 * SECOND),
                "read_at": rfc3339(AT + 3 * SECOND),
            },
            {
                "direction": "mo",
                "mo_id": "mo-7",
                "id": "7",
                "thread_id": "t-1",
                "content": text("Yes"),
                "in_reply_to": "m-1",
                "at": rfc3339(AT + SECOND),
                "from": {"user_id": "ann", "device_id": "phone"},
            },
            {
                "direction": "mt",
                "message_id": "m-2",
                "thread_id": "t-1",
                "content": text("Milk?"),
                "in_reply_to": "mo-7",
                "at": rfc3339(AT + 2 * SECOND),
                "status": "sending",
            },
        ],
        None,
    )


async def test_a_status_without_the_providers_time_has_ours(store: Store) -> None:
    await mt_said(store, "m-1", AT, text("Tea?"))
    record = await store.transactions.get("shop/m-1")
    assert record is not None
    told = (Status.DELIVERED,)
    assert await store.transactions.move(record, Change(Status.DELIVERED, 1, told=told, at=AT + SECOND))
    (message,) = (await Inbox(store.database).messages("shop", "t-1")).messages
    assert message["delivered_at"] == rfc3339(AT + SECOND)


async def test_pages_of_any_size_have_every_message_once_in_order_also_of_the_same_moment(
    store: Store,
) -> None:
    for number, at in enumerate([AT, AT, AT, AT + SECOND, AT + SECOND, AT + 2 * SECOND]):
        await mt_said(store, f"m-{number}", at, text("a"))
        await mo_said(store, f"{number}", at, text("b"))
    await mo_said(store, "same", AT, text("c"))
    await mt_said(store, "mo-same", AT, text("d"))
    every = ["m-0", "m-1", "m-2", "mo-0", "mo-1", "mo-2", "mo-same", "mo-same"]
    every += ["m-3", "m-4", "mo-3", "mo-4", "m-5", "mo-5"]
    for limit in range(1, 16):
        assert await walked(store, limit) == every
    assert await walked(store, 2, since=AT + SECOND) == every[8:]
    assert await walked(store, 2, since=AT + 3 * SECOND) == []


async def test_what_follows_the_last_page_is_found_by_its_cursor(store: Store) -> None:
    inbox = Inbox(store.database)
    for number in range(3):
        await mt_said(store, f"m-{number}", AT + number * SECOND, text("a"))
    page = await inbox.messages("shop", "t-1", limit=2)
    assert page.cursor is not None
    await mo_said(store, "1", AT + 5 * SECOND, text("b"))
    assert ids((await inbox.messages("shop", "t-1", cursor=page.cursor)).messages) == ["m-2", "mo-1"]


async def test_what_is_no_message_in_this_thread_is_left_out(store: Store) -> None:
    await mt_said(store, "m-1", AT, text("a"), status=Status.REJECTED)
    await mt_said(store, "m-2", AT, {"type": "typing"})
    await mt_said(store, "m-3", AT, {"type": "read", "message_id": "x"})
    await mt_said(store, "m-4", AT, text("a"), thread=Thread(id="t-2", type="conversation"))
    await mt_said(store, "m-5", AT, text("a"), thread=None)
    await mt_said(store, "m-6", AT, text("a"), in_app=False)
    await mt_said(store, "m-7", AT, text("a"), app_id="other")
    await mo_said(store, "1", AT, {"type": "event", "name": "typing"}, thread_key=None)
    await mo_said(store, "2", AT, text("b"), thread_key="other/t-1")
    await mt_said(store, "m-8", AT, {"type": "reaction", "emoji": "x", "message_id": "y"})
    for number, status in enumerate((Status.ACCEPTED, Status.WAITING, Status.EXPIRED)):  # nothing was tried
        await mt_said(store, f"m-9{number}", AT, text("a"), status=status)
    assert await walked(store, 1) == ["m-8"]


async def test_a_page_of_large_messages_is_shorter(store: Store) -> None:
    large = text("x" * (PAGE_BYTES // 2 - 1_000))
    for number in range(4):
        await mt_said(store, f"m-{number}", AT + number * SECOND, large)
    await mo_said(store, "1", AT + 9 * SECOND, text("x" * (2 * PAGE_BYTES)))
    inbox, cursor, pages = Inbox(store.database), None, list[list[str]]()
    for _ in itertools.count():
        page = await inbox.messages("shop", "t-1", cursor=cursor)
        pages.append(ids(page.messages))
        cursor = page.cursor
        if cursor is None:
            break
    assert pages == [["m-0", "m-1"], ["m-2", "m-3"], ["mo-1"]]


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "é",
        "\x00",
        "bnVsbA",  # null
        "WzFd",  # [1]
        "WzEsIngiLCJzbXMiXQ",  # [1,"x","sms"]
        "WzEsMSwibXQiXQ",  # [1,1,"mt"]
        "WyIxIiwieCIsIm10Il0",  # ["1","x","mt"]
        "W3siJGd0IjoxfSwieCIsIm10Il0",  # [{"$gt":1},"x","mt"]
        "WzFlMzAwLCJ4IiwibXQiXQ",  # [1e300,"x","mt"]
        "Wzk5OTk5OTk5OTk5OTk5OTk5OSwieCIsIm10Il0",  # [999999999999999999,"x","mt"]
        "WzEsW10sWyJtdCJdXQ",  # [1,[],["mt"]]
        "A" * 2_000,
    ],
)
async def test_a_cursor_that_is_none_of_ours_is_refused_without_being_shown(
    store: Store, cursor: str
) -> None:
    with pytest.raises(RtmRefused) as caught:
        await Inbox(store.database).messages("shop", "t-1", cursor=cursor)
    expected = ("invalid_payload", "cursor is none that was given out here")
    assert (caught.value.code, caught.value.detail) == expected


async def test_a_page_reads_no_more_than_it_shows_and_sorts_nothing(store: Store) -> None:
    for number in range(60):
        await mt_said(store, f"m-{number:02}", AT + number * SECOND, text("a"))
        await mo_said(store, f"{number:02}", AT + number * SECOND, text("b"))
    page = await Inbox(store.database).messages("shop", "t-1", limit=60)
    async with profiled(store) as seen:
        await Inbox(store.database).messages("shop", "t-1", cursor=page.cursor, limit=4)
    for collection in ("mt_transactions", "mo_transactions"):
        (query,) = await seen(collection)
        assert (query["plans"], query["sorted"]) == ({"IXSCAN"}, False)
        assert query["keys"] <= 25
