"""What the machine under the tests gives them: memory for the servers' folders, and a note of when it stood
still.

On a shared machine a disk, or everything, may stand still for a quarter of a minute, long past what a test
or a driver waits for. A test that fails meanwhile has said nothing about the code: it is run once more, and
the summary says so.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

_MEMORY = Path("/dev/shm")  # noqa: S108  Linux' file system in memory
_ROOM_BYTES = 6_000_000_000
_TICK_SECONDS = 0.2
_STOOD_STILL_SECONDS = 2.0


class Standstills:
    """Watches, from a thread, for how long a small write to the tests' folders takes to be safe."""

    def __init__(self, file: Path) -> None:
        self.all: list[tuple[float, float]] = []  # when each began, and for how long it lasted
        self._file = file
        self._tick_began = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="standstills", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()
        self._file.unlink(missing_ok=True)

    def since(self, moment: float) -> bool:
        """Whether one lasts, or has ended after this moment of the monotonic clock."""
        return any(began + lasted > moment for began, lasted in (*self.all, self._current()))

    def _current(self) -> tuple[float, float]:
        lasted = time.monotonic() - self._tick_began
        return (self._tick_began, lasted if lasted >= _STOOD_STILL_SECONDS else float("-inf"))

    def _watch(self) -> None:
        with self._file.open("wb", buffering=0) as file:
            while not self._ended.wait(_TICK_SECONDS):
                file.seek(0)
                file.write(b"here")
                os.fsync(file.fileno())
                began, lasted = self._current()
                if lasted > 0:
                    self.all.append((began, lasted))
                self._tick_began = time.monotonic()


_WATCHED = pytest.StashKey[Standstills]()
_TEST_BEGAN = pytest.StashKey[float]()


def pytest_configure(config: pytest.Config) -> None:
    _use_memory()
    watched = config.stash[_WATCHED] = Standstills(Path(tempfile.gettempdir(), f"imgw-tests-{os.getpid()}"))
    watched.start()


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[_WATCHED].stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.flaky(reruns=1, condition=partial(_stood_still_under, item)))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    item.stash[_TEST_BEGAN] = time.monotonic()
    return (yield)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for _, lasted in config.stash[_WATCHED].all:
        terminalreporter.line(f"the machine stood still for {lasted:.1f} s; tests that failed then ran again")


def _stood_still_under(item: pytest.Item) -> bool:
    return item.config.stash[_WATCHED].since(item.stash[_TEST_BEGAN])


def _use_memory() -> None:
    """Where nobody has said otherwise and there is room, folders of the tests are in memory: the servers
    write gigabytes in a run, and a disk that is busy with that makes others wait."""
    if "TMPDIR" in os.environ or not _MEMORY.is_dir():
        return
    kilobytes = re.search(r"^MemAvailable: +(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    available = int(kilobytes[1]) * 1_024 if kilobytes else 0
    if min(available, shutil.disk_usage(_MEMORY).free) >= _ROOM_BYTES:
        tempfile.tempdir = os.environ["TMPDIR"] = str(_MEMORY)
