"""What devices publish again and again, or ask for without an end."""

from __future__ import annotations

import orjson
import pytest

from gateway.model.base import now
from gateway.rtm.names import Device, UpKind
from gateway.rtm.refusals import RtmRefused
from processors.rtm.allowance import AT_ONCE_BYTES
from tests.processors.rtm_bridge_world import MO, PHONE, UplinkWorld


@pytest.mark.parametrize("kind", ["up", "rcpt", "req"])
async def test_what_is_only_retained_was_dealt_with_when_it_was_published(kind: UpKind) -> None:
    world = UplinkWorld()
    await world.uplinks.deal(world.devices.of(PHONE, kind, MO, retained=True), now())
    assert (world.received(), world.responses.sent) == ({(kind, "ignored"): 1}, [])
    assert world.broker.published == []


async def test_who_asks_for_more_than_is_answered_at_once_is_refused_until_later_and_others_are_not() -> None:
    world = UplinkWorld()
    world.requests.padding = 1_048_576
    request = {"id": "r-1", "action": "threads"}
    for _ in range(40):
        await world.uplinks.deal(world.devices.of(PHONE, "req", request), now())
    answered = [len(orjson.dumps(answer)) for _, answer, _ in world.responses.sent]
    assert (answered[0] > 1_048_576, len(answered)) == (True, 40)
    assert sum(answered) < AT_ONCE_BYTES + 5 * 1_048_576  # so much comes back in the time that this takes
    refused = {"type": "refused", "of": "r-1", "code": "too_many"}
    detail = "it has asked for more than is answered at once; try again in a minute"
    assert world.responses.sent[-1] == (PHONE, refused | {"detail": detail}, None)
    assert len(world.requests.served) < 40
    tablet = Device("shop", "alice", "tablet")
    await world.uplinks.deal(world.devices.of(tablet, "req", request), now())
    assert world.responses.sent[-1][1]["type"] == "result"


async def test_requests_that_fail_use_up_nothing() -> None:
    world = UplinkWorld()
    world.requests.failure = RtmRefused("unknown_thread")
    request = {"id": "r-1", "action": "messages", "thread_id": "t-1"}
    for _ in range(1_000):
        await world.uplinks.deal(world.devices.of(PHONE, "req", request), now())
    assert {answer["code"] for _, answer, _ in world.responses.sent} == {"unknown_thread"}
