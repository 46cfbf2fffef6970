"""Fixtures that every test can use: the real servers, each started once a run and only when asked for, and
the evidence of what was logged."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.logs import Evidence

pytest_plugins = [
    "tests.servers.mongod",
    "tests.servers.mosquitto",
    "tests.servers.rabbitmq",
    "tests.integration.shell",
]

_MEMORY = Path("/dev/shm")  # noqa: S108  Linux' file system in memory
_ROOM_BYTES = 6_000_000_000
_LAST = "test_no_secret_and_no_message_text_is_in_any_log_line"


def pytest_configure() -> None:
    """Where nobody has said otherwise and there is room, folders of the tests are in memory: the servers
    write gigabytes in a run, which keeps a disk busy for nothing."""
    if "TMPDIR" in os.environ or not _MEMORY.is_dir():
        return
    kilobytes = re.search(r"^MemAvailable: +(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    available = int(kilobytes[1]) * 1_024 if kilobytes else 0
    if min(available, shutil.disk_usage(_MEMORY).free) >= _ROOM_BYTES:
        tempfile.tempdir = os.environ["TMPDIR"] = str(_MEMORY)


@pytest.fixture(scope="session")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """Where processes under test log to, and what must not be there."""
    return Evidence(tmp_path_factory.mktemp("logs"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The test that looks at everything that was logged comes after everything that logs."""
    items.sort(key=lambda item: item.name == _LAST)
