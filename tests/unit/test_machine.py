"""A test is run once more only when the machine stood still under it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# A machine that stands still: the process is stopped, and goes on when its own child says so.
_STANDSTILL = """
import os, signal, subprocess
def stand_still():
    subprocess.Popen(["sh", "-c", f"sleep 2.5; kill -CONT {os.getpid()}"])
    os.kill(os.getpid(), signal.SIGSTOP)
"""


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        pytest.param("assert len(runs) > 1", "1 failed", id="no standstill, not run again"),
        pytest.param("stand_still(); assert len(runs) > 1", "1 passed, 1 rerun", id="passes then"),
        pytest.param("stand_still(); assert False", "1 failed, 1 rerun", id="fails then too"),
        pytest.param("stand_still()", "1 passed", id="passes at once"),
    ],
)
def test_a_test_under_which_the_machine_stood_still_is_run_once_more(
    tmp_path: Path, body: str, outcome: str
) -> None:
    (tmp_path / "test_it.py").write_text(
        f"{_STANDSTILL}\nruns = []\ndef test_it():\n    runs.append(1)\n    {body}\n"
    )
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.machine", "-p", "no:randomly", "test_it.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout.splitlines()[-1].rpartition(" in ")[0] == outcome, ran.stdout + ran.stderr
    assert ("the machine stood still for 2." in ran.stdout) is ("stand_still" in body)
