"""What a process has used up: CPU seconds and memory, as the kernel counts them."""

from __future__ import annotations

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """In user and system mode, all threads (proc(5): fields 14 and 15, after the name, which may hold
    spaces)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_megabytes(pid: int) -> float:
    """How much memory the process has right now."""
    return _status(pid, "VmRSS:")


def most_resident_megabytes(pid: int) -> float:
    """How much memory the process has had at its most."""
    return _status(pid, "VmHWM:")


def _status(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1_024
    raise RuntimeError(f"process {pid} is not there")
