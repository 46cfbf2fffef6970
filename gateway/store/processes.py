"""Whether a process that was noted down earlier is still that process."""

from __future__ import annotations

import os
from pathlib import Path


def started(pid: int) -> str | None:
    """When `pid` began, in the system's own count; None when there is no such process, or only its zombie.

    Two different values for one pid mean two processes. Where the system has no /proc the value is empty,
    and a pid that was given to another process is taken for the old one.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None if Path("/proc/self/stat").exists() else _answers_signals(pid)
    fields = stat.rpartition(")")[2].split()  # the name, in parentheses, may hold anything
    state, threads, start_ticks = fields[0], int(fields[17]), fields[19]
    # Of a process that was killed the first thread may be a zombie while others still hold ports and files.
    return None if state in "ZX" and threads <= 1 else start_ticks


def _answers_signals(pid: int) -> str | None:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return ""
    return ""
