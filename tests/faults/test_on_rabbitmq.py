"""The daemons as processes on a real RabbitMQ and a real MongoDB, and what is done to them under load."""

from __future__ import annotations

import pytest

from tests.faults.backlog import work_through
from tests.faults.damages import (
    cut_network,
    kill_in_turn,
    lose_mongod,
    nothing,
    restart_rabbitmq,
    stop_everything,
    trouble_provider,
)
from tests.faults.fates import HASTY
from tests.faults.habits import unruly_receipts
from tests.faults.poisoning import poison_everything
from tests.faults.scale import Scale, chosen_scale
from tests.faults.stage import Stage
from tests.servers.mongod import MongoServer
from tests.servers.rabbitmq import RabbitServer

pytestmark = [
    pytest.mark.faults,
    pytest.mark.rabbitmq,
    pytest.mark.mongodb,
    pytest.mark.timeout(chosen_scale().test_seconds),
]

DAEMONS = {"mt-1": "mt", "mt-2": "mt", "retry": "retry", "dr": "dr", "mo": "mo", "web": "web"}


async def test_kill_9_of_each_daemon_in_turn_and_of_two_at_once_loses_nothing(
    stage: Stage, scale: Scale, seed: int
) -> None:
    killed = kill_in_turn(("mt-1",), ("retry",), ("dr",), ("mo",), ("web",), ("mt-1", "mt-2"))
    await stage.play("1 kill -9 of each daemon", killed, scale, seed)


async def test_a_restart_of_rabbitmq_and_closed_connections_lose_nothing(
    stage: Stage, scale: Scale, seed: int, rabbitmq_server: RabbitServer
) -> None:
    damage = restart_rabbitmq(rabbitmq_server)
    await stage.play("2 RabbitMQ restarted, connections closed", damage, scale, seed)


async def test_a_mongod_that_is_killed_and_one_that_hangs_lose_nothing(
    stage: Stage, scale: Scale, seed: int, mongod: MongoServer
) -> None:
    await stage.play("3 mongod killed, then hanging", lose_mongod(mongod), scale, seed)


async def test_a_network_that_is_cut_loses_nothing(stage: Stage, scale: Scale, seed: int) -> None:
    proxy = stage.set().broker_proxy
    assert proxy is not None
    await stage.play("4 network to RabbitMQ cut", cut_network(proxy), scale, seed)


async def test_sigterm_of_everything_under_load_loses_nothing_and_sends_nothing_twice(
    stage: Stage, scale: Scale, seed: int
) -> None:
    await stage.play("7 SIGTERM of everything", stop_everything, scale, seed)


async def test_a_provider_that_is_down_then_slow_then_throttling_loses_nothing(
    stage: Stage, scale: Scale, seed: int
) -> None:
    # The hasty account gives up sooner than the provider comes back.
    await stage.play(
        "5 provider down, slow, throttling", trouble_provider, scale, seed, without_account=HASTY
    )


async def test_receipts_early_late_doubled_and_shuffled_are_each_passed_on_once(
    stage: Stage, scale: Scale, seed: int
) -> None:
    habit = unruly_receipts(scale.latest_receipt_seconds)
    await stage.play("6 unruly receipts", nothing, scale, seed, habit=habit)


async def test_poison_everywhere_harms_no_good_message_and_is_refused_or_buried(
    stage: Stage, scale: Scale, seed: int
) -> None:
    await stage.play("8 poison", poison_everything, scale, seed)


async def test_a_backlog_is_worked_through_with_flat_memory(stage: Stage, scale: Scale) -> None:
    async with stage.in_use() as (chosen, platform, _):
        await work_through(chosen.installation, platform, scale, processors=("mt-1", "mt-2"))
