"""Fixtures of the fault tests: how large they are, and the stages that they share."""

from __future__ import annotations

import logging

import pytest

from tests.faults.scale import Scale, chosen_scale, chosen_seed


@pytest.fixture(scope="session")
def scale() -> Scale:
    return chosen_scale()


@pytest.fixture
def seed() -> int:
    return chosen_seed()


@pytest.fixture(autouse=True)
def _quiet_client(caplog: pytest.LogCaptureFixture) -> None:
    """The platform's AMQP client says each time that it cannot connect, which is the point of these tests."""
    caplog.set_level(logging.CRITICAL, "aiormq")
