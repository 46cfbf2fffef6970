"""The one loop: whatever happens, each delivery is settled exactly once, and only when that is safe."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import structlog

from gateway.broker.port import Delivery
from gateway.errors import BrokerUnavailable, StoreUnavailable
from processors.outcome import Dead, Done, Outcome
from tests.processors.loop_world import FOLLOWS, SECRET, Gate, World, answering, dead, letters, refusing, turn
from tests.processors.virtual_time import in_virtual_time


@in_virtual_time
async def test_what_is_dealt_with_is_published_and_acknowledged() -> None:
    world = World()
    await world.start()
    settled = await world.put()
    assert (settled.done, world.broker.published) == (["ack"], [FOLLOWS])


@in_virtual_time
async def test_what_nothing_follows_from_is_acknowledged() -> None:
    world = World(process=answering(Done()))
    await world.start()
    settled = await world.put()
    assert (settled.done, world.broker.published) == (["ack"], [])


@in_virtual_time
async def test_nothing_is_acknowledged_before_everything_is_confirmed() -> None:
    world = World(process=answering(Done([FOLLOWS, FOLLOWS])))
    await world.start()
    world.broker.confirms.clear()
    settled = await world.put()
    assert settled.done == []
    world.broker.confirms.set()
    await turn()
    assert (settled.done, world.broker.published) == (["ack"], [FOLLOWS, FOLLOWS])


@in_virtual_time
async def test_the_dead_are_kept_whole_with_the_reason_and_acknowledged() -> None:
    world = World(process=answering(Dead("invalid_json", "line 1")))
    await world.start()
    settled = await world.put()
    assert (settled.done, letters(world.broker)) == (["ack"], [dead("invalid_json", "line 1")])


@in_virtual_time
async def test_a_bug_makes_a_dead_letter_without_the_words_of_the_exception() -> None:
    world = World(process=answering(KeyError(SECRET), Done()))
    await world.start()
    with structlog.testing.capture_logs() as logs:
        settled = await world.put()
    assert (settled.done, letters(world.broker)) == (["ack"], [dead("internal_error", "KeyError")])
    assert [line["event"] for line in logs] == ["loop.bug", "delivery.dead"]
    assert (await world.put()).done == ["ack"]


@in_virtual_time
async def test_a_bug_in_publishing_makes_a_dead_letter_too() -> None:
    world = World()
    await world.start(workers=1)
    world.broker.refuse = refusing(ValueError(SECRET))
    settled = await world.put()
    assert (settled.done, letters(world.broker)) == (["ack"], [dead("internal_error", "ValueError")])
    world.broker.refuse = refusing(ValueError(SECRET), key="something else")
    assert (await world.put()).done == ["ack"]


@in_virtual_time
async def test_what_cannot_even_be_put_aside_is_given_back_and_tried_again_later() -> None:
    world = World(process=answering(Dead("invalid_json"), Done()))
    await world.start(workers=1)
    world.broker.refuse = refusing(ValueError(SECRET), key="imgw.dead")
    settled = await world.put()
    assert settled.done == ["requeue"]
    await asyncio.sleep(60)
    assert settled.done == ["requeue", "ack"]


@in_virtual_time
async def test_a_processor_that_answers_with_nothing_is_a_bug() -> None:
    async def forgets(delivery: Delivery) -> Any:
        return None

    world = World(process=forgets)
    await world.start()
    settled = await world.put()
    assert (settled.done, letters(world.broker)) == (["ack"], [dead("internal_error", "AttributeError")])


@in_virtual_time
async def test_a_publication_that_fails_gives_the_delivery_back() -> None:
    world = World()
    await world.start()
    world.broker.refuse = refusing(BrokerUnavailable("not confirmed"))
    settled = await world.put()
    assert (settled.done, world.broker.published) == (["requeue"], [])
    world.broker.refuse = lambda _: None
    await asyncio.sleep(6)
    assert (settled.done, world.broker.published) == (["requeue", "ack"], [FOLLOWS])


@in_virtual_time
async def test_one_of_several_publications_that_fails_gives_the_delivery_back() -> None:
    other = replace(FOLLOWS, routing_key="dr.shop.delivered")
    world = World(process=answering(Done([other, FOLLOWS, other])))
    await world.start()
    world.broker.refuse = refusing(BrokerUnavailable("not confirmed"))
    settled = await world.put()
    assert settled.done == ["requeue"]


@in_virtual_time
async def test_a_dead_letter_that_is_not_confirmed_gives_the_delivery_back() -> None:
    world = World(process=answering(Dead("invalid_json")))
    await world.start()
    world.broker.refuse = refusing(BrokerUnavailable("not confirmed"), key="imgw.dead")
    settled = await world.put()
    assert (settled.done, world.broker.published) == (["requeue"], [])


@in_virtual_time
async def test_what_could_not_be_acknowledged_is_not_given_back_as_well() -> None:
    world = World()
    loop = await world.start()
    settled = await world.put(gone=True)
    assert settled.done == ["ack"]
    await asyncio.sleep(6)
    assert loop.consuming
    assert (await world.put()).done == ["ack"]


@in_virtual_time
async def test_what_cannot_be_given_back_harms_nothing() -> None:
    world = World(process=answering(StoreUnavailable("away"), Done()))
    await world.start(workers=1)
    settled = await world.put(gone=True)
    assert settled.done == ["requeue"]
    await asyncio.sleep(6)
    assert (await world.put()).done == ["ack"]


@in_virtual_time
async def test_a_delivery_whose_connection_is_gone_is_not_begun() -> None:
    world = World()
    await world.start()
    settled = await world.put(lost=True)
    assert (settled.done, world.begun) == ([], [])


@in_virtual_time
async def test_no_more_is_under_way_than_there_are_workers() -> None:
    gate = Gate()
    world = World(process=gate.process)
    await world.start(workers=3)
    settled = [await world.put() for _ in range(10)]  # this broker does not keep to the prefetch
    assert (gate.within, world.broker.consumers[0].prefetch) == (3, 3)
    gate.open.set()
    await turn()
    assert (gate.most, [each.done for each in settled]) == (3, [["ack"]] * 10)


@in_virtual_time
async def test_no_log_line_holds_what_a_message_says() -> None:
    outcomes: list[Outcome | Exception] = [
        Done(),
        Dead("invalid_json", "line 1"),
        KeyError(SECRET),
        StoreUnavailable("MongoDB: no answer in time"),
        Done(),
    ]
    world = World(process=answering(*outcomes))
    with structlog.testing.capture_logs() as logs:
        loop = await world.start(workers=1)
        for _ in range(4):
            await world.put()
        await asyncio.sleep(10)
        await loop.stop()
    assert {line["event"] for line in logs} == {
        "loop.consuming",
        "delivery.dead",
        "loop.bug",
        "loop.server_away",
        "loop.paused",
    }
    assert SECRET not in repr(logs)
