"""What every broker promises: one suite over all implementations of the port."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from gateway.broker import topology
from gateway.broker.port import Broker, Headers, Publication, StoredMessage
from gateway.errors import BrokerUnavailable, Unroutable
from tests.contracts.broker_kinds import KINDS, Inbox, Place, broker_at, empty_place, message, numbers
from tests.waiting import eventually

OpenBroker = Callable[[], Awaitable[Broker]]
QUEUE = topology.MT
EVERY_BYTE = bytes(range(256))


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest) -> Place:
    return empty_place(request.param, request)


@pytest.fixture
async def open_broker(place: Place) -> AsyncIterator[OpenBroker]:
    """Starts one more broker on the same server."""
    async with AsyncExitStack() as opened:

        async def open_one() -> Broker:
            return await opened.enter_async_context(broker_at(place))

        yield open_one


@pytest.fixture
async def broker(open_broker: OpenBroker) -> Broker:
    return await open_broker()


async def test_a_publication_is_in_its_queue_when_publish_returns(broker: Broker) -> None:
    await broker.publish(message(1, QUEUE))

    assert await broker.depth(QUEUE) == 1


async def test_deliveries_come_in_the_order_of_publication(broker: Broker) -> None:
    for number in range(30):
        await broker.publish(message(number, QUEUE))
    inbox = Inbox()
    await broker.consume(QUEUE, 100, inbox.take)

    assert numbers(await inbox.several(30)) == list(range(30))


async def test_what_is_published_reaches_a_consumer_that_is_already_there(open_broker: OpenBroker) -> None:
    inbox = Inbox()
    await (await open_broker()).consume(QUEUE, 10, inbox.take)
    await (await open_broker()).publish(message(1, QUEUE))

    assert numbers([await inbox.next()]) == [1]


async def test_no_more_than_prefetch_deliveries_are_unsettled(broker: Broker) -> None:
    for number in range(5):
        await broker.publish(message(number, QUEUE))
    inbox = Inbox()
    await broker.consume(QUEUE, 2, inbox.take)
    held = await inbox.several(2)

    assert (await broker.depth(QUEUE), inbox.is_empty) == (3, True)
    await held[0].settlement.ack()
    held.append(await inbox.next())
    assert (numbers(held), await broker.depth(QUEUE), inbox.is_empty) == ([0, 1, 2], 2, True)


@pytest.mark.parametrize("body", [b'{"a": 1}', b"", EVERY_BYTE, b"x" * 1_048_576], ids=len)
async def test_a_message_arrives_as_it_was_published(broker: Broker, body: bytes) -> None:
    headers: Headers = {
        "traceparent": "00-ab-cd-01",
        "x-attempt": 3,
        "big": 2**40,
        "flag": True,
        "ümläut": "grüße",
    }
    await broker.publish(Publication("", QUEUE, body, "imgw.mt.v1", "id-1", headers))
    inbox = Inbox()
    await broker.consume(QUEUE, 1, inbox.take)
    delivery = await inbox.next()

    assert (delivery.queue, delivery.body, delivery.headers) == (QUEUE, body, headers)
    assert (delivery.type, delivery.message_id, delivery.redelivered) == ("imgw.mt.v1", "id-1", False)


async def test_an_acknowledged_message_never_comes_again(place: Place, broker: Broker) -> None:
    async with broker_at(place) as first:
        inbox = Inbox()
        await first.publish(message(1, QUEUE))
        await first.consume(QUEUE, 10, inbox.take)
        await (await inbox.next()).settlement.ack()
    await broker.publish(message(2, QUEUE))
    inbox = Inbox()
    await broker.consume(QUEUE, 10, inbox.take)
    delivery = await inbox.next()

    assert (delivery.body, delivery.redelivered) == (b"2", False)


async def test_a_requeued_message_comes_again_redelivered(broker: Broker) -> None:
    await broker.publish(message(1, QUEUE))
    inbox = Inbox()
    await broker.consume(QUEUE, 1, inbox.take)
    first = await inbox.next()
    await first.settlement.requeue()
    again = await inbox.next()

    assert (first.body, first.redelivered) == (b"1", False)
    assert (again.body, again.message_id, again.redelivered) == (b"1", "m1", True)


async def test_what_is_unsettled_when_a_broker_closes_comes_again(place: Place, broker: Broker) -> None:
    async with broker_at(place) as first:
        inbox = Inbox()
        for number in range(4):
            await first.publish(message(number, QUEUE))
        await first.consume(QUEUE, 10, inbox.take)
        held = await inbox.several(4)
        await held[1].settlement.ack()
    inbox = Inbox()
    await broker.consume(QUEUE, 10, inbox.take)
    again = await inbox.several(3)

    assert [(delivery.body, delivery.redelivered) for delivery in again] == [
        (b"0", True),
        (b"2", True),
        (b"3", True),
    ]
    assert held[0].settlement.lost
    with pytest.raises(BrokerUnavailable):
        await held[0].settlement.ack()


async def test_what_a_killed_process_held_comes_again_redelivered(place: Place, broker: Broker) -> None:
    for number in range(3):
        await broker.publish(message(number, QUEUE))
    command = [sys.executable, "-m", "tests.contracts.broker_holder", *place, QUEUE, "3"]
    holder = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert holder.stdout is not None
        await asyncio.wait_for(holder.stdout.readuntil(b"holds 3\n"), 30)
        assert await broker.depth(QUEUE) == 0
    finally:
        holder.kill()
        await holder.communicate()
    inbox = Inbox()
    await broker.consume(QUEUE, 10, inbox.take)
    again = await inbox.several(3)

    assert sorted((delivery.body, delivery.redelivered) for delivery in again) == [
        (b"0", True),
        (b"1", True),
        (b"2", True),
    ]


async def test_a_cancelled_consumer_takes_no_more_and_can_settle_what_it_has(broker: Broker) -> None:
    for number in range(2):
        await broker.publish(message(number, QUEUE))
    cancelled, other = Inbox(), Inbox()
    consumer = await broker.consume(QUEUE, 10, cancelled.take)
    held = await cancelled.several(2)
    await consumer.cancel()
    await broker.publish(message(2, QUEUE))
    await held[0].settlement.ack()
    await held[1].settlement.requeue()
    await eventually(lambda: _depth_is(broker, QUEUE, 2))
    await broker.consume(QUEUE, 10, other.take)

    assert sorted(numbers(await other.several(2))) == [1, 2]
    assert cancelled.is_empty


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

    assert await _drained(broker, topology.MO) == ["mo.acme.whatsapp", "mo.other.sms", "mo.acme.rtm.news"]
    assert await _drained(broker, topology.DR) == ["dr.acme.delivered", "dr.other.read"]
    assert await _drained(broker, "acme") == ["mo.acme.whatsapp", "dr.acme.delivered"]


async def test_the_mt_exchange_serves_both_mt_queues(broker: Broker) -> None:
    for key in ("submit", "bulk"):
        await broker.publish(Publication(topology.MT_EXCHANGE, key, key.encode()))

    assert await _drained(broker, topology.MT) == ["submit"]
    assert await _drained(broker, topology.MT_BULK) == ["bulk"]


async def test_a_queue_can_be_declared_again(broker: Broker) -> None:
    for _ in range(2):
        await broker.declare_queue("acme", {"mo.acme.*": topology.OUT})
    await broker.publish(Publication(topology.OUT, "mo.acme.sms", b"once"))

    assert await _drained(broker, "acme") == ["once"]


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


async def test_five_hundred_publications_at_once_are_all_confirmed(broker: Broker) -> None:
    await asyncio.gather(*(broker.publish(message(number, QUEUE)) for number in range(500)))

    assert await broker.depth(QUEUE) == 500


async def test_two_consumers_share_a_queue_without_overlap(open_broker: OpenBroker) -> None:
    one, other = await open_broker(), await open_broker()
    inboxes = Inbox(), Inbox()
    for number in range(40):
        await one.publish(message(number, QUEUE))
    for broker, inbox in zip((one, other), inboxes, strict=True):
        await broker.consume(QUEUE, 20, inbox.take)
    shares = [numbers(await inbox.several(20)) for inbox in inboxes]

    assert sorted(shares[0] + shares[1]) == list(range(40))


async def test_depth_counts_what_is_ready_and_not_what_is_unsettled(broker: Broker) -> None:
    assert await broker.depth(QUEUE) == 0
    for number in range(3):
        await broker.publish(message(number, QUEUE))
    inbox = Inbox()
    consumer = await broker.consume(QUEUE, 2, inbox.take)
    held = await inbox.several(2)
    assert await broker.depth(QUEUE) == 1
    await consumer.cancel()
    await held[0].settlement.requeue()

    assert await eventually(lambda: _depth_is(broker, QUEUE, 2))


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
    assert await _drained(broker, topology.DEAD) == [str(number) for number in left]


async def test_sift_leaves_everything_when_its_judge_fails(broker: Broker) -> None:
    for number in range(3):
        await broker.publish(message(number, topology.DEAD))

    async def judge(_: StoredMessage) -> bool:
        raise LookupError("a fault of the judge")

    with pytest.raises(LookupError, match="a fault of the judge"):
        await broker.sift(topology.DEAD, judge)
    assert await eventually(lambda: _depth_is(broker, topology.DEAD, 3))
    assert await _drained(broker, topology.DEAD) == ["0", "1", "2"]


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


async def test_a_closed_broker_says_so_and_takes_nothing(place: Place) -> None:
    async with broker_at(place) as broker:
        assert broker.trouble is None
    assert broker.trouble is not None
    with pytest.raises(BrokerUnavailable):
        await broker.publish(message(1, QUEUE))


async def _depth_is(broker: Broker, queue: str, expected: int) -> bool:
    return await broker.depth(queue) == expected


async def _drained(broker: Broker, queue: str) -> list[str]:
    """The bodies of all that is in the queue, in its order; the queue is empty afterwards."""
    inbox = Inbox()
    count = await broker.depth(queue)
    consumer = await broker.consume(queue, count + 1, inbox.take)
    deliveries = await inbox.several(count)
    await consumer.cancel()
    for delivery in deliveries:
        await delivery.settlement.ack()
    assert inbox.is_empty
    return [delivery.body.decode() for delivery in deliveries]
