"""How much is measured: in full, or quickly."""

from __future__ import annotations

from dataclasses import dataclass

from tests.bench.window import Extent


@dataclass(frozen=True, slots=True)
class Sizes:
    """Numbers of messages and of rounds.

    `rounds` is for the comparison with the floor, `few` for the rest; `steady` is a round at full speed,
    `slow` one that a slow provider holds up. `paced_seconds` is how long messages come at an even rate.
    `documents` and `backlog` are what the log and the queue grow to, `due` how many MT expire at once,
    `embedded` how many wait in the embedded broker when it is restarted.
    """

    rounds: int
    few: int
    steady: Extent
    slow: Extent
    paced_seconds: float
    documents: int
    backlog: int
    due: int
    due_seconds: float
    embedded: int


FULL = Sizes(
    rounds=5,
    few=3,
    steady=Extent(warm=1_000, count=4_000, rest=400),
    slow=Extent(warm=400, count=1_500, rest=300),
    paced_seconds=10.0,
    documents=2_000_000,
    backlog=500_000,
    due=100_000,
    due_seconds=25.0,
    embedded=100_000,
)
QUICK = Sizes(
    rounds=3,
    few=1,
    steady=Extent(warm=500, count=1_500, rest=300),
    slow=Extent(warm=200, count=600, rest=200),
    paced_seconds=5.0,
    documents=100_000,
    backlog=50_000,
    due=10_000,
    due_seconds=8.0,
    embedded=10_000,
)
