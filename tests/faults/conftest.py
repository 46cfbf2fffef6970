"""Fixtures of the fault tests: how large they are, and the stages that they share."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.faults.scale import Scale, chosen_scale, chosen_seed
from tests.faults.stage import Stage, rabbitmq_stage
from tests.logs import Evidence
from tests.servers.mongod import MongoServer
from tests.servers.rabbitmq import RabbitServer


@pytest.fixture(scope="session")
def scale() -> Scale:
    return chosen_scale()


@pytest.fixture(scope="module")
def stage(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    evidence: Evidence,
    scale: Scale,
    rabbitmq_server: RabbitServer,
    mongod: MongoServer,
) -> Iterator[Stage]:
    """On real servers, with the processes that the module's DAEMONS names."""
    folder = tmp_path_factory.mktemp("faults")
    stage = rabbitmq_stage(folder, evidence, scale, rabbitmq_server, mongod, request.module.DAEMONS)
    yield stage
    stage.close()


@pytest.fixture
def seed() -> int:
    return chosen_seed()


@pytest.fixture(autouse=True)
def _quiet_client(caplog: pytest.LogCaptureFixture) -> None:
    """The platform's AMQP client says each time that it cannot connect, which is the point of these tests."""
    caplog.set_level(logging.CRITICAL, "aiormq")
