"""A backlog that mt daemons find when they start: worked through whole, with memory that does not grow."""

from __future__ import annotations

from tests.faults.fates import FATES
from tests.faults.installation import Installation
from tests.faults.platform import Platform, publish_all
from tests.faults.scale import Scale
from tests.faults.traffic import make_message
from tests.faults.witness import Simulator
from tests.usage import most_resident_megabytes
from tests.waiting import eventually

_BEGINNING = 0.4  # the share of the backlog after which all that is kept for good is there
_MOST_GROWTH = 1.15
_FINAL_AT_ONCE = [fate.name for fate in FATES].index("tg well")


async def work_through(
    installation: Installation, platform: Platform, scale: Scale, processors: tuple[str, ...]
) -> None:
    """Fill imgw.mt while these daemons are stopped, and start them."""
    assert installation.http is not None
    installation.runs += 1
    simulator = Simulator(installation.http, installation.simulator_url)
    since = await simulator.last_number()
    messages = [
        make_message(installation.runs, _FINAL_AT_ONCE, number, validity_seconds=0)
        for number in range(scale.backlog)
    ]
    await installation.stop(*processors)
    await publish_all(platform, messages, spread_seconds=0)
    installation.start(*processors)
    async with platform.listening():
        await _until_ended(platform, int(scale.backlog * _BEGINNING), scale)
        at_first = _memory(installation, processors)
        await _until_ended(platform, scale.backlog, scale)
        at_last = _memory(installation, processors)
    sent = [entry["recipient"] for entry in await simulator.entries_after(since) if entry["entry"] == "send"]
    assert sorted(sent) == sorted(message.recipient for message in messages)
    grown = {name: (at_first[name], mb) for name, mb in at_last.items() if mb > at_first[name] * _MOST_GROWTH}
    assert grown == {}, "megabytes at first and at last"


def _memory(installation: Installation, names: tuple[str, ...]) -> dict[str, float]:
    return {name: most_resident_megabytes(installation.processes[name].pid) for name in names}


async def _until_ended(platform: Platform, count: int, scale: Scale) -> None:
    async def ended() -> bool:
        return len(platform.notebook.finals) >= count

    await eventually(ended, within_seconds=scale.test_seconds, every_seconds=0.2)
