"""Fixtures of the fault tests: how large they are, and the stages that they share."""

from __future__ import annotations

import pytest

from tests.faults.scale import Scale, chosen_scale, chosen_seed


@pytest.fixture(scope="session")
def scale() -> Scale:
    return chosen_scale()


@pytest.fixture
def seed() -> int:
    return chosen_seed()
