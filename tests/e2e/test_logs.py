"""What the whole test run has logged."""

from __future__ import annotations

import pytest

from tests.logs import Evidence


def test_no_secret_and_no_message_text_is_in_any_log_line(evidence: Evidence) -> None:
    """Runs last (tests/conftest.py), over the logs of every process that the tests before it have started."""
    if not evidence.forbidden:
        pytest.skip("no test of this run has started a process")
    assert evidence.lines() > 0
    assert evidence.found() == []
