"""The embedded default: one process with everything in it, and what is done to it under load."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.damages import kill_in_turn, nothing, stop_everything, trouble_provider
from tests.faults.fates import HASTY
from tests.faults.habits import unruly_receipts
from tests.faults.poisoning import poison_everything
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


async def test_a_provider_that_is_down_then_slow_then_throttling_loses_nothing(
    stage: Stage, scale: Scale, seed: int
) -> None:
    # The hasty account gives up sooner than the provider comes back.
    await stage.play(
        "5 provider down, slow, throttling", trouble_provider, scale, seed, without_account=HASTY
    )


async def test_receipts_early_late_doubled_and_shuffled_are_each_passed_on_once(
    stage: Stage, scale: Scale, seed: int
) -> None:
    habit = unruly_receipts(scale.latest_receipt_seconds)
    await stage.play("6 unruly receipts", nothing, scale, seed, habit=habit)


async def test_poison_everywhere_harms_no_good_message_and_is_refused_or_buried(
    stage: Stage, scale: Scale, seed: int
) -> None:
    await stage.play("8 poison", poison_everything, scale, seed)
