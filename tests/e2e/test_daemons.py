"""The five daemons as five processes on a real RabbitMQ and a real MongoDB."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import ALL_ROLES, SAMPLES, Gateway, Platform, open_gateway, server_settings
from tests.logs import Evidence
from tests.servers.mongod import MongoServer
from tests.servers.need import missing
from tests.servers.rabbitmq import RabbitServer
from tests.waiting import eventually

pytestmark = [pytest.mark.rabbitmq, pytest.mark.mongodb, pytest.mark.timeout(240)]


def texts(count: int, *, prefix: str) -> list[dict[str, Any]]:
    """MT to people for whom all goes well, over the three sample accounts."""
    channels = {"whatsapp": "4477018{:05}", "telegram": "98765{:05}", "sms": "4478009{:05}"}
    messages = []
    for number in range(count):
        channel, address = list(channels.items())[number % 3]
        text = f"a text that nobody may log, number {number} of {prefix}"
        messages.append(
            {
                "message_id": f"{prefix}-{number}",
                "app_id": "shop",
                "channel": channel,
                "to": address.format(number),
                "content": {"type": "text", "text": text},
            }
        )
    return messages


async def test_mt_come_back_as_dr_and_callbacks_as_mo(
    tmp_path: Path, evidence: Evidence, rabbitmq_url: str, mongod: MongoServer, database_name: str
) -> None:
    settings = server_settings(rabbitmq_url, mongod.url, database_name)
    async with open_gateway(tmp_path, evidence, ALL_ROLES, settings) as gateway:
        await gateway.apply()
        platform = Platform(rabbitmq_url, evidence)
        async with platform.listening():
            samples = [json.loads(line) for line in (SAMPLES / "mt.jsonl").read_text().splitlines()]
            await platform.publish(samples)
            ids = {sample["message_id"] for sample in samples}
            await eventually(lambda: _all_final(platform, ids), within_seconds=60)
            await _expect_samples(gateway, platform)
            await _post_a_callback_by_hand(gateway, platform)
        await _expect_valid_metrics(gateway)
        assert "the conservation law holds" in await gateway.command("audit")
        assert [process.stop() for process in gateway.processes.values()] == [0] * (1 + len(ALL_ROLES))


async def _all_final(platform: Platform, ids: set[str]) -> bool:
    return ids <= platform.finals().keys()


async def _expect_samples(gateway: Gateway, platform: Platform) -> None:
    """What was told about the samples is what their rules lead to."""
    expected = json.loads((SAMPLES / "mt.expected.json").read_text())

    async def mo_complete() -> bool:
        return len(platform.mo) >= expected["mo"] and await gateway.pending_callbacks() == 0

    await eventually(mo_complete, within_seconds=30)
    finals = platform.finals()
    assert {id: told for id, told in finals.items() if len(told) != 1} == {}
    reasons: dict[str, dict[str, int]] = {"failed": {}, "rejected": {}}
    counts: dict[str, int] = {}
    for dr in {dr["event_id"]: dr for dr in platform.dr if dr["final"]}.values():
        counts[dr["status"]] = counts.get(dr["status"], 0) + 1
        if dr["status"] in reasons:
            code = dr["reason"]["code"]
            reasons[dr["status"]][code] = reasons[dr["status"]].get(code, 0) + 1
    assert {
        "delivered_or_read": counts["delivered"],
        "submitted": counts["submitted"],
        "expired": counts["expired"],
        "mo": len({mo["event_id"] for mo in platform.mo}),
        **reasons,
    } == {name: value for name, value in expected.items() if name != "duplicates"}


async def _post_a_callback_by_hand(gateway: Gateway, platform: Platform) -> None:
    """A callback as its provider would post it, with plain HTTP and a signature made here."""
    document = {
        "type": "message",
        "ext_message_id": "by-hand-1",
        "im_uid": "447800900001",
        "to_number": "447700900200",
        "body": "written by hand, not to be logged",
        "timestamp": "2026-11-22T10:00:00Z",
    }
    body = json.dumps(document).encode()
    secret = gateway.environment["IMGW_DEMO_SMS_CALLBACK_SECRET"].encode()
    signature = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
    url = f"{gateway.url}/callbacks/sms-shop"
    async with gateway.http.post(url, data=body, headers={"X-Signature": signature}) as response:
        assert response.status == 200
    async with gateway.http.post(url, data=body, headers={"X-Signature": "sha256=forged"}) as response:
        assert response.status == 403

    async def arrived() -> list[dict[str, Any]]:
        return [mo for mo in platform.mo if mo["provider_message_id"] == "by-hand-1"]

    [mo] = await eventually(arrived)
    assert (mo["app_id"], mo["channel"], mo["from"]["id"], mo["content"]) == (
        "shop",
        "sms",
        "447800900001",
        {"type": "text", "text": "written by hand, not to be logged"},
    )


async def _expect_valid_metrics(gateway: Gateway) -> None:
    """promtool finds nothing to say about any daemon's /metrics."""
    promtool = shutil.which("promtool")
    if promtool is None:
        missing("promtool", "apt-get install prometheus")
    for role in ALL_ROLES:
        async with gateway.http.get(f"{gateway.admin_url(role)}/metrics") as response:
            text = await response.read()
        check = await asyncio.to_thread(
            subprocess.run, [promtool, "check", "metrics"], input=text, capture_output=True, check=False
        )
        assert (check.returncode, check.stdout + check.stderr) == (0, b""), role


