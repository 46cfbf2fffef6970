"""The embedded default: one process, and nothing lost when it is killed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.settings import load_settings
from processors.audit import audit
from processors.commands.session import open_servers
from processors.demo.platform import Platform
from tests.e2e.harness import SAMPLES, open_gateway
from tests.logs import Evidence
from tests.waiting import eventually

pytestmark = [pytest.mark.mongodb, pytest.mark.timeout(240)]


async def test_kill_9_in_the_middle_of_the_samples_loses_nothing(tmp_path: Path, evidence: Evidence) -> None:
    async with open_gateway(tmp_path, evidence, ["all"], {}) as gateway:
        await gateway.apply()
        settings = load_settings(gateway.environment)
        samples = (SAMPLES / "mt.jsonl").read_bytes().splitlines()
        for sample in samples:
            evidence.add_texts(json.loads(sample))
        async with open_servers(settings) as servers:
            platform = Platform(servers.broker)
            await platform.publish(samples)

            async def some_are_under_way() -> bool:
                return sum((await servers.transactions.totals()).values()) >= 40

            await eventually(some_are_under_way)
        gateway.processes["all"].kill()
        gateway.processes["all"].start()
        await gateway.until_ready("all")
        async with open_servers(settings) as servers:
            platform = _resumed(platform, servers.broker)
            await platform.listen()

            async def all_accounted_for() -> bool:
                return not platform.ledger.unaccounted and await gateway.pending_callbacks() == 0

            await eventually(all_accounted_for, within_seconds=150)
            result = await audit(servers.transactions)
        assert (result.holds, result.accepted, result.under_way) == (True, len(platform.ledger.published), {})
        assert platform.ledger.invented == set()
        assert gateway.processes["all"].stop() == 0


def _resumed(before: Platform, broker: object) -> Platform:
    """The same platform with a new connection."""
    again = Platform(broker)  # type: ignore[arg-type]
    again.ledger = before.ledger
    return again
