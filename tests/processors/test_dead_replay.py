"""Dead letters are put back one by one: what has to stay says why, and holds up no other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from gateway.broker.port import Publication, StoredMessage
from gateway.errors import BrokerUnavailable, Unroutable
from processors.commands.dead_replay import Replay
from processors.dead_letters import DeadLetter, buried, read
from processors.outcome import Dead
from tests.processors.fake_broker import FakeBroker
from tests.processors.rtm_bridge_world import MO, PHONE

UNROUTABLE = "no queue is bound for it"


def letter(id: str, queue: str, **headers: str) -> DeadLetter:
    message = StoredMessage(orjson.dumps(MO), headers, "imgw.mt.v1", id)
    publication = buried(message, queue, Dead("internal_error"))
    kept = StoredMessage(publication.body, publication.headers, publication.type, publication.message_id)
    return replace(read(kept), id=id)


class World:
    """A broker with a few queues, one of which is `full`."""

    def __init__(self) -> None:
        self.broker = FakeBroker()
        self.broker.refuse = self._refuse
        self.asked: list[str] = []
        self.said: list[str] = []
        broker: Any = self.broker
        self.replay = Replay(broker, self.said.append)

    def _refuse(self, publication: Publication) -> None:
        self.asked.append(publication.routing_key)
        if publication.routing_key == "full":
            raise BrokerUnavailable("publishing to full: no answer in time")
        if not publication.routing_key.startswith("imgw."):
            raise Unroutable(UNROUTABLE)

    @property
    def put_back(self) -> list[tuple[str | None, str]]:
        return [(publication.message_id, publication.routing_key) for publication in self.broker.published]


async def test_one_that_has_to_stay_is_named_and_holds_up_no_other() -> None:
    world = World()
    letters = [
        letter("1", "imgw.mt"),
        letter("2", "gone"),
        letter("3", "mqtt", **{"x-mqtt-topic": PHONE.up("req")}),
        letter("4", "imgw.rtm.in"),
        letter("5", ""),
        letter("", "gone"),
        letter("7", "mqtt", **{"x-mqtt-topic": PHONE.up("up"), "x-account": "app"}),
        letter("8", "imgw.retry"),
    ]
    removed = [await world.replay.put(each) for each in letters]
    assert removed == [True, False, False, False, False, False, True, True]
    assert world.put_back == [("1", "imgw.mt"), ("7", "imgw.mo.in"), ("8", "imgw.retry")]
    assert world.said == [
        f"2 stays: {UNROUTABLE}",
        "3 stays: a request, and its device waits for no answer any more",
        "4 stays: the topic that it was published to is not known any more",
        "5 stays: it does not say which queue it came from",
        f"one without an id stays: {UNROUTABLE}",
    ]
    assert (world.replay.put_back, world.replay.staying) == (3, 5)


async def test_a_queue_that_does_not_answer_is_waited_for_once() -> None:
    world = World()
    for number in range(3):
        await world.replay.put(letter(str(number), "full"))
    await world.replay.put(letter("3", "imgw.mt"))
    assert world.asked == ["full", "imgw.mt"]
    assert world.said == [f"{number} stays: publishing to full: no answer in time" for number in range(3)]
    assert world.put_back == [("3", "imgw.mt")]


@pytest.mark.parametrize(
    "error", [ValueError("Max length exceeded for short string"), Unroutable(UNROUTABLE)]
)
async def test_a_name_that_no_queue_can_have_costs_its_own_letter_only(error: Exception) -> None:
    world = World()

    def refuse(publication: Publication) -> None:
        if len(publication.routing_key) > 255:
            raise error

    world.broker.refuse = refuse
    assert [await world.replay.put(each) for each in (letter("1", "q" * 256), letter("2", "imgw.mt"))] == [
        False,
        True,
    ]
    assert world.said == [f"1 stays: {error}"]
