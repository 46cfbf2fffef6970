"""What every broker promises of its queues: routing, wait tiers, and looking through a queue."""

from __future__ import annotations

import asyncio
import time

import pytest

from gateway.broker import topology
from gateway.broker.port import Broker, Headers, Publication, StoredMessage
from gateway.errors import BrokerUnavailable, Unroutable
from tests.contracts.broker_kinds import (
    Inbox,
    depth_is,
    drained,
    message,
)
from tests.waiting import eventually

QUEUE = topology.MT
EVERY_BYTE = bytes(range(256))


async def test_a_wait_tier_hands_a_message_on_after_its_time(broker: Broker) -> None:
    inbox = Inbox()
    await broker.consume(topology.RETRY, 10, inbox.take)
    headers: Headers = {"x-attempt": 2, "traceparent": "00-ab-cd-01"}
    waiting = Publication("", QUEUE, EVERY_BYTE, "imgw.mt.v1", "id-1", headers)
    began = time.monotonic()
    await broker.publish(topology.after(1, topology.RETRY, waiting))
    held = await broker.depth(topology.wait_tier(1))
    delivery = await inbox.next()

    assert (held, time.monotonic() - began >= 0.9) == (1, True)
    assert (delivery.queue, delivery.body, delivery.headers) == (topology.RETRY, EVERY_BYTE, headers)
    assert (delivery.type, delivery.message_id) == ("imgw.mt.v1", "id-1")


async def test_a_wait_tier_serves_every_queue_a_platforms_own_included(broker: Broker) -> None:
    await broker.declare_queue("imgw.mt.acme", {})
    inboxes = {queue: Inbox() for queue in (topology.RETRY, topology.DR_IN, "imgw.mt.acme")}
    for queue, inbox in inboxes.items():
        await broker.consume(queue, 10, inbox.take)
        await broker.publish(topology.after(1, queue, Publication("", "", queue.encode())))

    assert [(await inbox.next()).body.decode() for inbox in inboxes.values()] == list(inboxes)


async def test_the_topic_exchange_serves_the_default_queues_and_a_platforms_own(broker: Broker) -> None:
    await broker.declare_queue("acme", {"mo.acme.*": topology.OUT, "dr.acme.#": topology.OUT})
    for key in ("mo.acme.whatsapp", "dr.acme.delivered", "mo.other.sms", "dr.other.read", "mo.acme.rtm.news"):
        await broker.publish(Publication(topology.OUT, key, key.encode()))

    assert await drained(broker, topology.MO) == ["mo.acme.whatsapp", "mo.other.sms", "mo.acme.rtm.news"]
    assert await drained(broker, topology.DR) == ["dr.acme.delivered", "dr.other.read"]
    assert await drained(broker, "acme") == ["mo.acme.whatsapp", "dr.acme.delivered"]


async def test_the_mt_exchange_serves_both_mt_queues(broker: Broker) -> None:
    for key in ("submit", "bulk"):
        await broker.publish(Publication(topology.MT_EXCHANGE, key, key.encode()))

    assert await drained(broker, topology.MT) == ["submit"]
    assert await drained(broker, topology.MT_BULK) == ["bulk"]


async def test_a_queue_can_be_declared_again(broker: Broker) -> None:
    for _ in range(2):
        await broker.declare_queue("acme", {"mo.acme.*": topology.OUT})
    await broker.publish(Publication(topology.OUT, "mo.acme.sms", b"once"))

    assert await drained(broker, "acme") == ["once"]


@pytest.mark.parametrize(
    ("exchange", "key"),
    [("", "no.such.queue"), (topology.OUT, "neither.mo.nor.dr"), ("no.such.exchange", "x"), ("imgw.mt", "y")],
)
async def test_an_unroutable_publication_is_an_error_and_harms_no_other(
    broker: Broker, exchange: str, key: str
) -> None:
    lost = Publication(exchange, key, b"nowhere", message_id="m3")  # the id of one of the others
    publications = [message(number, QUEUE) for number in range(10)]
    publications.insert(3, lost)
    outcomes = await asyncio.gather(
        *(broker.publish(publication) for publication in publications), return_exceptions=True
    )

    assert [type(outcome) for outcome in outcomes] == [type(None)] * 3 + [Unroutable] + [type(None)] * 7
    assert await broker.depth(QUEUE) == 10


async def test_sift_shows_all_in_order_and_removes_what_is_judged_so(broker: Broker) -> None:
    headers = {"reason": "no_route"}
    for number in range(600):
        await broker.publish(Publication("", topology.DEAD, b"%d" % number, "t", f"m{number}", headers))
    shown: list[StoredMessage] = []

    async def judge(stored: StoredMessage) -> bool:
        shown.append(stored)
        return int(stored.body) % 3 == 0

    removed = await broker.sift(topology.DEAD, judge)

    assert shown == [StoredMessage(b"%d" % number, headers, "t", f"m{number}") for number in range(600)]
    assert (removed, await broker.depth(topology.DEAD)) == (200, 400)
    left = [number for number in range(600) if number % 3]
    assert await drained(broker, topology.DEAD) == [str(number) for number in left]


async def test_sift_leaves_everything_when_its_judge_fails(broker: Broker) -> None:
    for number in range(3):
        await broker.publish(message(number, topology.DEAD))

    async def judge(_: StoredMessage) -> bool:
        raise LookupError("a fault of the judge")

    with pytest.raises(LookupError, match="a fault of the judge"):
        await broker.sift(topology.DEAD, judge)
    assert await eventually(lambda: depth_is(broker, topology.DEAD, 3))
    assert await drained(broker, topology.DEAD) == ["0", "1", "2"]


async def test_sift_of_an_empty_queue_shows_nothing(broker: Broker) -> None:
    async def judge(_: StoredMessage) -> bool:
        raise AssertionError("there is nothing to judge")

    assert await broker.sift(topology.DEAD, judge) == 0


async def test_a_queue_that_does_not_exist_is_an_error(broker: Broker) -> None:
    async def judge(_: StoredMessage) -> bool:
        return True

    with pytest.raises(BrokerUnavailable, match=r"no\.such"):
        await broker.depth("no.such")
    with pytest.raises(BrokerUnavailable, match=r"no\.such"):
        await broker.consume("no.such", 1, Inbox().take)
    with pytest.raises(BrokerUnavailable, match=r"no\.such"):
        await broker.sift("no.such", judge)
    assert broker.trouble is None
