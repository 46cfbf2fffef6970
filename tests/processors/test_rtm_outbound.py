"""MT of the in-app channel: to whom, in which thread, and who is woken."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest

from gateway.broker.port import Delivery
from gateway.errors import FailureKind, ProviderError
from gateway.model.address import Thread
from gateway.model.base import now, to_utc_milliseconds
from gateway.model.receipt import Status
from gateway.rtm.items import WakeUp
from gateway.rtm.names import Device
from gateway.store.records import Claim
from gateway.store.threads import ThreadRecord
from processors.rtm.conversations import implicit_of_topics, implicit_of_user
from tests.handlers.fake_mqtt import FakeMqtt
from tests.processors.conftest import World, done
from tests.processors.fakes import again, delivery_of, mt, seen
from tests.processors.rtm_world import PUSH, TRACE, configure, thread, to_ann, to_topic

pytestmark = pytest.mark.mongodb

NOTIFICATION = {"text": "You have a message"}
AWAY = ProviderError(FailureKind.TRANSIENT, reason="provider_unavailable", code="connection")


async def _told(world: World, delivery: Delivery) -> list[tuple[Any, ...]]:
    """What the platform hears of an MT in the end: its status, the reason's code, and its words."""
    told = await world.follow(await done(world.mt, delivery))
    rows = [dr for publication, dr in seen(told) if publication.startswith("dr.")]
    return [
        (dr["status"], dr.get("reason", {}).get("code"), dr.get("reason", {}).get("provider_text"))
        for dr in rows
    ]


def _sent(mqtt: FakeMqtt) -> list[tuple[str, Any]]:
    """Where what was published went, and in which thread."""
    return [(each.topic, orjson.loads(each.payload).get("thread")) for each in mqtt.published]


def _named(record: ThreadRecord) -> dict[str, Any]:
    return record.as_named.model_dump(exclude_none=True)


def _anns() -> ThreadRecord:
    return implicit_of_user("shop", "ann", "conversation", now())


def _with_trace(delivery: Delivery) -> Delivery:
    return replace(delivery, headers={**delivery.headers, **TRACE})


async def test_an_mt_that_names_no_thread_belongs_to_the_persons_own_conversation(rtm: World) -> None:
    [(_, dr)] = seen(await done(rtm.mt, to_ann()))
    expected = _named(_anns())
    assert _sent(rtm.mqtt) == [("imgw/v1/shop/u/ann/down", expected)]
    assert (dr["status"], dr["thread"]) == ("submitted", expected)
    record = await rtm.record()
    assert (record.in_app, record.thread) == (True, Thread(**expected))
    stored = await rtm.threads.get("shop", expected["id"])
    assert stored is not None
    assert (stored.user_id, stored.topic, stored.status) == ("ann", None, "open")


async def test_an_mt_to_one_device_is_in_the_persons_conversation_too(rtm: World) -> None:
    await done(rtm.mt, to_ann(to={"kind": "device", "id": "ann/phone"}))
    assert _sent(rtm.mqtt) == [("imgw/v1/shop/u/ann/d/phone/down", _named(_anns()))]


async def test_an_mt_to_a_topic_goes_to_each_who_follows_it_as_its_announcement(rtm: World) -> None:
    await done(rtm.mt, to_topic("news"))
    expected = _named(implicit_of_topics("shop", "news", "announcement", now()))
    assert expected["type"] == "announcement"
    assert _sent(rtm.mqtt) == [
        ("imgw/v1/shop/u/ann/down", expected),
        ("imgw/v1/shop/u/bob/down", expected),
    ]


async def test_an_expression_means_whom_it_says(rtm: World) -> None:
    await done(rtm.mt, to_topic("news - sport"))
    assert [topic for topic, _ in _sent(rtm.mqtt)] == ["imgw/v1/shop/u/bob/down"]


@pytest.mark.parametrize(
    ("to", "code", "text"),
    [
        ("eve", "invalid_recipient", "the application knows no such person"),
        ({"kind": "device", "id": "eve/phone"}, "invalid_recipient", "the application knows no such person"),
        ({"kind": "device", "id": "ann/watch"}, "invalid_recipient", "the person has no such device"),
        ({"kind": "device", "id": "ann"}, "invalid_recipient", None),
        ({"kind": "user_id", "id": "ann/phone"}, "invalid_recipient", None),
        ({"kind": "msisdn", "id": "447700900001"}, "invalid_recipient", None),
        (
            {"kind": "topic", "id": "news || weather"},
            "invalid_recipient",
            "the application has no topic weather",
        ),
        ({"kind": "topic", "id": "sport - news"}, "recipient_unreachable", "the topics mean nobody"),
    ],
)
async def test_a_recipient_that_there_is_not_is_refused(
    rtm: World, to: Any, code: str, text: str | None
) -> None:
    words = text or "the channel takes a user_id, a device (user id/device id) or a topic"
    assert await _told(rtm, to_ann(to=to)) == [("rejected", code, words)]
    assert _sent(rtm.mqtt) == []


