"""The daemons as processes, with a cut in the network between them and RabbitMQ."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.damages import cut_network
from tests.faults.scale import Scale, chosen_scale
from tests.faults.stage import Stage, rabbitmq_stage
from tests.logs import Evidence
from tests.servers.mongod import MongoServer
from tests.servers.rabbitmq import RabbitServer

pytestmark = [
    pytest.mark.faults,
    pytest.mark.rabbitmq,
    pytest.mark.mongodb,
    pytest.mark.timeout(chosen_scale().test_seconds),
]

DAEMONS = {"mt": "mt", "retry": "retry", "dr": "dr", "mo": "mo", "web": "web"}


@pytest.fixture
def stage(
    tmp_path_factory: pytest.TempPathFactory,
    evidence: Evidence,
    scale: Scale,
    rabbitmq_server: RabbitServer,
    mongod: MongoServer,
) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("faults")
    stage = rabbitmq_stage(folder, evidence, scale, rabbitmq_server, mongod, DAEMONS, proxied=True)
    yield stage
    stage.close()


async def test_a_network_that_is_cut_loses_nothing(stage: Stage, scale: Scale, seed: int) -> None:
    proxy = stage.set().broker_proxy
    assert proxy is not None
    await stage.play("4 network to RabbitMQ cut", cut_network(proxy), scale, seed)
