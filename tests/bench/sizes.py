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
    `embedded` how many wait in the embedded broker when it is restarted, `devices` how many are connected in
    the in-app part.
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
    devices: int


FULL = Sizes(
    rounds=5,
    few=3,
    steady=Extent(warm=800, count=3_000, rest=300),
    slow=Extent(warm=300, count=1_200, rest=300),
    paced_seconds=10.0,
    documents=2_000_000,
    backlog=500_000,
    due=100_000,
    due_seconds=25.0,
    embedded=100_000,
    devices=1_000,
)
QUICK = Sizes(
    rounds=3,
    few=1,
    steady=Extent(warm=400, count=1_200, rest=300),
    slow=Extent(warm=200, count=500, rest=200),
    paced_seconds=4.0,
    documents=50_000,
    backlog=20_000,
    due=10_000,
    due_seconds=8.0,
    embedded=10_000,
    devices=200,
)
