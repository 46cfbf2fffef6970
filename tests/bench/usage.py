"""What the machine as a whole has used up, as the kernel counts it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.usage import TICKS


@dataclass(frozen=True, slots=True)
class MachineTime:
    """CPU time of all processors since the start: `busy` and `idle`, in seconds."""

    busy: float
    idle: float

    def busy_share_since(self, before: MachineTime) -> float:
        busy, idle = self.busy - before.busy, self.idle - before.idle
        return busy / (busy + idle) if busy + idle else 0.0


def machine_time() -> MachineTime:
    """Everybody's, the servers' and other programs' included (proc(5): idle and iowait are fields 4 and
    5)."""
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    idle = fields[3] + fields[4]
    return MachineTime((sum(fields) - idle) / TICKS, idle / TICKS)
