"""The embedded default: one process with everything in it, and what is done to it under load."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.damages import kill_in_turn, stop_everything
from tests.faults.scale import Scale, chosen_scale
from tests.faults.stage import Stage, embedded_stage
from tests.logs import Evidence

pytestmark = [
    pytest.mark.faults,
    pytest.mark.mongodb,
    pytest.mark.timeout(chosen_scale().test_seconds),
]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, evidence: Evidence, scale: Scale) -> Iterator[Stage]:
    stage = embedded_stage(tmp_path_factory.mktemp("faults"), evidence, scale)
    yield stage
    stage.close()


async def test_kill_9_of_the_whole_gateway_loses_nothing(stage: Stage, scale: Scale, seed: int) -> None:
    killed = kill_in_turn(*[("all",)] * scale.rounds)
    await stage.play("1 kill -9 of the whole gateway", killed, scale, seed)


async def test_sigterm_under_load_loses_nothing_and_sends_nothing_twice(
    stage: Stage, scale: Scale, seed: int
) -> None:
    await stage.play("7 SIGTERM of everything", stop_everything, scale, seed)
