"""What devices are told beside MT: it goes to whom it is for, waits for a broker that is away, and ends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from prometheus_client import CollectorRegistry

from gateway.broker.port import Delivery, Publication
from gateway.errors import FailureKind, ProviderError
from gateway.model.base import now
from gateway.rtm.items import Downlink, answer_to, down_publication
from gateway.telemetry.metrics import Metrics
from gateway.transports.port import MqttMessage, MqttServer, MqttTransport
from processors.breaker import TRIPS_AFTER
from processors.limiter import Limiter
from processors.outcome import Dead
from processors.rtm.downlinks import DownlinkProcessor
from tests.handlers.fake_mqtt import FakeMqtt
from tests.processors.conftest import World, dead, done
from tests.processors.fakes import delivery_of
from tests.processors.rtm_world import BROKER, PHONE, TRACE
from tests.waiting import eventually

SAID = {"type": "receipt", "message_id": "m-1", "status": "read"}
TRACED = ("traceparent", TRACE["traceparent"])


def processor(
    world: World, mqtt: MqttTransport | None = None, limiter: Limiter | None = None
) -> DownlinkProcessor:
    """Of a process that has just started, but for `limiter`: then what that has learnt is known."""
    if limiter is None:
        limiter = Limiter(Metrics(CollectorRegistry()))
        limiter.configure(world.catalogue.accounts)
    return DownlinkProcessor(
        mqtt or world.mqtt, limiter, world.customers, lambda: world.catalogue, world.metrics
    )


def in_a_minute() -> datetime:
    return now() + timedelta(seconds=60)


class HungMqtt:
    """An MQTT broker that answers nothing until it is let."""

    def __init__(self) -> None:
        self.answers = asyncio.Event()
        self.under_way = 0

    async def publish(
        self, server: MqttServer, messages: Sequence[MqttMessage], *, timeout_seconds: float
    ) -> None:
        self.under_way += 1
        await self.answers.wait()


def sync(*, expires_at: datetime | None = None, **whom: Any) -> Publication:
    downlink = Downlink(
        account="rtm-1",
        kind="sync",
        app_id="shop",
        payload=SAID,
        expires_at=expires_at or in_a_minute(),
        **whom,
    )
    return down_publication(downlink, TRACE)


def changed(publication: Publication, **fields: Any) -> Delivery:
    """Its delivery with other fields in it; a field that is None is left out."""
    document = {**orjson.loads(publication.body), **fields}
    body = orjson.dumps({name: value for name, value in document.items() if value is not None})
    same = Publication("", "imgw.rtm.out", body, publication.type, None, publication.headers)
    return delivery_of(same)


def told(mqtt: FakeMqtt) -> list[MqttMessage]:
    """What was published; what it is kept for is about a minute."""
    assert [each.expiry_seconds for each in mqtt.published if each.expiry_seconds not in (59, 60)] == []
    return mqtt.published


def failure(kind: FailureKind) -> ProviderError:
    return ProviderError(kind, reason="provider_unavailable", code="0x97")


def counts(world: World) -> dict[tuple[str, str], float]:
    [metric] = world.metrics.rtm_downlinks.collect()
    return {
        (each.labels["kind"], each.labels["outcome"]): each.value
        for each in metric.samples
        if each.name.endswith("_total")
    }


async def test_an_answer_goes_to_the_one_device_that_asked(rtm: World) -> None:
    answer = answer_to("rtm-1", PHONE, {"type": "result"}, in_a_minute(), TRACE, correlation="0a0b")
    assert await done(processor(rtm), delivery_of(answer)) == []
    [message] = told(rtm.mqtt)
    assert message == MqttMessage(
        topic="imgw/v1/shop/u/ann/d/phone/res",
        payload=b'{"type":"result"}',
        expiry_seconds=message.expiry_seconds,
        content_type="application/json",
        correlation_data=b"\x0a\x0b",
        user_properties=(("type", "response"), TRACED),
    )
    assert [server.host for server in rtm.mqtt.servers] == ["broker.example"]
    assert rtm.mqtt.timeouts_seconds == [BROKER.timeout_seconds]
    assert counts(rtm) == {("response", "published"): 1.0}


async def test_what_somebody_did_is_told_to_all_devices_of_a_person(rtm: World) -> None:
    assert await done(processor(rtm), delivery_of(sync(user_id="ann"))) == []
    [message] = told(rtm.mqtt)
    assert message == MqttMessage(
        topic="imgw/v1/shop/u/ann/sync",
        payload=orjson.dumps(SAID),
        expiry_seconds=message.expiry_seconds,
        content_type="application/json",
        user_properties=(("type", "sync"), TRACED),
    )


@pytest.mark.parametrize(
    ("audience", "people"),
    [("news", ["ann", "bob"]), ("news & sport", ["ann"]), ("news - sport", ["bob"]), ("news & news'", [])],
)
async def test_what_somebody_did_is_told_to_all_who_follow_the_topics(
    rtm: World, audience: str, people: list[str]
) -> None:
    assert await done(processor(rtm), delivery_of(sync(audience=audience))) == []
    assert [each.topic for each in told(rtm.mqtt)] == [f"imgw/v1/shop/u/{who}/sync" for who in people]
    assert counts(rtm) == {("sync", "published"): 1.0}


async def test_many_followers_are_told_page_by_page(rtm: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("processors.rtm.downlinks.PAGE", 1)
    waiting, steps = [sync(audience="news")], 0
    while waiting:
        waiting += await done(processor(rtm), delivery_of(waiting.pop()))
        steps += 1
    assert [each.topic for each in told(rtm.mqtt)] == [f"imgw/v1/shop/u/{who}/sync" for who in ("ann", "bob")]
    assert steps == 3  # behind the last one there might have been more
    assert counts(rtm) == {("sync", "published"): 1.0}


async def test_what_has_expired_is_not_told(rtm: World) -> None:
    past = sync(user_id="ann", expires_at=now() - timedelta(seconds=1))
    assert await done(processor(rtm), delivery_of(past)) == []
    assert rtm.mqtt.servers == []
    assert counts(rtm) == {("sync", "expired"): 1.0}


@pytest.mark.parametrize(
    "kind", [FailureKind.TRANSIENT, FailureKind.UNCERTAIN, FailureKind.THROTTLED, FailureKind.AUTH]
)
async def test_what_the_broker_does_not_take_waits_longer_and_longer(rtm: World, kind: FailureKind) -> None:
    mqtt = FakeMqtt(*(failure(kind) for _ in range(9)))
    delivery = delivery_of(sync(user_id="ann", expires_at=now() + timedelta(days=1)))
    waits = []
    for _ in range(9):
        [again] = await done(processor(rtm, mqtt), delivery)
        assert (again.routing_key, again.body) == ("imgw.rtm.out", delivery.body)
        assert {name: again.headers[name] for name in TRACE} == TRACE
        waits.append(again.exchange.removeprefix("imgw.wait."))
        delivery = delivery_of(again)
    assert waits == ["1s", "5s", "30s", "120s", "600s", "3600s", "21600s", "21600s", "21600s"]
    assert counts(rtm) == {("sync", "waiting"): 9.0}
    assert await done(processor(rtm, mqtt), delivery) == []
    assert [each.topic for each in mqtt.published] == ["imgw/v1/shop/u/ann/sync"]


async def test_it_waits_no_longer_than_it_is_worth_telling(rtm: World) -> None:
    mqtt = FakeMqtt(*(failure(FailureKind.TRANSIENT) for _ in range(5)))
    delivery, waits = delivery_of(sync(user_id="ann")), []
    for _ in range(5):
        [again] = await done(processor(rtm, mqtt), delivery)
        waits.append(again.exchange.removeprefix("imgw.wait."))
        delivery = delivery_of(again)
    assert waits == ["1s", "5s", "30s", "30s", "30s"]


async def test_a_page_that_fails_is_told_again_and_those_before_it_are_not(
    rtm: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processors.rtm.downlinks.PAGE", 1)
    [rest] = await done(processor(rtm), delivery_of(sync(audience="news")))
    failing = FakeMqtt(failure(FailureKind.TRANSIENT))
    [wait] = await done(processor(rtm, failing), delivery_of(rest))
    assert wait.exchange == "imgw.wait.1s"
    [end] = await done(processor(rtm, failing), delivery_of(wait))
    assert [each.topic for each in failing.published] == ["imgw/v1/shop/u/bob/sync"]
    assert await done(processor(rtm, failing), delivery_of(end)) == []


async def test_a_broker_that_does_not_answer_is_left_alone_while_what_is_for_it_waits(rtm: World) -> None:
    mqtt, seconds = FakeMqtt(*(failure(FailureKind.UNCERTAIN) for _ in range(TRIPS_AFTER))), [0.0]
    limiter = Limiter(rtm.metrics, lambda: seconds[0])
    limiter.configure(rtm.catalogue.accounts)
    delivery = delivery_of(sync(user_id="ann", expires_at=now() + timedelta(days=1)))
    process, waits = processor(rtm, mqtt, limiter), []
    for _ in range(TRIPS_AFTER + 1):
        [again] = await done(process, delivery)
        waits.append((again.exchange.removeprefix("imgw.wait."), again.headers.get("x-looks")))
        delivery = delivery_of(again)
    # The last wait is by what is left of the rest that the breaker takes, and no try of this one.
    assert waits == [("1s", 1), ("5s", 2), ("30s", 3), ("120s", 4), ("600s", 5), ("5s", 5)]
    assert len(mqtt.servers) == TRIPS_AFTER
    assert counts(rtm) == {("sync", "waiting"): TRIPS_AFTER + 1.0}
    seconds[0] += 60.0
    assert await done(process, delivery) == []
    assert [each.topic for each in mqtt.published] == ["imgw/v1/shop/u/ann/sync"]


async def test_no_more_goes_to_a_broker_at_once_than_its_account_says(rtm: World) -> None:
    mqtt, limiter = HungMqtt(), Limiter(rtm.metrics)
    limiter.configure({"rtm-1": BROKER.model_copy(update={"max_in_flight": 2})})
    process = processor(rtm, mqtt, limiter)
    telling = [asyncio.create_task(done(process, delivery_of(sync(user_id="ann")))) for _ in range(3)]
    [first], under_way = await asyncio.wait(telling, timeout=30, return_when=asyncio.FIRST_COMPLETED)
    [again] = first.result()
    assert (again.exchange, again.routing_key, mqtt.under_way) == ("imgw.wait.5s", "imgw.rtm.out", 2)
    mqtt.answers.set()
    assert await asyncio.gather(*under_way) == [[], []]


async def test_who_comes_while_a_broker_hangs_is_not_kept_waiting(rtm: World) -> None:
    mqtt, seconds = HungMqtt(), [0.0]
    limiter = Limiter(rtm.metrics, lambda: seconds[0])
    limiter.configure({"rtm-1": BROKER.model_copy(update={"max_in_flight": 3})})
    process = processor(rtm, mqtt, limiter)
    hanging = [asyncio.create_task(done(process, delivery_of(sync(user_id="ann")))) for _ in range(2)]

    async def both_hang() -> bool:
        return mqtt.under_way == 2

    await eventually(both_hang)
    seconds[0] += 1.5
    [again] = await done(process, delivery_of(sync(user_id="ann")))
    assert (again.exchange, again.headers.get("x-looks"), mqtt.under_way) == ("imgw.wait.1s", None, 2)
    assert counts(rtm) == {("sync", "waiting"): 1.0}
    mqtt.answers.set()
    assert await asyncio.gather(*hanging) == [[], []]
    assert await done(process, delivery_of(sync(user_id="ann"))) == []


async def test_what_may_not_be_published_on_one_topic_silences_no_other(rtm: World) -> None:
    mqtt, limiter = FakeMqtt(failure(FailureKind.AUTH)), Limiter(rtm.metrics)
    limiter.configure(rtm.catalogue.accounts)
    process = processor(rtm, mqtt, limiter)
    [again] = await done(process, delivery_of(sync(user_id="ann")))
    assert again.exchange == "imgw.wait.1s"
    answer = answer_to("rtm-1", PHONE, {"type": "result"}, in_a_minute(), TRACE)
    assert await done(process, delivery_of(answer)) == []
    assert [each.topic for each in mqtt.published] == ["imgw/v1/shop/u/ann/d/phone/res"]


async def test_a_page_that_is_refused_keeps_nothing_from_those_that_follow(
    rtm: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processors.rtm.downlinks.PAGE", 1)
    mqtt = FakeMqtt(failure(FailureKind.PERMANENT))
    [rest] = await done(processor(rtm, mqtt), delivery_of(sync(audience="news")))
    [end] = await done(processor(rtm, mqtt), delivery_of(rest))
    assert [each.topic for each in mqtt.published] == ["imgw/v1/shop/u/bob/sync"]
    assert await done(processor(rtm, mqtt), delivery_of(end)) == []


async def test_what_the_broker_will_never_take_is_kept_for_a_person_to_look_at(rtm: World) -> None:
    mqtt = FakeMqtt(ProviderError(FailureKind.PERMANENT, reason="content_too_long"))
    outcome = await dead(processor(rtm, mqtt), delivery_of(sync(user_id="ann")))
    assert outcome == Dead("refused", "the MQTT broker does not take it: content_too_long")
    assert counts(rtm) == {("sync", "refused"): 1.0}


async def test_what_is_for_an_account_that_is_gone_is_kept(rtm: World, world: World) -> None:
    gone = changed(sync(user_id="ann"), account="rtm-2")
    assert await dead(processor(rtm), gone) == Dead("unknown_account", "rtm-2")


def garbage() -> Iterator[tuple[str, Delivery, str]]:
    whole = sync(user_id="ann")
    yield "no JSON", delivery_of(Publication("", "imgw.rtm.out", b"{")), "not a downlink: 1 fields are wrong"
    yield "no account", changed(whole, account=None), "not a downlink: 1 fields are wrong"
    yield "more in it", changed(whole, to="bob"), "not a downlink: 1 fields are wrong"
    yield "a person nobody is", changed(whole, user_id="+"), "not a downlink: 1 fields are wrong"
    yield "to nobody", changed(whole, user_id=None), "a sync needs user_id or audience"
    yield "no hexadecimal", changed(whole, correlation="xy"), "correlation is not hexadecimal"
    yield "no device", changed(whole, kind="response"), "a response needs user_id and device_id"


@pytest.mark.parametrize(
    ("delivery", "detail"), [pytest.param(each, why, id=name) for name, each, why in garbage()]
)
async def test_garbage_is_kept_for_a_person_to_look_at(rtm: World, delivery: Delivery, detail: str) -> None:
    assert await dead(processor(rtm), delivery) == Dead("invalid_message", detail)
    assert rtm.mqtt.servers == []


async def test_an_expression_that_does_not_parse_is_kept(rtm: World) -> None:
    outcome = await dead(processor(rtm), delivery_of(sync(audience="news &&")))
    assert (outcome.reason, bool(outcome.detail)) == ("invalid_message", True)
