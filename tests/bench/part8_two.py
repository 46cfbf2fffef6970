"""Part 8: one process of a kind and two of them, all on this machine with the servers and the provider."""

from __future__ import annotations

from tests.bench.mt_rounds import gateway_round
from tests.bench.part2_latency import answering_after
from tests.bench.part6_growth import dr_round
from tests.bench.results import Part, ratios
from tests.bench.stage import Place, Stage
from tests.bench.window import Measured

TITLE = "One process of a kind, and two"
_SLOW_MS = 200
_ROWS = {
    "mt.slow": f"mt, provider answering after {_SLOW_MS} ms",
    "mt": "mt, provider answering at once",
    "dr": "dr",
}


async def run(stage: Stage) -> Part:
    found: dict[tuple[str, int], list[Measured]] = {(name, n): [] for name in _ROWS for n in (1, 2)}
    async with stage.place() as place:
        for _ in range(stage.sizes.few):
            for (name, processes), measured in found.items():
                measured.append(await _round(stage, place, name, processes))
    part = Part(8, TITLE)
    for name, what in _ROWS.items():
        rates = {n: [one.rate for one in found[name, n]] for n in (1, 2)}
        part.add(f"two.{name}.one", f"{what}: one", "messages / s", *rates[1])
        part.add(f"two.{name}.both", f"{what}: two", "messages / s", *rates[2])
        part.add(f"two.{name}.ratio", f"{what}: two : one", "rate : rate", *ratios(rates[2], rates[1]))
        busy = (100 * one.machine_busy for one in found[name, 2])
        part.add(f"two.{name}.busy", f"{what}: two, the whole machine", "% busy", *busy)
    part.notes.append(
        "A slow provider leaves CPU to spare; one process is held up by its account's limit in flight there."
    )
    return part


async def _round(stage: Stage, place: Place, name: str, processes: int) -> Measured:
    if name == "dr":
        return await dr_round(stage, place, stage.sizes.steady, processes)
    if name == "mt":
        return await gateway_round(place, stage.sizes.steady, processes)
    async with answering_after(stage, _SLOW_MS):
        return await gateway_round(place, stage.sizes.slow, processes)
