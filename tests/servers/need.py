"""What a test does when a server that it needs cannot be had."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest


def missing(what: str, way_out: str) -> NoReturn:
    """Skip the test with the reason in the summary; in CI, where nothing may be skipped quietly, fail it."""
    reason = f"{what} is missing: {way_out}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def chromium() -> str:
    """Where Chromium is, as Debian installs it."""
    return shutil.which("chromium") or missing("Chromium", "apt-get install chromium")
