"""What the RabbitMQ broker makes of other people's messages, and of very many of its own."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pamqp.frame
import pytest
from aio_pika import Message, connect
from aio_pika.abc import HeadersType
from aiormq.abc import ChannelFrame
from pamqp.body import ContentBody
from pamqp.commands import Basic
from pamqp.header import ContentHeader

from gateway.broker import topology
from gateway.broker.port import Publication, StoredMessage
from gateway.broker.rabbitmq import RabbitBroker
from gateway.broker.rabbitmq.transport import decodable
from gateway.errors import BrokerUnavailable
from tests.contracts.broker_kinds import Inbox, broker_at, drained, message, numbers
from tests.servers.rabbitmq import RabbitServer
from tests.waiting import eventually

pytestmark = pytest.mark.rabbitmq
QUEUE = topology.MT
FLAG_TYPE = 1 << 5
FLAG_TIMESTAMP = 1 << 6
TICKS = struct.pack(">Q", 638_000_000_000_000_000)  # a timestamp as .NET counts it
LATIN_1 = b"\x02\xe4\xf6"
NANOSECONDS = struct.pack(">Q", 2**63)


@pytest.fixture
async def broker(rabbitmq_url: str) -> AsyncIterator[RabbitBroker]:
    broker = RabbitBroker(rabbitmq_url)
    await broker.start()
    yield broker
    await broker.close()


async def test_only_plain_headers_of_other_publishers_are_handed_on(
    broker: RabbitBroker, rabbitmq_url: str
) -> None:
    headers: HeadersType = {
        "text": "grüße",
        "number": 7,
        "flag": False,
        "traceparent": bytearray(b"00-ab-cd-01"),
        "bytes": bytearray(b"\xff\xfe"),
        "nothing": None,
        "float": 1.5,
        "time": datetime(2026, 11, 22, tzinfo=UTC),
        "list": ["a"],
        "table": {"a": 1},
        "x-death": [{"queue": "q", "count": 1}],
        "x-delivery-count": 3,
    }
    async with await connect(rabbitmq_url) as other, other.channel() as channel:
        await channel.default_exchange.publish(Message(b"{}", headers=headers), QUEUE)
    inbox = Inbox()
    await broker.consume(QUEUE, 1, inbox.take)
    delivery = await inbox.next()

    assert delivery.headers == {"text": "grüße", "number": 7, "flag": False, "traceparent": "00-ab-cd-01"}
    assert (delivery.body, delivery.type) == (b"{}", "")


async def test_a_message_with_undecodable_properties_keeps_its_body_and_stops_nobody(
    broker: RabbitBroker, rabbitmq_url: str
) -> None:
    inbox = Inbox()
    await broker.consume(QUEUE, 10, inbox.take)
    await _publish_raw(rabbitmq_url, FLAG_TIMESTAMP, TICKS)
    await _publish_raw(rabbitmq_url, FLAG_TYPE, LATIN_1)
    await _publish_raw(rabbitmq_url, FLAG_TIMESTAMP, NANOSECONDS)
    await broker.publish(message(1, QUEUE))
    deliveries = await inbox.several(4)

    assert [(delivery.body, delivery.type, delivery.redelivered) for delivery in deliveries] == [
        (b"foreign", "", False),
        (b"foreign", "", False),
        (b"foreign", "", False),
        (b"1", "imgw.test.v1", False),
    ]
    assert broker.trouble is None


def test_a_decodable_header_is_left_as_it_is() -> None:
    properties = Basic.Properties(content_type="application/json", headers={"a": 1}, message_id="m")
    payload = pamqp.frame.marshal(ContentHeader(body_size=5, properties=properties), 1)[7:]

    assert decodable(payload) == payload


async def test_a_message_that_was_delivered_before_has_only_its_own_headers(broker: RabbitBroker) -> None:
    inbox = Inbox()
    await broker.consume(QUEUE, 1, inbox.take)
    await broker.publish(Publication("", QUEUE, b"x", headers={"x-attempt": 1}))
    for _ in range(3):
        await (await inbox.next()).settlement.requeue()

    assert (await inbox.next()).headers == {"x-attempt": 1}


@pytest.mark.parametrize("cancelled_first", [True, False])
async def test_everything_acknowledged_before_closing_stays_acknowledged(
    rabbitmq_url: str, cancelled_first: bool
) -> None:
    async with broker_at(("rabbitmq", rabbitmq_url, "")) as broker:
        await asyncio.gather(*(broker.publish(message(number, QUEUE)) for number in range(1_000)))
        inbox = Inbox()
        consumer = await broker.consume(QUEUE, 1_000, inbox.take)
        held = await inbox.several(1_000)
        if cancelled_first:
            await consumer.cancel()
        for delivery in held[:-1]:
            await delivery.settlement.ack()
    async with broker_at(("rabbitmq", rabbitmq_url, "")) as broker:
        inbox = Inbox()
        await broker.consume(QUEUE, 1_000, inbox.take)
        again = await inbox.next()
        assert (again.body, again.redelivered, await broker.depth(QUEUE)) == (b"999", True, 0)
        assert inbox.is_empty


async def test_sift_copes_with_ten_thousand_messages(broker: RabbitBroker) -> None:
    await asyncio.gather(*(broker.publish(message(number, topology.DEAD)) for number in range(10_000)))
    shown: list[int] = []

    async def is_odd(stored: StoredMessage) -> bool:
        shown.append(int(stored.body))
        return shown[-1] % 2 == 1

    removed = [await broker.sift(topology.DEAD, is_odd), await broker.sift(topology.DEAD, is_odd)]

    assert shown == [*range(10_000), *range(0, 10_000, 2)]
    assert (removed, await broker.depth(topology.DEAD)) == ([5_000, 0], 5_000)


async def test_what_sift_removes_in_one_go_is_gone_for_good(broker: RabbitBroker) -> None:
    for _ in range(5):
        await asyncio.gather(*(broker.publish(message(number, topology.DEAD)) for number in range(200)))

        async def is_not_last(stored: StoredMessage) -> bool:
            return stored.body != b"199"

        assert await broker.sift(topology.DEAD, is_not_last) == 199
        assert await drained(broker, topology.DEAD) == ["199"]


async def test_an_exchange_that_was_deleted_comes_back_and_consuming_goes_on(
    broker: RabbitBroker, rabbitmq_url: str
) -> None:
    inbox = Inbox()
    await broker.consume(topology.MO, 10, inbox.take)
    publication = Publication(topology.OUT, "mo.acme.sms", b"1")
    await broker.publish(publication)
    held = await inbox.next()
    async with await connect(rabbitmq_url) as operator, operator.channel() as channel:
        await channel.exchange_delete(topology.OUT)
    with pytest.raises(BrokerUnavailable):
        await broker.publish(publication)
    await eventually(lambda: _is_published(broker, publication))
    await held.settlement.ack()
    again = await inbox.next()

    assert (numbers([held, again]), again.redelivered, inbox.is_empty) == ([1, 1], False, True)


async def _is_published(broker: RabbitBroker, publication: Publication) -> bool:
    try:
        await broker.publish(publication)
    except BrokerUnavailable:
        return False
    return True


async def _publish_raw(url: str, flags: int, properties: bytes) -> None:
    """Publish to QUEUE with a content header that our own library would not write."""
    body = b"foreign"
    async with await connect(url) as other, other.channel() as channel:
        assert other.transport is not None
        number = channel.number or 0
        header = struct.pack(">HHQH", 60, 0, len(body), flags) + properties
        frames = (
            pamqp.frame.marshal(Basic.Publish(exchange="", routing_key=QUEUE), number),
            struct.pack(">BHI", 2, number, len(header)) + header + b"\xce",
            pamqp.frame.marshal(ContentBody(body), number),
        )
        queue = other.transport.connection.write_queue
        await queue.put(ChannelFrame(payload=b"".join(frames), should_close=False))


async def test_a_message_that_came_too_often_says_in_which_queue_though_it_has_waited_before(
    broker: RabbitBroker, rabbitmq_server: RabbitServer, rabbitmq_url: str
) -> None:
    rabbitmq_server.set_policy(rabbitmq_url, QUEUE, '[{<<"delivery-limit">>, 2}]')
    inbox = Inbox()
    await broker.consume(QUEUE, 10, inbox.take)
    await broker.publish(topology.after(1, QUEUE, Publication("", QUEUE, b"poison", "t", "m1")))
    for _ in range(3):
        await (await inbox.next()).settlement.requeue()
    found: list[StoredMessage] = []

    async def look(message: StoredMessage) -> bool:
        found.append(message)
        return False

    async def there() -> bool:
        return await broker.depth(topology.DEAD) == 1

    await eventually(there)
    await broker.sift(topology.DEAD, look)
    assert found == [StoredMessage(b"poison", {}, "t", "m1", died_in=QUEUE)]
