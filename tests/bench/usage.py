"""What processes, and the machine as a whole, have used up: CPU seconds and memory, as the kernel counts
them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """In user and system mode, all threads (proc(5): fields 14 and 15, after the name, which may hold
    spaces)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_megabytes(pid: int) -> float:
    """How much memory the process has right now."""
    return _status(pid, "VmRSS:")


def most_resident_megabytes(pid: int) -> float:
    """How much memory the process has had at its most."""
    return _status(pid, "VmHWM:")


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
    return MachineTime((sum(fields) - idle) / _TICKS, idle / _TICKS)


def _status(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1_024
    raise RuntimeError(f"process {pid} is not there")
