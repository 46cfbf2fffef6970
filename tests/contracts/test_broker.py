"""What every broker promises of publishing, delivering and settling: one suite over all implementations."""

from __future__ import annotations

import asyncio
import sys

import pytest

from gateway.broker import topology
from gateway.broker.port import Broker, Headers, Publication
from gateway.errors import BrokerUnavailable
from tests.contracts.broker_kinds import (
    Inbox,
    Place,
    broker_at,
    depth_is,
    message,
    numbers,
)
from tests.waiting import eventually

QUEUE = topology.MT
EVERY_BYTE = bytes(range(256))


async def test_a_publication_is_in_its_queue_when_publish_returns(broker: Broker) -> None:
    await broker.publish(message(1, QUEUE))

    assert await broker.depth(QUEUE) == 1


async def test_deliveries_come_in_the_order_of_publication(broker: Broker) -> None:
    for number in range(30):
        await broker.publish(message(number, QUEUE))
    inbox = Inbox()
    await broker.consume(QUEUE, 100, inbox.take)

    assert numbers(await inbox.several(30)) == list(range(30))


async def test_what_is_published_reaches_a_consumer_that_is_already_there(
    place: Place, broker: Broker
) -> None:
    inbox = Inbox()
    await broker.consume(QUEUE, 10, inbox.take)
    async with broker_at(place) as other:
        await other.publish(message(1, QUEUE))

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
    await eventually(lambda: depth_is(broker, QUEUE, 2))
    await broker.consume(QUEUE, 10, other.take)

    assert sorted(numbers(await other.several(2))) == [1, 2]
    assert cancelled.is_empty


async def test_five_hundred_publications_at_once_are_all_confirmed(broker: Broker) -> None:
    await asyncio.gather(*(broker.publish(message(number, QUEUE)) for number in range(500)))

    assert await broker.depth(QUEUE) == 500


async def test_two_consumers_share_a_queue_without_overlap(place: Place, broker: Broker) -> None:
    for number in range(40):
        await broker.publish(message(number, QUEUE))
    inboxes = Inbox(), Inbox()
    async with broker_at(place) as other:
        await broker.consume(QUEUE, 20, inboxes[0].take)
        await other.consume(QUEUE, 20, inboxes[1].take)
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

    assert await eventually(lambda: depth_is(broker, QUEUE, 2))


async def test_a_closed_broker_says_so_and_takes_nothing(place: Place) -> None:
    async with broker_at(place) as broker:
        assert broker.trouble is None
    assert broker.trouble is not None
    with pytest.raises(BrokerUnavailable):
        await broker.publish(message(1, QUEUE))
