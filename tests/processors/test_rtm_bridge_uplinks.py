"""What becomes of what devices publish: queued, served or refused, and acknowledged only then."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import orjson
import pytest
import structlog

from gateway.errors import StoreUnavailable
from gateway.model.application import Application
from gateway.model.base import now
from gateway.rtm.items import UpItem
from gateway.rtm.names import Device
from gateway.rtm.refusals import RtmRefused
from gateway.rtm.wire import MAX_UP_BYTES
from tests.processors.rtm_bridge_world import MO, PHONE, SHOP, UplinkWorld
from tests.processors.virtual_time import in_virtual_time

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def image(**fields: str) -> dict[str, Any]:
    """An MO with a picture."""
    return {**MO, "content": {"type": "image", **fields}}


async def test_an_mo_goes_to_its_queue_in_the_devices_own_words() -> None:
    world, at = UplinkWorld(), now()
    received = world.devices.of(
        PHONE,
        "up",
        MO,
        response_topic=PHONE.responses,
        correlation=b"\x01\xff",
        properties=(("traceparent", TRACE), ("tracestate", "a\nb"), ("other", "x")),
    )
    await world.uplinks.deal(received, at)
    (published,) = world.broker.published
    item = UpItem.model_validate_json(published.body)
    assert item == UpItem(
        app_id="shop", user_id="alice", device_id="phone", payload=MO, answer=True, correlation="01ff"
    )
    assert (published.exchange, published.routing_key, published.type) == (
        "",
        "imgw.mo.in",
        "imgw.callback.v1",
    )
    headers = {"x-account": "app", "x-kind": "mo", "traceparent": TRACE}
    assert {name: value for name, value in published.headers.items() if name != "x-received-at"} == headers
    assert world.received() == {("up", "accepted"): 1}


async def test_a_receipt_goes_to_the_queue_of_receipts() -> None:
    world = UplinkWorld()
    receipt = {"message_id": "m-1", "status": "read"}
    await world.uplinks.deal(world.devices.of(PHONE, "rcpt", receipt), now())
    (published,) = world.broker.published
    assert (published.routing_key, published.headers["x-kind"]) == ("imgw.dr.in", "dr")
    assert orjson.loads(published.body)["payload"] == receipt


async def test_an_answer_is_not_promised_to_a_response_topic_of_somebody_else() -> None:
    world = UplinkWorld()
    other = Device("shop", "bob", "phone").responses
    await world.uplinks.deal(world.devices.of(PHONE, "up", MO, response_topic=other), now())
    assert orjson.loads(world.broker.published[0].body)["answer"] is False


@pytest.mark.parametrize(
    ("kind", "payload", "code", "of", "says"),
    [
        ("up", b"{", "invalid_payload", None, "it is not JSON"),
        ("up", b"", "invalid_payload", None, "it is not JSON"),
        ("up", b'"text"', "invalid_payload", None, "document: "),
        ("up", {"id": "mo-1"}, "invalid_payload", "mo-1", "content: Field required"),
        ("up", {"id": "so bad", "content": MO["content"]}, "invalid_payload", None, "id: "),
        (
            "up",
            {**MO, "content": {"type": "hush-1"}},
            "invalid_payload",
            "mo-1",
            "; content.type: is none of 'text', ",
        ),
        ("up", {**MO, "content": {"text": "x"}}, "invalid_payload", "mo-1", "; content.type: Field required"),
        (
            "up",
            {**MO, "content": {"type": "text"}},
            "invalid_payload",
            "mo-1",
            "; content.text: Field required",
        ),
        ("up", image(media_id="m"), "invalid_payload", "mo-1", "; content.url: Field required"),
        ("up", image(url="file:///hush"), "invalid_payload", "mo-1", "; content.url: String should match"),
        ("up", {**MO, "extra": "hush-2"}, "invalid_payload", "mo-1", "extra: Extra inputs"),
        ("up", MO["id"].encode() * MAX_UP_BYTES, "too_large", None, f"at most {MAX_UP_BYTES} are taken"),
        (
            "rcpt",
            {"message_id": "m-1", "status": "hush-3"},
            "invalid_payload",
            "m-1",
            "status: is none of 'delivered' ",
        ),
        (
            "req",
            {"id": "r-1", "action": "hush-4"},
            "invalid_payload",
            "r-1",
            "; action: is none of 'threads', ",
        ),
        ("req", {"id": "r-1"}, "invalid_payload", "r-1", "; action: Field required"),
        ("req", {"action": "threads"}, "invalid_payload", None, "; id: Field required"),
        ("presence", {"online": True}, "invalid_payload", None, "session: Field required"),
    ],
)
async def test_what_cannot_be_taken_is_refused_on_the_devices_responses_topic(
    kind: Any, payload: Any, code: str, of: str | None, says: str
) -> None:
    world = UplinkWorld()
    await world.uplinks.deal(world.devices.of(PHONE, kind, payload, correlation=b"c"), now())
    ((device, answer, correlation),) = world.responses.sent
    assert (device, correlation) == (PHONE, b"c")
    assert says in f"; {answer.pop('detail')}"
    assert answer == {"type": "refused", "of": of, "code": code}
    assert (world.broker.published, world.received()) == ([], {(kind, "refused"): 1})
    assert world.registry.get_sample_value("imgw_rtm_refusals_total", {"account": "app", "code": code}) == 1


async def test_a_refusal_never_quotes_what_was_given() -> None:
    world = UplinkWorld()
    for document in (
        {**MO, "content": {"type": "hush"}},
        {**MO, "sent_at": "hush"},
        {**MO, "id": "hush hush"},
    ):
        await world.uplinks.deal(world.devices.of(PHONE, "up", document), now())
    details = [answer["detail"] for _, answer, _ in world.responses.sent]
    assert len(details) == 3
    assert [detail for detail in details if "hush" in detail] == []


async def test_devices_of_an_application_that_was_just_made_are_served() -> None:
    world = UplinkWorld(Application(app_id="other"))
    world.known.news = (SHOP,)
    await world.uplinks.deal(world.devices.of(PHONE, "up", MO), now())
    assert ([answer for _, answer, _ in world.responses.sent], len(world.broker.published)) == ([], 1)


@pytest.mark.parametrize(
    "application",
    [
        Application(app_id="other"),
        Application(app_id="shop", enabled=False),
        Application(app_id="shop", accounts=("elsewhere",)),
    ],
    ids=["unknown", "disabled", "of another account"],
)
async def test_devices_of_an_application_that_is_not_served_here_are_refused(
    application: Application,
) -> None:
    world = UplinkWorld(application)
    await world.uplinks.deal(world.devices.of(PHONE, "up", MO), now())
    assert [answer["code"] for _, answer, _ in world.responses.sent] == ["unknown_application"]
    assert world.broker.published == []


async def test_topics_that_no_device_has_are_ignored() -> None:
    world = UplinkWorld()
    for topic in ("imgw/v1/shop/u/alice/d/phone/down", "imgw/v1/shop/u/%61lice/d/phone/up", "a/b"):
        await world.uplinks.deal(world.devices.on(topic, b"{}"), now())
    assert (world.received(), world.responses.sent) == ({("unknown", "ignored"): 3}, [])


async def test_a_request_is_answered_to_the_device_that_made_it() -> None:
    world = UplinkWorld()
    request = world.devices.of(PHONE, "req", {"id": "r-1", "action": "threads"}, correlation=b"7")
    await world.uplinks.deal(request, now())
    answer = {"type": "result", "of": "r-1", "result": {"served": "threads"}}
    assert world.responses.sent == [(PHONE, answer, b"7")]


async def test_a_request_that_is_refused_says_why() -> None:
    world = UplinkWorld()
    world.requests.failure = RtmRefused("unknown_thread")
    request = {"id": "r-1", "action": "messages", "thread_id": "t-1"}
    await world.uplinks.deal(world.devices.of(PHONE, "req", request), now())
    detail = "there is no such thread, or it is not this person's"
    answer = {"type": "refused", "of": "r-1", "code": "unknown_thread", "detail": detail}
    assert world.responses.sent == [(PHONE, answer, None)]


async def test_a_request_waits_for_the_store_only_as_long_as_its_client_does() -> None:
    world = UplinkWorld()
    world.requests.failure = StoreUnavailable("MongoDB: no answer in time")
    request = world.devices.of(PHONE, "req", {"id": "r-1", "action": "topics"})
    with pytest.raises(StoreUnavailable):
        await world.uplinks.deal(request, now())
    await world.uplinks.deal(request, now() - timedelta(seconds=31))
    assert [answer["code"] for _, answer, _ in world.responses.sent] == ["unavailable"]


@in_virtual_time
async def test_nothing_is_acknowledged_before_it_is_confirmed() -> None:
    world = UplinkWorld()
    world.uplinks.start()
    world.broker.confirms.clear()
    world.uplinks.take(world.devices.of(PHONE, "up", MO))
    await asyncio.sleep(60)
    assert world.devices.acknowledged == []
    world.broker.confirms.set()
    await asyncio.sleep(1)
    assert world.devices.acknowledged == [orjson.dumps(MO)]
    await world.uplinks.stop()


@in_virtual_time
async def test_while_the_broker_or_the_store_is_away_all_is_kept_and_tried_until_it_works() -> None:
    world = UplinkWorld()
    world.uplinks.start()
    world.broker.trouble, world.customers.away = "RabbitMQ: refused", True
    world.uplinks.take(world.devices.of(PHONE, "up", MO))
    world.uplinks.take(world.devices.of(PHONE, "presence", {"online": False, "session": "s"}))
    with structlog.testing.capture_logs() as logs:
        await asyncio.sleep(6 * 3_600)
    assert (world.devices.acknowledged, world.broker.published) == ([], [])
    waiting = [log["error"] for log in logs]
    assert waiting == ["RabbitMQ: refused", "MongoDB: no answer in time"]
    assert world.uplinks.trouble == "2 publications wait: RabbitMQ: refused"
    assert world.unacknowledged() == 2
    world.broker.trouble, world.customers.away = None, False
    await asyncio.sleep(6)
    assert world.uplinks.trouble is None
    assert world.unacknowledged() == 0
    assert (len(world.devices.acknowledged), len(world.broker.published)) == (2, 1)
    assert world.received() == {("up", "accepted"): 1, ("presence", "accepted"): 1}
    await world.uplinks.stop()
    assert world.unacknowledged() is None


@in_virtual_time
async def test_a_bug_costs_one_publication_and_it_is_kept_for_people_to_look_at() -> None:
    world = UplinkWorld()
    world.uplinks.start()
    world.requests.failure = ZeroDivisionError()
    world.uplinks.take(world.devices.of(PHONE, "req", {"id": "r-1", "action": "topics"}))
    world.uplinks.take(world.devices.of(PHONE, "up", MO))
    await asyncio.sleep(1)
    buried, mo = sorted(world.broker.published, key=lambda publication: publication.routing_key)
    assert (buried.routing_key, mo.routing_key) == ("imgw.dead", "imgw.mo.in")
    told = ("x-mqtt-topic", "x-dead-reason", "x-dead-detail")
    assert [buried.headers[name] for name in told] == [PHONE.up("req"), "internal_error", "ZeroDivisionError"]
    assert len(world.devices.acknowledged) == 2
    await world.uplinks.stop()


@in_virtual_time
async def test_what_is_under_way_when_it_is_stopped_stays_unacknowledged() -> None:
    world = UplinkWorld(SHOP)
    world.uplinks.start()
    world.broker.confirms.clear()
    world.uplinks.take(world.devices.of(PHONE, "up", MO))
    await asyncio.sleep(1)
    await world.uplinks.stop()
    assert (world.devices.acknowledged, world.broker.published) == ([], [])


@pytest.mark.parametrize(
    "payload",
    [
        b"[" * 60_000,
        b'{"id": "x", "content": ' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"}",
        b'{"id": "x", "content": {"type": "text", "text": "\\ud800"}}',
        b'{"id": "x", "content": {"type": "text", "text": "\xff\xfe"}}',
        b'{"id": "x", "content": {"type": "location", "latitude": NaN, "longitude": 1}}',
        b'{"id": "x", "content": {"type": "location", "latitude": 1e999, "longitude": 1}}',
        b'{"id": "x", "content": {"type": "text", "text": "a"}, "sent_at": 9' + b"9" * 400 + b"}",
        b'{"id": "x", "content": {"type": "text", "text": "a"}, "sent_at": "0001-01-01T00:00:00+14:00"}',
        b'{"id": 12345678901234567890123456789012345678901234567890, "content": null}',
        b'{"id": "x", "content": {"type": ["text"]}}',
        b"\x00",
        b"null",
    ],
)
@pytest.mark.parametrize("kind", ["up", "rcpt", "req", "presence"])
async def test_hostile_payloads_are_refused_and_break_nothing(kind: Any, payload: bytes) -> None:
    world = UplinkWorld()
    await world.uplinks.deal(world.devices.of(PHONE, kind, payload), now())
    assert [answer["code"] for _, answer, _ in world.responses.sent] == ["invalid_payload"]
    assert (world.broker.published, world.received()) == ([], {(kind, "refused"): 1})