async def test_readiness_says_what_is_away_and_recovers_by_itself(
    tmp_path: Path,
    evidence: Evidence,
    rabbitmq_server: RabbitServer,
    rabbitmq_url: str,
    mongod: MongoServer,
    database_name: str,
) -> None:
    settings = server_settings(rabbitmq_url, mongod.url, database_name)
    async with open_gateway(tmp_path, evidence, ALL_ROLES, settings) as gateway:
        await asyncio.to_thread(rabbitmq_server.stop)
        await _expect_metric(gateway, 'imgw_dependency_up{dependency="broker"} 0.0')
        await _expect_unready(gateway, "broker")
        await asyncio.to_thread(rabbitmq_server.start)
        await _expect_metric(gateway, 'imgw_dependency_up{dependency="broker"} 1.0')
        await gateway.until_ready()
        await mongod.kill()
        await _expect_metric(gateway, 'imgw_dependency_up{dependency="store"} 0.0')
        await _expect_unready(gateway, "store")
        await mongod.restart()
        await gateway.until_ready()
        await gateway.apply()
        platform = Platform(rabbitmq_url, evidence)
        async with platform.listening():
            await platform.publish(texts(30, prefix="afterwards"))
            ids = {f"afterwards-{number}" for number in range(30)}
            await eventually(lambda: _all_final(platform, ids), within_seconds=30)


async def _expect_metric(gateway: Gateway, line: str) -> None:
    """Also where nobody has asked for readiness since."""
    for role in ALL_ROLES:

        async def shown(role: str = role) -> bool:
            return line in (await gateway.metrics(role)).splitlines()

        await eventually(shown, within_seconds=30)


async def _expect_unready(gateway: Gateway, what: str) -> None:
    for role in ALL_ROLES:

        async def unready(role: str = role) -> bool:
            status, body = await gateway.ready(role)
            return status == 503 and what in body["checks"]

        await eventually(unready, within_seconds=30)


async def test_sigterm_under_load_loses_nothing_and_sends_nothing_twice(
    tmp_path: Path, evidence: Evidence, rabbitmq_url: str, mongod: MongoServer, database_name: str
) -> None:
    settings = server_settings(rabbitmq_url, mongod.url, database_name)
    async with open_gateway(tmp_path, evidence, ALL_ROLES, settings) as gateway:
        await gateway.apply()
        platform = Platform(rabbitmq_url, evidence)
        messages = texts(1_200, prefix="load")
        async with platform.listening():
            publishing = asyncio.create_task(platform.publish(messages))
            for role in ALL_ROLES:
                await asyncio.sleep(0.3)  # let some of the load pass between the damages
                process = gateway.processes[role]
                assert await asyncio.to_thread(process.stop) == 0, role
                process.start()
            await publishing
            ids = {message["message_id"] for message in messages}
            await eventually(lambda: _all_final(platform, ids), within_seconds=90)
        assert {id: told for id, told in platform.finals().items() if len(told) != 1} == {}
        seen = [(send["account"], send["recipient"]) for send in await gateway.sends_seen() if send["taken"]]
        assert len(seen) == len(set(seen)) == len(messages)
