"""What the parts find out: rows of values, one for each round, and the arithmetic on them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.bench.window import Measured

CPU = "CPU s / 1,000"


@dataclass(frozen=True, slots=True)
class Row:
    """One quantity: `key` names it for the table of targets, `what` for people. A value for each round."""

    key: str
    what: str
    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)


@dataclass(slots=True)
class Part:
    """What one part found out, and in words what is to be known about it."""

    number: int
    title: str
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, key: str, what: str, unit: str, *values: float) -> None:
        self.rows.append(Row(key, what, unit, values))

    def add_work(self, key: str, what: str, found: Sequence[Measured]) -> None:
        """Cost, rate and memory of what was at work in each round, and how busy the whole machine was."""
        self.add(f"{key}.cpu", what, CPU, *(one.cpu_per_thousand for one in found))
        self.add(f"{key}.rate", what, "messages / s", *(one.rate for one in found))
        self.add(f"{key}.memory", what, "MB", *(one.megabytes for one in found))
        self.add(
            f"{key}.busy", f"{what}: the whole machine", "% busy", *(100 * one.machine_busy for one in found)
        )


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest of the values that at least `percent` of them do not exceed."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(int(rank), 1) - 1]


def ratios(above: Sequence[float], below: Sequence[float]) -> tuple[float, ...]:
    """Round by round: each value against the one that was measured next to it."""
    return tuple(a / b for a, b in zip(above, below, strict=True))
