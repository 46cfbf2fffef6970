"""An account whose provider hangs does not slow the others, and loses nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import ALL_ROLES, Gateway, Platform, open_gateway, server_settings
from tests.logs import Evidence
from tests.servers.mongod import MongoServer
from tests.waiting import eventually

pytestmark = [pytest.mark.rabbitmq, pytest.mark.mongodb, pytest.mark.timeout(180)]

EACH = 300


def _messages(channel: str, address: str) -> list[dict[str, Any]]:
    return [
        {
            "message_id": f"{channel}-{number}",
            "app_id": "shop",
            "channel": channel,
            "to": address.format(number),
            "content": {"type": "text", "text": f"held up or not, number {number}"},
        }
        for number in range(EACH)
    ]


async def _rules(gateway: Gateway, *rules: dict[str, Any]) -> None:
    url = f"{gateway.simulator_url}/simulator/rules"
    async with gateway.http.put(url, json={"rules": list(rules)}) as response:
        assert response.status == 200, await response.text()


async def test_what_a_hanging_account_cannot_take_waits_in_its_lane_while_others_go_on(
    tmp_path: Path, evidence: Evidence, rabbitmq_url: str, mongod: MongoServer, database_name: str
) -> None:
    settings = server_settings(rabbitmq_url, mongod.url, database_name)
    async with open_gateway(tmp_path, evidence, ALL_ROLES, settings) as gateway:
        await gateway.apply()
        await _rules(gateway, {"recipient": "4478009.*", "account": "sms-shop", "send": {"slow_seconds": 4}})
        platform = Platform(rabbitmq_url, evidence)
        hanging, going = _messages("sms", "4478009{:05}"), _messages("whatsapp", "4477018{:05}")
        async with platform.listening():
            await platform.publish([message for pair in zip(hanging, going, strict=True) for message in pair])
            await eventually(lambda: _final(platform, going), within_seconds=60)
            held_up = EACH - len(platform.finals().keys() & {message["message_id"] for message in hanging})
            assert held_up > EACH / 2
            assert "imgw.mt.sms-shop" in await gateway.command("audit")
            await _rules(gateway)
            await eventually(lambda: _final(platform, hanging), within_seconds=60)
        assert [len(told) for told in platform.finals().values()] == [1] * (2 * EACH)
        sends = [send["recipient"] for send in await gateway.sends_seen()]
        assert len(sends) == len(set(sends)) == 2 * EACH


async def _final(platform: Platform, messages: list[dict[str, Any]]) -> bool:
    return {message["message_id"] for message in messages} <= platform.finals().keys()
