"""What the project set itself to reach, and how far what was measured is from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tests.bench.results import Part, Row


@dataclass(frozen=True, slots=True)
class Target:
    """A quantity, by the keys of the rows that it is the worst of, and what it must and should be.

    With `at_least`, more is better; otherwise less is. `unit` stands behind every number.
    """

    what: str
    keys: tuple[str, ...]
    must: float
    aim: float
    unit: str = ""
    at_least: bool = False


TARGETS: tuple[Target, ...] = (
    Target("MT: CPU per 1,000, gateway : floor", ("mt.ratio",), 1.5, 1.0),
    Target(
        "MT at 50 ms provider latency, one process: share of what limit and CPU allow",
        ("latency.50.share",),
        0.8,
        0.95,
        at_least=True,
    ),
    Target("DR: CPU of dr per 1,000, against MT's floor", ("dr.ratio",), 1.0, 0.6),
    Target("MO: CPU of mo per 1,000, against MT's floor", ("mo.ratio",), 1.0, 0.6),
    Target("callback answered, p99 at half load", ("callback.answered.p99",), 25, 10, " ms"),
    Target("publish → provider call, p99 at half load", ("publish.call.p99",), 50, 20, " ms"),
    Target(
        "cost per message, 2,000,000 documents : 1,000", ("growth.mt.ratio", "growth.dr.ratio"), 1.15, 1.0
    ),
    Target("memory of an mt process with 500,000 queued", ("backlog.memory",), 150, 100, " MB"),
    Target("two processes : one, while CPU is there", ("two.mt.slow.ratio",), 1.7, 1.9, at_least=True),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A target beside what was measured; None where the part that measures it was left out."""

    target: Target
    measured: Row | None

    @property
    def met(self) -> str:
        if self.measured is None:
            return "not measured"
        value, target = self.measured.median, self.target
        if target.at_least:
            return "aim" if value >= target.aim else "must" if value >= target.must else "no"
        return "aim" if value <= target.aim else "must" if value <= target.must else "no"


def verdicts(parts: Iterable[Part]) -> list[Verdict]:
    rows = by_key(parts)
    found = []
    for target in TARGETS:
        there = [rows[key] for key in target.keys if key in rows]
        worst = (min if target.at_least else max)(there, key=lambda row: row.median) if there else None
        found.append(Verdict(target, worst))
    return found


def by_key(parts: Iterable[Part]) -> Mapping[str, Row]:
    return {row.key: row for part in parts for row in part.rows}
