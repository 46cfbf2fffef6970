"""What a process used up over a time: lines of log, and CPU."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.usage import cpu_seconds

# One line for each request that could not be taken, and that the provider will repeat, is as it should be; so
# is one for each attempt that was still under way.
_PER_REQUEST = frozenset({"callback.unavailable", "mt.attempt_failed"})


@dataclass(frozen=True, slots=True)
class Usage:
    """Over `seconds`: log lines by event (without those that each belong to a request), CPU seconds."""

    seconds: float
    cpu_seconds: float
    lines: Counter[str]

    @property
    def cpu_share(self) -> float:
        return self.cpu_seconds / self.seconds

    @property
    def lines_per_second(self) -> float:
        return self.lines.total() / self.seconds


class Meter:
    """Begins to measure when it is made."""

    def __init__(self, pid: int, log: Path) -> None:
        self._pid = pid
        self._log = log
        self._began_at = time.monotonic()
        self._cpu_seconds = cpu_seconds(pid)
        self._log_bytes = log.stat().st_size

    def read(self) -> Usage:
        with self._log.open("rb") as log:
            log.seek(self._log_bytes)
            events = Counter(_event(line) for line in log.read().splitlines())
        return Usage(
            time.monotonic() - self._began_at,
            cpu_seconds(self._pid) - self._cpu_seconds,
            Counter({event: count for event, count in events.items() if event not in _PER_REQUEST}),
        )


def _event(line: bytes) -> str:
    try:
        return str(json.loads(line).get("event", "?"))
    except (ValueError, AttributeError):
        return "not JSON"
