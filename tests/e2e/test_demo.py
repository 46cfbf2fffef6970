"""`imgw demo`, as `make demo` runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.harness import CONFIG

pytestmark = [pytest.mark.mongodb, pytest.mark.timeout(180)]


def test_the_demonstration_accounts_for_every_message(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    command = [sys.executable, "-m", "processors", "demo", "--config", str(CONFIG), "--folder", str(folder)]
    environment = {"PATH": os.environ["PATH"], "COLUMNS": "120"}
    done = subprocess.run(
        command, env=environment, cwd=CONFIG.parent, capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every message is accounted for, each as its rule says" in done.stdout
    assert done.stderr == ""
