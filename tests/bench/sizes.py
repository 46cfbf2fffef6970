"""How much is measured: in full, or quickly."""

from __future__ import annotations

from dataclasses import dataclass

from tests.bench.window import Extent


@dataclass(frozen=True, slots=True)
class Sizes:
    """Numbers of messages and rounds. `rounds` is for the comparison with the floor, `few` for the rest."""

    rounds: int
    few: int
    steady: Extent


FULL = Sizes(rounds=5, few=3, steady=Extent(warm=1_000, count=4_000, rest=400))
QUICK = Sizes(rounds=3, few=1, steady=Extent(warm=500, count=1_500, rest=300))
