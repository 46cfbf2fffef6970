"""The one loop when servers are away, and when it is told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import structlog

from gateway.broker.port import Delivery
from gateway.errors import BrokerUnavailable, StoreUnavailable
from processors.loop import Loop
from processors.outcome import Done, Outcome
from tests.processors.loop_world import FOLLOWS, SECRET, Gate, World, answering, turn
from tests.processors.virtual_time import in_virtual_time, virtual_now


@in_virtual_time
async def test_while_the_store_is_away_deliveries_are_given_back_and_nothing_is_taken() -> None:
    world = World(process=answering(StoreUnavailable("MongoDB: no answer in time"), Done()))
    loop = await world.start()
    world.store_is_away = True
    settled = await world.put()
    assert (settled.done, loop.consuming, len(world.broker.waiting)) == (["requeue"], False, 1)
    await asyncio.sleep(600)
    assert (len(world.begun), len(world.broker.consumers), world.broker.published) == (1, 1, [])


@in_virtual_time
async def test_consumption_goes_on_by_itself_once_the_servers_answer() -> None:
    world = World(process=answering(StoreUnavailable("away"), Done([FOLLOWS])))
    loop = await world.start()
    world.store_is_away = True
    settled = await world.put()
    await asyncio.sleep(600)
    world.store_is_away = False
    await asyncio.sleep(6)
    assert (loop.consuming, settled.done) == (True, ["requeue", "ack"])
    assert [delivery.redelivered for delivery in world.begun] == [False, True]


@in_virtual_time
async def test_a_loop_that_starts_while_the_servers_are_away_begins_when_they_come() -> None:
    world = World(store_is_away=True)
    loop = await world.start()
    settled = await world.put()
    await asyncio.sleep(60)
    assert (loop.consuming, settled.done) == (False, [])
    world.store_is_away = False
    await asyncio.sleep(6)
    assert (loop.consuming, settled.done) == (True, ["ack"])


@in_virtual_time
async def test_when_servers_go_what_waits_inside_is_given_back_unseen() -> None:
    gate = Gate()
    world = World(process=gate.process)
    await world.start(workers=2)
    settled = [await world.put() for _ in range(5)]
    world.process = answering(StoreUnavailable("away"))
    world.store_is_away = True
    gate.open.set()
    await turn()
    begun = len(world.begun)
    assert begun in (3, 4)  # the next ones of the two workers, one of which has said it
    assert [each.done for each in settled] == [["ack"]] * 2 + [["requeue"]] * 3


@pytest.mark.parametrize("trouble", ["process", "consume", "available"])
@in_virtual_time
async def test_nothing_is_tried_in_a_hurry_while_servers_are_away(trouble: str) -> None:
    world = World(process=answering(StoreUnavailable("away")))
    if trouble == "available":
        world.store_is_away = True
    if trouble == "consume":
        world.broker.consume = answering_never  # type: ignore[assignment,method-assign]
    await world.start()
    settled = await world.put()
    await asyncio.sleep(60)
    assert 12 <= world.asked <= 16
    assert len(settled.done) <= 16
    assert len(world.broker.consumers) <= 16


async def answering_never(*_: Any) -> Any:
    raise BrokerUnavailable("there is no such queue")


@in_virtual_time
async def test_one_that_cannot_be_dealt_with_does_not_stop_the_others() -> None:
    async def process(delivery: Delivery) -> Outcome:
        if delivery.body == b"stuck":
            raise BrokerUnavailable("no queue is bound for it")
        return Done()

    world = World(process=process)
    await world.start(workers=1)
    stuck = await world.put("stuck")
    others = [await world.put() for _ in range(20)]
    await asyncio.sleep(60)
    assert [other.done[-1] for other in others] == ["ack"] * 20
    assert set(stuck.done) == {"requeue"}


@in_virtual_time
async def test_a_bug_in_what_asks_for_the_servers_does_not_end_the_loop() -> None:
    world, failures = World(), list[Exception]([RuntimeError(SECRET)])
    loop = Loop(
        world.broker, "imgw.test", answering(Done()), workers=1, grace_seconds=1, available=_raising(failures)
    )
    with structlog.testing.capture_logs() as logs:
        loop.start()
        await asyncio.sleep(5)
    assert loop.consuming
    assert [line["event"] for line in logs] == ["loop.bug", "loop.consuming"]
    assert (await world.put()).done == ["ack"]


def _raising(failures: list[Exception]) -> Callable[[], Awaitable[None]]:
    async def available() -> None:
        if failures:
            raise failures.pop()

    return available


@in_virtual_time
async def test_a_stop_gives_back_what_has_not_begun_and_waits_for_what_has() -> None:
    gate = Gate()
    world = World(process=gate.process)
    loop = await world.start(workers=2)
    settled = [await world.put() for _ in range(5)]
    stopping = asyncio.create_task(loop.stop())
    await turn()
    assert [each.done for each in settled] == [[], [], ["requeue"], ["requeue"], ["requeue"]]
    assert (loop.consuming, stopping.done()) == (False, False)
    await asyncio.sleep(9)
    gate.open.set()
    await stopping
    assert [each.done for each in settled[:2]] == [["ack"], ["ack"]]
    assert (len(world.begun), gate.cancelled, len(world.broker.waiting)) == (2, 0, 3)


@in_virtual_time
async def test_a_stop_cuts_off_what_does_not_end_within_the_grace_period() -> None:
    gate = Gate()
    world = World(process=gate.process)
    loop = await world.start(grace_seconds=10)
    settled = await world.put()
    began_at = virtual_now()
    with structlog.testing.capture_logs() as logs:
        await loop.stop()
    assert (gate.cancelled, settled.done, virtual_now() - began_at) == (1, [], 10)
    assert [line["event"] for line in logs] == ["loop.cut_off"]


@in_virtual_time
async def test_an_idle_loop_stops_at_once() -> None:
    world = World()
    loop = await world.start()
    began_at = virtual_now()
    await loop.stop()
    assert (virtual_now(), world.broker.consumers[0].active) == (began_at, False)
    assert (await world.put()).done == []


@in_virtual_time
async def test_a_loop_that_waits_for_the_servers_stops_at_once() -> None:
    world = World(store_is_away=True)
    loop = await world.start()
    began_at = virtual_now()
    await loop.stop()
    assert virtual_now() == began_at


@in_virtual_time
async def test_a_loop_that_was_never_started_can_be_stopped() -> None:
    world = World()
    await Loop(
        world.broker, "q", answering(Done()), workers=1, grace_seconds=1, available=_raising([])
    ).stop()


@in_virtual_time
async def test_a_stop_in_the_middle_of_subscribing_leaves_no_subscription_behind() -> None:
    world = World()
    consume = world.broker.consume

    async def slowly(*arguments: Any) -> Any:
        await asyncio.sleep(1)
        return await consume(*arguments)

    world.broker.consume = slowly  # type: ignore[assignment,method-assign]
    loop = await world.start()
    await loop.stop()
    assert [consumer.active for consumer in world.broker.consumers] == [False]
    assert (await world.put()).done == []


@in_virtual_time
async def test_a_loop_stops_even_when_its_subscription_cannot_be_cancelled() -> None:
    world = World()
    loop = await world.start()

    async def fails() -> None:
        raise ValueError(SECRET)

    world.broker.consumers[0].cancel = fails  # type: ignore[method-assign]
    await asyncio.wait_for(loop.stop(), 60)
