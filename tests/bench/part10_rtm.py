"""Part 10: the in-app channel: MT to connected devices, and what devices publish, taken by the bridge."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.broker.topology import DR, DR_IN, MO, MO_IN, MT
from tests.bench.mt_rounds import floors, work_off
from tests.bench.results import Part
from tests.bench.rtm_site import InAppPlace, in_app_place
from tests.bench.rtm_traffic import mt_letters
from tests.bench.site import Daemon
from tests.bench.stage import Stage
from tests.bench.window import Extent, Measured, measure, until

_WHATS = {
    "mt": "imgw run mt: MT to devices",
    "bridge.dr": "imgw run rtm: receipts taken",
    "dr": "imgw run dr: receipts applied",
    "bridge.mo": "imgw run rtm: MO taken",
    "mo": "imgw run mo: MO passed on",
}


@dataclass(frozen=True, slots=True)
class Round:
    """One round: what each process on the way of an MT, its receipt and an MO cost."""

    found: dict[str, Measured]


async def run(stage: Stage) -> Part:
    people = stage.sizes.devices
    part = Part(
        10, f"In-app: {people:,} connected devices, an MT and a receipt each in turn, and MO from all"
    )
    rounds: list[Round] = []
    async with in_app_place(stage, people) as place:
        for _ in range(stage.sizes.few):
            rounds.append(await _round(place, stage.sizes.steady))
        crowd = place.crowd
        part.add("rtm.connection", "Mosquitto: memory for each connected device", "kB", crowd.kilobytes_each)
    for name, what in _WHATS.items():
        part.add_work(f"rtm.{name}", what, [one.found[name] for one in rounds])
    floor = await floors(stage)
    costs = [one.found["mt"].cpu_per_thousand for one in rounds]
    below = sorted(one.cpu_per_thousand for one in floor)[len(floor) // 2]
    part.add("rtm.ratio", "mt, in-app : MT's floor", "CPU : CPU", *(cost / below for cost in costs))
    part.notes.append(
        "The devices are one process on the same machine, which publishes as fast as it can while the bridge"
        " takes; what is on the queues then is worked off by dr and mo alone."
    )
    return part


async def _round(place: InAppPlace, extent: Extent) -> Round:
    found = {"mt": await _sent(place, extent)}
    found["bridge.dr"] = await _taken(place, DR_IN, extent, "receipts")
    found["dr"] = await _worked_off(place, "dr", DR, extent)
    found["bridge.mo"] = await _taken(place, MO_IN, extent, f"mo {extent.all}")
    found["mo"] = await _worked_off(place, "mo", MO, extent)
    return Round(found)


async def _sent(place: InAppPlace, extent: Extent) -> Measured:
    """A queue of MT, sent by a process that is started then; all devices have theirs when it returns."""
    before = await place.crowd.heard()
    await place.place.queues.fill(MT, mt_letters(extent.all, place.people))
    measured = await _worked_off(place, "mt", DR, extent)
    await until(place.crowd.heard, before + extent.all)
    return measured


async def _worked_off(place: InAppPlace, role: str, out_queue: str, extent: Extent) -> Measured:
    async with place.place.site.running(role) as daemons:
        return await work_off(place.place, out_queue, extent, _pids(daemons))


async def _taken(place: InAppPlace, queue: str, extent: Extent, command: str) -> Measured:
    """What the devices publish on this command, taken by the bridge; all is on its queue when it returns."""
    queues = place.place.queues

    async def done() -> int:
        return await queues.depth(queue)

    async with place.place.site.running("rtm") as daemons:
        publishing = asyncio.create_task(place.crowd.obey(command))
        measured = await measure(done, extent, _pids(daemons))
        await publishing
        await until(done, extent.all)
    return measured


def _pids(daemons: Sequence[Daemon]) -> list[int]:
    return [daemon.pid for daemon in daemons]
