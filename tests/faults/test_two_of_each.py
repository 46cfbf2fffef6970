"""The daemons as processes, two of each at once."""

from __future__ import annotations

import pytest

from processors.wiring import ROLES
from tests.faults.damages import knock_everywhere
from tests.faults.habits import unruly_receipts
from tests.faults.scale import Scale, chosen_scale
from tests.faults.stage import Stage

pytestmark = [
    pytest.mark.faults,
    pytest.mark.rabbitmq,
    pytest.mark.mongodb,
    pytest.mark.timeout(chosen_scale().test_seconds),
]

DAEMONS = {f"{role}-{number}": role for role in ROLES for number in (1, 2)}


async def test_two_of_every_daemon_at_once_come_to_the_same_totals(
    stage: Stage, scale: Scale, seed: int
) -> None:
    habit = unruly_receipts(scale.latest_receipt_seconds)
    await stage.play("9 two of every daemon", knock_everywhere, scale, seed, habit=habit)
