"""The time in which a server is away: the daemons must notice, say so, and keep still."""

from __future__ import annotations

import asyncio
from functools import partial

from tests.faults.meter import Usage
from tests.faults.scene import Scene
from tests.waiting import eventually

# A loop that asks without a pause takes all of a core, and logs hundreds of lines a second.
_MOST_LINES_PER_SECOND = 3.0
_MOST_CPU = 0.25  # of one core
_NOTICED_WITHIN_SECONDS = 45.0


class Absence:
    """Of `what`, as readiness calls it: "broker" or "store"."""

    def __init__(self, scene: Scene, what: str) -> None:
        self._scene = scene
        self._what = what

    async def until_noticed(self) -> None:
        """Until every daemon is unready because of it."""
        for name in self._scene.installation.daemons:
            await eventually(partial(self._is_said_by, name), within_seconds=_NOTICED_WITHIN_SECONDS)

    async def sit_out(self) -> None:
        """Wait as long as the scale says, and see that no daemon is busy with nothing."""
        meters = self._scene.installation.meters()
        await asyncio.sleep(self._scene.scale.away_seconds)
        usages = {name: meter.read() for name, meter in meters.items()}
        restless = {name: usage for name, usage in usages.items() if _is_restless(usage)}
        assert restless == {}, f"while the {self._what} is away: {restless}"

    async def _is_said_by(self, name: str) -> bool:
        return self._what in await self._scene.installation.trouble(name)


def _is_restless(usage: Usage) -> bool:
    return usage.lines_per_second > _MOST_LINES_PER_SECOND or usage.cpu_share > _MOST_CPU
