"""Part 3: receipts: callback posted, taken in by web, matched and passed on by dr."""

from __future__ import annotations

import statistics

from tests.bench.callback_rounds import CallbackRound, Kind, callback_round
from tests.bench.mt_rounds import floors
from tests.bench.results import Part
from tests.bench.stage import Stage

TITLE = "DR: a callback for each receipt; web alone, then dr alone on what web has put on its queue"


async def run(stage: Stage) -> Part:
    return await callbacks(stage, Part(3, TITLE), "dr")


async def callbacks(stage: Stage, part: Part, kind: Kind) -> Part:
    """What callbacks of a kind cost, on their own and against the floor of an MT."""
    floor = statistics.median(one.cpu_per_thousand for one in await floors(stage))
    found: list[CallbackRound] = []
    async with stage.place() as place:
        for _ in range(stage.sizes.few):
            found.append(await callback_round(stage, place, kind, stage.sizes.steady))
    part.add_work(f"{kind}.web", "imgw run web", [one.web for one in found])
    part.add_work(f"{kind}.processor", f"imgw run {kind}", [one.processor for one in found])
    costs = [one.processor.cpu_per_thousand for one in found]
    part.add(f"{kind}.ratio", f"{kind} : MT's floor", "CPU : CPU", *(cost / floor for cost in costs))
    return part
