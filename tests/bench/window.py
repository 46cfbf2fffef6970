"""A stretch of steady work: begins and ends while there is more to do, so that both ends look alike.

Queues are filled before a process is started. Its start, its connections and the first messages (`warm`) are
not measured; then `count` messages are, by the number that has come out; a few more (`rest`) are left behind
them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tests.bench.usage import MachineTime, machine_time
from tests.usage import cpu_seconds, most_resident_megabytes

_POLL_SECONDS = 0.02
_STUCK_AFTER_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Extent:
    """How many messages a stretch has: before, in and after what is measured."""

    warm: int
    count: int
    rest: int

    @property
    def all(self) -> int:
        return self.warm + self.count + self.rest


@dataclass(frozen=True, slots=True)
class Measured:
    """What was seen in one window. `cpu_seconds` and `megabytes` are of the watched processes together."""

    messages: int
    seconds: float
    cpu_seconds: float
    machine_busy: float
    megabytes: float

    @property
    def rate(self) -> float:
        return self.messages / self.seconds

    @property
    def cpu_per_thousand(self) -> float:
        return 1_000 * self.cpu_seconds / self.messages


@dataclass(frozen=True, slots=True)
class _Mark:
    done: int
    at: float
    cpu_seconds: float
    machine: MachineTime


class Stuck(Exception):
    """Nothing came out for long."""


async def measure(done: Callable[[], Awaitable[int]], extent: Extent, pids: Sequence[int]) -> Measured:
    """Watch the number that is `done` grow from 0 beyond the extent's warm and measured part."""
    first = await _mark(done, extent.warm, pids)
    last = await _mark(done, extent.warm + extent.count, pids)
    return Measured(
        messages=last.done - first.done,
        seconds=last.at - first.at,
        cpu_seconds=last.cpu_seconds - first.cpu_seconds,
        machine_busy=last.machine.busy_share_since(first.machine),
        megabytes=sum(most_resident_megabytes(pid) for pid in pids),
    )


async def until(done: Callable[[], Awaitable[int]], wanted: int) -> int:
    """How many are done, as soon as it is at least `wanted`. Raises Stuck when that does not grow any
    more."""
    latest, grew_at = await done(), time.monotonic()
    while latest < wanted:
        await asyncio.sleep(_POLL_SECONDS)
        count = await done()
        if count != latest:
            latest, grew_at = count, time.monotonic()
        elif time.monotonic() - grew_at > _STUCK_AFTER_SECONDS:
            raise Stuck(f"{latest} of {wanted} came out, and nothing for {_STUCK_AFTER_SECONDS:g} s")
    return latest


async def _mark(done: Callable[[], Awaitable[int]], wanted: int, pids: Sequence[int]) -> _Mark:
    count = await until(done, wanted)
    used = sum(cpu_seconds(pid) for pid in pids)
    return _Mark(count, time.monotonic(), used, machine_time())