async def test_an_expression_that_does_not_parse_is_refused_with_where(rtm: World) -> None:
    [(status, code, text)] = await _told(rtm, to_topic("news &"))
    assert (status, code, "news" in text) == ("rejected", "invalid_recipient", False)


async def test_a_thread_that_there_is_not_is_made_for_the_recipient(rtm: World) -> None:
    named = {"id": "order-1", "type": "conversation", "title": "Order"}
    await done(rtm.mt, to_ann(thread=named))
    assert _sent(rtm.mqtt) == [("imgw/v1/shop/u/ann/down", named)]
    stored = await rtm.threads.get("shop", "order-1")
    assert stored is not None
    assert (stored.user_id, stored.type, stored.title) == ("ann", "conversation", "Order")


async def test_a_thread_that_there_is_keeps_its_title(rtm: World) -> None:
    await rtm.threads.ensure(thread(title="Order"))
    await done(rtm.mt, to_ann(thread={"id": "t-1", "type": "conversation", "title": "Another"}))
    assert _sent(rtm.mqtt)[0][1] == {"id": "t-1", "type": "conversation", "title": "Order"}


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        ({"status": "closed"}, "closed"),
        ({"type": "announcement"}, "of type announcement"),
        ({"user_id": "bob"}, "for somebody else"),
        ({"topic": "news"}, "for somebody else"),
    ],
)
async def test_a_thread_that_is_not_open_for_this_is_refused_and_shows_nothing(
    rtm: World, stored: dict[str, Any], words: str
) -> None:
    await rtm.threads.ensure(thread(**stored))
    told = await _told(rtm, to_ann(thread={"id": "t-1", "type": "conversation"}))
    assert told == [("rejected", "thread_closed", f"thread t-1 is {words}")]
    record = await rtm.record()
    # With its thread it would show among messages that are not this person's.
    assert (record.in_app, record.thread, _sent(rtm.mqtt)) == (True, None, [])


async def test_an_expression_written_in_another_way_has_the_same_thread(rtm: World) -> None:
    await rtm.threads.ensure(thread(topic="news||sport", type="announcement"))
    await done(rtm.mt, to_topic("news || sport", thread={"id": "t-1", "type": "announcement"}))
    assert [named["id"] for _, named in _sent(rtm.mqtt)] == ["t-1", "t-1"]


async def test_a_person_with_the_name_of_a_topic_has_another_conversation(rtm: World) -> None:
    ours = implicit_of_user("shop", "news", "conversation", now())
    assert ours.thread_id != implicit_of_topics("shop", "news", "conversation", now()).thread_id


async def test_a_thread_that_clients_could_not_name_is_refused(rtm: World) -> None:
    [(status, code, text)] = await _told(rtm, to_ann(thread={"id": "t 1", "type": "conversation"}))
    assert (status, code, text.split(":")[0]) == ("rejected", "invalid_message", "thread.id")


@pytest.mark.parametrize("content", [{"type": "typing"}, {"type": "read", "of": "in-1"}])
async def test_what_is_no_message_is_not_logged_in_the_thread(rtm: World, content: dict[str, Any]) -> None:
    await done(rtm.mt, to_ann(content=content))
    record = await rtm.record()
    assert (record.thread, _sent(rtm.mqtt)) == (None, [("imgw/v1/shop/u/ann/down", _named(_anns()))])


async def test_devices_are_told_what_the_message_was_traced_by(rtm: World) -> None:
    await done(rtm.mt, _with_trace(to_ann()))
    assert ("traceparent", TRACE["traceparent"]) in rtm.mqtt.published[0].user_properties


def _woken(publications: list[Any]) -> list[WakeUp]:
    return [
        WakeUp.model_validate_json(each.body) for each in publications if each.routing_key == "imgw.rtm.wake"
    ]


WAKE = WakeUp(app_id="shop", message_id="m-1")


async def test_a_notification_wakes_the_recipient_once_it_is_submitted(rtm: World) -> None:
    configure(rtm, push=PUSH)
    published = await done(rtm.mt, _with_trace(to_ann(notification=NOTIFICATION)))
    assert [each.routing_key for each in published] == ["dr.shop.submitted", "imgw.rtm.wake"]
    assert (_woken(published), published[1].headers) == ([WAKE], TRACE)


@pytest.mark.parametrize(("push", "fields"), [({}, {"notification": NOTIFICATION}), (PUSH, {})])
async def test_without_words_or_an_account_nobody_is_woken(
    rtm: World, push: dict[str, str], fields: dict[str, Any]
) -> None:
    configure(rtm, push=push)
    assert _woken(await done(rtm.mt, to_ann(**fields))) == []


