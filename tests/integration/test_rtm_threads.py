"""Threads and topics of the in-app channel through a whole gateway and a real Mosquitto: who hears what, and
what is refused."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from gateway.model.base import now, uuid7
from gateway.model.receipt import Status
from gateway.rtm.names import Device
from gateway.rtm.wire import MAX_UP_BYTES
from gateway.store.threads import ThreadRecord, ThreadStatus
from tests.integration.rtm_device import DeviceClient
from tests.integration.rtm_world import APP, RtmWorld, device, open_world
from tests.logs import Evidence
from tests.servers.mongod import MongoServer
from tests.servers.mosquitto import MosquittoServer
from tests.waiting import eventually

pytestmark = [pytest.mark.mosquitto, pytest.mark.mongodb]

Servers = tuple[Path, Evidence, MosquittoServer, MongoServer, str]


@pytest.fixture
def servers(
    tmp_path: Path, evidence: Evidence, mosquitto: MosquittoServer, mongod: MongoServer, database_name: str
) -> Servers:
    return tmp_path, evidence, mosquitto, mongod, database_name


async def test_a_topics_fifty_followers_all_get_its_messages_and_hear_each_others_answers(
    servers: Servers,
) -> None:
    followers = [device(f"user-{number}", "phone") for number in range(50)]
    stranger = device("stranger", "phone")
    async with open_world(*servers) as world, AsyncExitStack() as stack:
        await world.topic("news", *(each.device.user_id for each in followers))
        await world.people("stranger")
        for each in (*followers, stranger):
            await stack.enter_async_context(each.connected(world.mosquitto))
        thread = {"id": "debate", "type": "conversation", "title": "Debate"}
        message_id = await world.send({"kind": "topic", "id": "news"}, "what do you think?", thread=thread)
        for each in followers:
            await each.until_texts("what do you think?")
        await asyncio.gather(*(each.receipt(message_id, "delivered") for each in followers))
        await world.until_dr(message_id, "submitted", "delivered")
        id = await followers[0].say("a lot", thread={"id": "debate"})
        await eventually(lambda: _all_heard(followers[1:], "mo", id))
        (mo,) = await world.until_mo(id)
        assert (mo["to"], mo["thread"]) == ("news", thread)
        progress = await eventually(lambda: _progress(world, message_id, 50))
        assert progress == {f"{each.device.user_id}/phone": Status.DELIVERED for each in followers}
        assert stranger.heard == []


async def test_nobody_answers_an_announcement(servers: Servers) -> None:
    phone = device("alice", "phone")
    async with open_world(*servers) as world, phone.connected(world.mosquitto):
        await world.people("alice")
        thread = {"id": "notice-1", "type": "announcement"}
        await world.send({"kind": "user_id", "id": "alice"}, "we are closed today", thread=thread)
        await phone.until_texts("we are closed today")
        id = uuid7()
        mo = {"id": id, "content": {"type": "text", "text": "but why?"}, "thread": {"id": "notice-1"}}
        await phone.publish("up", mo, correlation=b"mine")
        answer = await phone.answer(id)
        assert (answer["type"], answer["code"]) == ("refused", "thread_one_way")
        assert [heard.correlation for heard in phone.heard if heard.document == answer] == [b"mine"]
        # The next one is taken, and only that one.
        after = await phone.say("hello")
        assert (await phone.answer(after))["type"] == "accepted"
        await world.until_mo(after)
        assert [mo["content"]["text"] for mo in world.mo] == ["hello"]


async def test_a_conversation_goes_both_ways_and_can_be_read_again(servers: Servers) -> None:
    phone = device("alice", "phone")
    async with open_world(*servers, stream="support") as world, phone.connected(world.mosquitto):
        created = await phone.ask("thread_create", title="My order", category="orders")
        thread = created["result"]["thread"]
        assert (thread["type"], thread["status"], thread["title"]) == ("conversation", "open", "My order")
        thread_id = thread["thread_id"]
        id = await phone.say("where is it?", thread={"id": thread_id})
        accepted = await phone.answer(id)
        assert (accepted["type"], accepted["thread_id"]) == ("accepted", thread_id)
        (mo,) = await world.until_mo(id)
        assert (mo["mo_id"], mo["thread"]["id"]) == (accepted["mo_id"], thread_id)
        whose = {"kind": "user_id", "id": "alice"}
        await world.send(whose, "on its way", thread={"id": thread_id, "type": "conversation"})
        await phone.until_texts("on its way")
        messages = (await phone.ask("messages", thread_id=thread_id))["result"]["messages"]
        texts = [(each["direction"], each["content"]["text"]) for each in messages]
        assert texts == [("mo", "where is it?"), ("mt", "on its way")]
        listed = (await phone.ask("threads"))["result"]["threads"]
        assert [each["thread_id"] for each in listed] == [thread_id]
        await phone.ask("thread_update", thread_id=thread_id, status="closed")
        late = await phone.say("one more thing", thread={"id": thread_id})
        assert (await phone.answer(late))["code"] == "thread_closed"


async def test_what_one_device_does_others_of_the_person_hear_only_where_the_application_wants_it(
    servers: Servers,
) -> None:
    phone, tablet = device("alice", "phone"), device("alice", "tablet")
    async with open_world(*servers, device_sync=True) as world, AsyncExitStack() as stack:
        for each in (phone, tablet):
            await stack.enter_async_context(each.connected(world.mosquitto))
        told = await phone.say("told")
        await eventually(lambda: _all_heard([tablet], "mo", told))
        message_id = await world.send({"kind": "user_id", "id": "alice"}, "an answer")
        await tablet.until_texts("an answer")
        await tablet.receipt(message_id, "read")
        await eventually(lambda: _all_heard([phone], "receipt", message_id))
        await world.configure(device_sync=False)
        await eventually(lambda: _follows(world, 2))
        untold = await phone.say("not told")
        assert (await phone.answer(untold))["type"] == "accepted"
        await world.until_mo(untold)
        # Whatever would have come has been published before the answer to this.
        await tablet.ask("threads")
        assert [each["id"] for each in tablet.of_type("mo")] == [told]


async def test_topics_are_followed_by_who_asks_for_it_where_that_is_open(servers: Servers) -> None:
    phone = device("alice", "phone")
    async with open_world(*servers) as world, phone.connected(world.mosquitto):
        await world.topic("news")
        await world.topic("staff", open=False)
        assert (await phone.ask("topic_subscribe", topic="news"))["result"]["subscribed"] is True
        assert (await phone.ask("topic_subscribe", topic="staff"))["code"] == "topic_not_open"
        assert (await phone.ask("topic_subscribe", topic="nothing"))["code"] == "unknown_topic"
        listed = (await phone.ask("topics"))["result"]["topics"]
        assert [(each["topic"], each["subscribed"]) for each in listed] == [("news", True)]
        await world.send({"kind": "topic", "id": "news"}, "first")
        await phone.until_texts("first")
        assert (await phone.ask("topic_unsubscribe", topic="news"))["result"]["subscribed"] is False
        message_id = await world.send({"kind": "topic", "id": "news"}, "second")
        drs = await world.until_dr(message_id, "rejected")
        assert drs[0]["reason"]["code"] == "recipient_unreachable"
        assert phone.texts() == ["first"]


TEXT = {"type": "text", "text": "hello"}
BAD_MO: list[tuple[Any, str]] = [
    ({"id": "b-1", "content": TEXT, "thread": {"id": "nothing"}}, "unknown_thread"),
    ({"id": "b-2", "content": TEXT, "thread": {"id": "of-bob"}}, "unknown_thread"),
    ({"id": "b-3", "content": TEXT, "thread": {"topic": "nothing"}}, "unknown_topic"),
    ({"id": "b-4", "content": TEXT, "thread": {"topic": "news"}}, "unknown_topic"),  # not followed
    ({"id": "b-5", "content": TEXT, "thread": {"id": "closed"}}, "thread_closed"),
    ({"id": "b-6", "content": {"type": "song"}}, "invalid_payload"),
    ({"id": "b-7", "content": {"type": "text", "text": "x" * MAX_UP_BYTES}}, "too_large"),
]


async def test_bad_input_is_answered_with_its_code_and_nothing_of_it_gets_through(servers: Servers) -> None:
    phone, ghost = device("alice", "phone"), DeviceClient(Device("nothing", "alice", "phone"))
    async with open_world(*servers) as world, AsyncExitStack() as stack:
        for each in (phone, ghost):
            await stack.enter_async_context(each.connected(world.mosquitto, presence=False))
        await world.people("alice", "bob")
        await world.topic("news")
        await world.threads.ensure(_conversation("of-bob", "bob"))
        await world.threads.ensure(_conversation("closed", "alice", status="closed"))
        of_bob = await world.send({"kind": "user_id", "id": "bob"}, "only for bob")
        await world.until_dr(of_bob, "submitted")
        codes = {}
        for document, code in BAD_MO:
            await phone.publish("up", document)
            codes[document["id"]] = code
        await phone.publish("up", b"{")
        await phone.receipt(of_bob, "read")
        await phone.receipt("m-nothing", "delivered")
        await ghost.publish("up", {"id": "b-8", "content": TEXT})
        codes |= {of_bob: "unknown_message", "m-nothing": "unknown_message"}
        del codes["b-7"]  # what is too large, or not JSON, has no id that could be read
        answers = {of: (await phone.answer(of))["code"] for of in codes}
        assert answers == codes
        assert (await ghost.answer("b-8"))["code"] == "unknown_application"
        nameless = [each["code"] for each in phone.of_type("refused") if each["of"] is None]
        assert sorted(nameless) == ["invalid_payload", "too_large"]
        for of in ("thread_update", "messages"):
            assert (await phone.ask(of, thread_id="of-bob"))["code"] == "unknown_thread"
        good = await phone.say("at last")
        await world.until_mo(good)
        assert [mo["content"]["text"] for mo in world.mo] == ["at last"]
        assert world.statuses(of_bob) == ["submitted"]
        refused = {
            code: await world.metric("all", f'imgw_rtm_refusals_total{{account="app-shop",code="{code}"}}')
            for code in ("thread_closed", "too_large", "unknown_application", "unknown_message")
        }
        assert refused == {
            "thread_closed": 1,
            "too_large": 1,
            "unknown_application": 1,
            "unknown_message": 2,
        }


def _conversation(thread_id: str, user_id: str, status: ThreadStatus = "open") -> ThreadRecord:
    return ThreadRecord(APP, thread_id, "conversation", now(), now(), user_id=user_id, status=status)


async def _all_heard(clients: list[DeviceClient], kind: str, id: str) -> bool:
    return all(
        id in (each.get("id"), each.get("message_id")) for client in clients for each in _last(client, kind)
    )


def _last(client: DeviceClient, kind: str) -> list[dict[str, Any]]:
    return client.of_type(kind)[-1:] or [{}]


async def _progress(world: RtmWorld, message_id: str, devices: int) -> dict[str, Status] | None:
    """How far each device has come, as soon as there are so many."""
    record = await world.transactions.get(f"{APP}/{message_id}")
    return dict(record.devices) if record is not None and len(record.devices) == devices else None


async def _follows(world: RtmWorld, version: int) -> bool:
    return await world.metric("all", "imgw_catalogue_version") == version
