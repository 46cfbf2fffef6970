"""What the RabbitMQ broker does when the server goes away or runs out of room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import structlog
from aio_pika import connect

from gateway.broker import topology
from gateway.broker.port import Publication
from gateway.broker.rabbitmq import RabbitBroker
from gateway.errors import BrokerUnavailable, Unroutable
from tests.contracts.broker_kinds import Inbox, message, numbers
from tests.servers.rabbitmq import RabbitServer
from tests.waiting import eventually

pytestmark = pytest.mark.rabbitmq
QUEUE = topology.MT


@pytest.fixture
async def broker(rabbitmq_url: str) -> AsyncIterator[RabbitBroker]:
    broker = RabbitBroker(rabbitmq_url, confirm_timeout_seconds=10)
    await broker.start()
    yield broker
    await broker.close()


async def test_consumers_resume_by_themselves_after_a_server_restart(
    broker: RabbitBroker, rabbitmq_server: RabbitServer
) -> None:
    inboxes = {queue: Inbox() for queue in (topology.MT, topology.DR_IN, "acme")}
    await broker.declare_queue("acme", {"mo.acme.*": topology.OUT})
    for queue, inbox in inboxes.items():
        await broker.consume(queue, 10, inbox.take)
        await broker.publish(message(1, queue))
    held = [await inbox.next() for inbox in inboxes.values()]
    await asyncio.to_thread(rabbitmq_server.stop)
    trouble = await eventually(lambda: _trouble(broker))
    with pytest.raises(BrokerUnavailable, match="not connected to RabbitMQ at 127"):
        await broker.publish(message(2, QUEUE))
    with pytest.raises(BrokerUnavailable, match="not connected to RabbitMQ at 127"):
        await broker.depth(QUEUE)
    with pytest.raises(BrokerUnavailable, match="its channel is gone"):
        await held[0].settlement.ack()
    await asyncio.to_thread(rabbitmq_server.start)
    await eventually(lambda: _is_well(broker), within_seconds=30)
    again = [await inbox.next() for inbox in inboxes.values()]
    for queue in inboxes:
        await broker.publish(message(3, queue))

    assert trouble.startswith("not connected to RabbitMQ at 127.0.0.1:")
    assert [(delivery.body, delivery.redelivered) for delivery in again] == [(b"1", True)] * 3
    assert numbers([await inbox.next() for inbox in inboxes.values()]) == [3, 3, 3]


async def test_an_outage_is_logged_in_few_lines_that_hold_no_password(
    broker: RabbitBroker, rabbitmq_server: RabbitServer
) -> None:
    inbox = Inbox()
    await broker.consume(QUEUE, 10, inbox.take)
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            rabbitmq_server.close_connections()
            await eventually(lambda: _trouble(broker))
            await eventually(lambda: _is_well(broker))
    events = [line["event"] for line in logs]

    assert events.count("broker.lost") == 1
    assert set(events) <= {"broker.lost", "broker.connected", "broker.consume_failed"}
    assert len(events) <= 4
    assert "only-here" not in str(logs)


async def test_what_was_confirmed_survives_kill_9_and_nobody_waits_forever(
    broker: RabbitBroker, rabbitmq_server: RabbitServer
) -> None:
    inbox = Inbox()
    await broker.consume(topology.DR_IN, 100, inbox.take)
    await asyncio.gather(*(broker.publish(message(number, topology.DR_IN)) for number in range(100)))
    held = await inbox.several(100)
    body = b"x" * 100_000
    publishing = [
        asyncio.create_task(broker.publish(Publication("", QUEUE, body, message_id=f"p{number}")))
        for number in range(300)
    ]
    await eventually(lambda: _any_done(publishing))
    settling = [asyncio.create_task(delivery.settlement.ack()) for delivery in held]
    rabbitmq_server.kill()
    async with asyncio.timeout(8):  # less than the time-out for confirms
        outcomes = await asyncio.gather(*publishing, return_exceptions=True)
        await asyncio.gather(*settling, return_exceptions=True)
    await asyncio.to_thread(rabbitmq_server.start)
    await eventually(lambda: _is_well(broker), within_seconds=30)
    survivors = Inbox()
    await broker.consume(QUEUE, 500, survivors.take)
    confirmed = {f"p{number}" for number, outcome in enumerate(outcomes) if outcome is None}
    unconfirmed = {type(outcome) for outcome in outcomes if outcome is not None}
    count = await broker.depth(QUEUE)
    seen = {delivery.message_id for delivery in await survivors.several(max(count, len(confirmed)))}

    assert unconfirmed <= {BrokerUnavailable}
    assert confirmed <= seen


async def test_a_connection_closed_by_an_operator_is_opened_again(
    broker: RabbitBroker, rabbitmq_server: RabbitServer
) -> None:
    inbox = Inbox()
    await broker.publish(message(1, QUEUE))
    await broker.consume(QUEUE, 10, inbox.take)
    for _ in range(3):
        held = await inbox.next()
        rabbitmq_server.close_connections()
        await eventually(lambda: _trouble(broker))
        assert held.settlement.lost
        with pytest.raises(BrokerUnavailable):
            await held.settlement.requeue()
        await eventually(lambda: _is_well(broker))
    held = await inbox.next()
    await held.settlement.ack()
    await broker.publish(message(2, QUEUE))

    assert (held.body, held.redelivered) == (b"1", True)
    assert numbers([await inbox.next()]) == [2]


async def test_a_silent_server_is_noticed_and_left(rabbitmq_url: str, rabbitmq_server: RabbitServer) -> None:
    broker = RabbitBroker(f"{rabbitmq_url}?heartbeat=1", connect_timeout_seconds=0.5)
    await broker.start()
    inbox = Inbox()
    await broker.publish(message(1, QUEUE))
    await broker.consume(QUEUE, 10, inbox.take)
    held = await inbox.next()
    rabbitmq_server.suspend()
    publishing = asyncio.create_task(broker.publish(message(2, QUEUE)))
    await eventually(lambda: _trouble(broker), within_seconds=20)
    with pytest.raises(BrokerUnavailable):
        await publishing
    with pytest.raises(BrokerUnavailable):
        await held.settlement.ack()
    rabbitmq_server.resume()
    await eventually(lambda: _is_well(broker), within_seconds=30)
    again = await inbox.next()
    await broker.close()

    assert (again.body, again.redelivered) == (b"1", True)


async def test_a_consumer_whose_queue_was_deleted_gets_it_back(
    broker: RabbitBroker, rabbitmq_url: str
) -> None:
    inbox = Inbox()
    await broker.consume(QUEUE, 10, inbox.take)
    await broker.publish(message(1, QUEUE))
    held = await inbox.next()
    async with await connect(rabbitmq_url) as operator, operator.channel() as channel:
        await channel.queue_delete(QUEUE)
    await eventually(lambda: _trouble(broker))
    await eventually(lambda: _is_well(broker))
    await broker.publish(message(2, QUEUE))
    again = await inbox.next()
    await held.settlement.ack()
    await again.settlement.ack()
    await broker.publish(message(3, QUEUE))

    assert numbers([again, await inbox.next()]) == [2, 3]


async def test_a_consumer_that_was_cancelled_meanwhile_stays_cancelled(
    broker: RabbitBroker, rabbitmq_server: RabbitServer
) -> None:
    inbox, other = Inbox(), Inbox()
    consumer = await broker.consume(QUEUE, 10, inbox.take)
    rabbitmq_server.close_connections()
    await eventually(lambda: _trouble(broker))
    await consumer.cancel()
    await eventually(lambda: _is_well(broker))
    await broker.publish(message(1, QUEUE))
    await broker.consume(QUEUE, 10, other.take)

    assert numbers([await other.next()]) == [1]
    assert inbox.is_empty


async def test_a_server_short_of_memory_is_trouble_until_it_has_some(
    broker: RabbitBroker, rabbitmq_server: RabbitServer
) -> None:
    inbox = Inbox()
    await broker.publish(message(1, QUEUE))
    await broker.consume(QUEUE, 10, inbox.take)
    rabbitmq_server.set_memory_alarm(on=True)
    caught = asyncio.create_task(broker.publish(message(2, QUEUE)))  # tells the server that we publish
    trouble = await eventually(lambda: _trouble(broker))
    with pytest.raises(BrokerUnavailable, match="short of memory or disk space"):
        await broker.publish(message(3, QUEUE))
    await (await inbox.next()).settlement.ack()  # consuming goes on
    rabbitmq_server.set_memory_alarm(on=False)
    await eventually(lambda: _is_well(broker))
    await caught

    assert trouble == "RabbitMQ takes no publications: it is short of memory or disk space"
    assert numbers([await inbox.next()]) == [2]


async def test_a_full_queue_is_an_error(
    broker: RabbitBroker, rabbitmq_server: RabbitServer, rabbitmq_url: str
) -> None:
    rabbitmq_server.set_policy(rabbitmq_url, QUEUE, '[{<<"max-length">>, 2}]')
    refusal = await eventually(lambda: _refusal(broker))  # a policy takes its time
    before = await broker.depth(QUEUE)
    with pytest.raises(BrokerUnavailable):
        await broker.publish(message(1, QUEUE))

    assert refusal == "publishing to imgw.mt: RabbitMQ refused it, as it does when the queue is full"
    assert await broker.depth(QUEUE) == before


async def test_what_is_delivered_too_often_ends_in_the_dead_queue(
    broker: RabbitBroker, rabbitmq_server: RabbitServer, rabbitmq_url: str
) -> None:
    rabbitmq_server.set_policy(rabbitmq_url, QUEUE, '[{<<"delivery-limit">>, 2}]')
    inbox, dead = Inbox(), Inbox()
    await broker.consume(QUEUE, 10, inbox.take)
    await broker.consume(topology.DEAD, 10, dead.take)
    await broker.publish(Publication("", QUEUE, b"poison", "t", "m1", {"x-attempt": 1}))
    for _ in range(3):
        await (await inbox.next()).settlement.requeue()
    delivery = await dead.next()

    assert (delivery.body, delivery.type, delivery.message_id) == (b"poison", "t", "m1")
    assert delivery.headers == {"x-attempt": 1}


async def test_publications_of_one_message_at_once_each_have_their_own_outcome(broker: RabbitBroker) -> None:
    queues = [QUEUE, "no.such", topology.DR, "no.such", topology.MO]
    outcomes = await asyncio.gather(
        *(broker.publish(Publication("", queue, b"same", message_id="same")) for queue in queues),
        return_exceptions=True,
    )

    assert [type(outcome) for outcome in outcomes] == [
        type(None),
        Unroutable,
        type(None),
        Unroutable,
        type(None),
    ]


async def test_a_cancelled_publication_harms_no_other(broker: RabbitBroker) -> None:
    for _ in range(10):
        tasks = [asyncio.create_task(broker.publish(message(number, QUEUE))) for number in range(60)]
        for task in tasks[::3]:
            asyncio.get_running_loop().call_soon(task.cancel)
        await asyncio.sleep(0)
        for task in tasks[1::3]:
            task.cancel()
        kept = await asyncio.gather(*tasks[2::3])
        assert kept == [None] * 20
    with pytest.raises(Unroutable):
        await broker.publish(message(1, "no.such"))


async def _trouble(broker: RabbitBroker) -> str:
    return broker.trouble or ""


async def _is_well(broker: RabbitBroker) -> bool:
    return broker.trouble is None


async def _refusal(broker: RabbitBroker) -> str:
    try:
        await broker.publish(message(0, QUEUE))
    except BrokerUnavailable as error:
        return str(error)
    return ""


async def _any_done(tasks: list[asyncio.Task[None]]) -> bool:
    return any(task.done() for task in tasks)