async def test_nobody_is_woken_by_what_was_not_submitted(rtm: World) -> None:
    configure(rtm, push=PUSH)
    rtm.mqtt._failures.append(AWAY)
    [wait] = await done(rtm.mt, to_ann(notification=NOTIFICATION))
    assert wait.routing_key == "imgw.retry"
    told = await rtm.follow([wait])
    assert [each.routing_key for each in told] == ["dr.shop.submitted", "imgw.rtm.wake"]


async def test_what_was_logged_but_perhaps_not_published_wakes_again(rtm: World) -> None:
    configure(rtm, push=PUSH)
    delivery = to_ann(notification=NOTIFICATION)
    first = await done(rtm.mt, delivery)
    assert await done(rtm.mt, again(delivery)) == first
    assert _woken(await done(rtm.mt, delivery)) == []  # published twice: that is known


async def test_a_retry_that_was_logged_but_perhaps_not_published_wakes_again(rtm: World) -> None:
    configure(rtm, push=PUSH)
    rtm.mqtt._failures.append(AWAY)
    [wait] = await done(rtm.mt, to_ann(notification=NOTIFICATION))
    retried = delivery_of(wait)
    first = await done(rtm.retry, retried)
    assert [each.routing_key for each in first] == ["dr.shop.submitted", "imgw.rtm.wake"]
    assert await done(rtm.retry, again(retried)) == first


async def test_a_retry_asks_again_who_follows_and_whether_the_thread_is_open(rtm: World) -> None:
    rtm.mqtt._failures.append(AWAY)
    [wait] = await done(rtm.mt, to_topic("sport"))
    await rtm.customers.follow("shop", "sport", ["bob"], now())
    await rtm.follow([wait])
    assert [topic for topic, _ in _sent(rtm.mqtt)] == ["imgw/v1/shop/u/ann/down", "imgw/v1/shop/u/bob/down"]


async def test_a_thread_that_was_closed_while_it_waited_ends_it(rtm: World) -> None:
    rtm.mqtt._failures.append(AWAY)
    [wait] = await done(rtm.mt, to_ann(thread={"id": "t-1", "type": "conversation"}))
    await rtm.threads.update("shop", "t-1", {"status": "closed"}, now())
    [(_, dr)] = seen(await rtm.follow([wait]))
    assert (dr["status"], dr["reason"]["code"]) == ("failed", "thread_closed")
    assert _sent(rtm.mqtt) == []


async def test_one_whose_sender_died_is_sent_again(rtm: World) -> None:
    """Sending twice does no harm, since clients drop what they had."""
    delivery = to_ann()
    await done(rtm.mt, delivery)
    record = await rtm.record("shop/m-1")
    assert record.status is Status.SUBMITTED
    await rtm.transactions.insert(
        replace(record, message_id="m-2", status=Status.SENDING, claim=Claim("dead", record.accepted_at))
    )
    [wait] = await done(rtm.mt, to_ann(message_id="m-2"))
    await rtm.follow([wait])
    assert [orjson.loads(each.payload)["message_id"] for each in rtm.mqtt.published] == ["m-1", "m-2"]


async def test_other_channels_are_asked_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unasked(*_: Any) -> Any:
        raise AssertionError("asked in vain")

    monkeypatch.setattr("processors.rtm.outbound.InAppOutbound.addressed", unasked)
    named = {"id": "any thread", "type": "conversation"}
    [(_, dr)] = seen(await done(world.mt, mt(thread=named, notification=NOTIFICATION)))
    assert (dr["status"], dr["thread"]) == ("submitted", named)
    assert (await world.record()).in_app is False


@pytest.mark.parametrize("retried", [False, True])
async def test_it_is_claimed_for_as_long_as_all_pages_of_its_followers_can_take(
    rtm: World, monkeypatch: pytest.MonkeyPatch, retried: bool
) -> None:
    at, claims = now(), []
    many = [f"person-{number}" for number in range(1_001)]
    for user_id in many:
        await rtm.customers.touch(Device("shop", user_id, "phone"), at)
    await rtm.customers.follow("shop", "sport", many, at)
    publish = rtm.mqtt.publish

    async def watched(*arguments: Any, **named: Any) -> None:
        claims.append((await rtm.record()).claim)
        await publish(*arguments, **named)

    monkeypatch.setattr(rtm.mqtt, "publish", watched)
    monkeypatch.setattr("processors.dispatch.now", lambda: at)
    rtm.mqtt._failures.extend([AWAY] * retried)
    await rtm.follow(await done(rtm.mt, to_topic("sport")))
    until = to_utc_milliseconds(at + timedelta(seconds=2 * 30 + 15))
    assert claims == [Claim("test", until)] * (3 if retried else 2)
