"""The whole in-app channel against a real Mosquitto, with clients that are not ours."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.model.base import now
from tests.integration.rtm_world import APP, RtmWorld, device, open_world
from tests.logs import Evidence
from tests.servers.mongod import MongoServer
from tests.servers.mosquitto import MosquittoServer
from tests.waiting import eventually

pytestmark = [pytest.mark.mosquitto, pytest.mark.mongodb]

Servers = tuple[Path, Evidence, MosquittoServer, MongoServer, str]


@pytest.fixture
def servers(
    tmp_path: Path, evidence: Evidence, mosquitto: MosquittoServer, mongod: MongoServer, database_name: str
) -> Servers:
    return tmp_path, evidence, mosquitto, mongod, database_name


async def test_all_devices_of_a_user_get_a_message_and_one_that_was_offline_gets_it_on_return(
    servers: Servers,
) -> None:
    phone, tablet, watch = (device("alice", name) for name in ("phone", "tablet", "watch"))
    async with open_world(*servers) as world:
        await world.people("alice")
        async with watch.connected(world.mosquitto):
            pass
        async with phone.connected(world.mosquitto), tablet.connected(world.mosquitto):
            message_id = await world.send({"kind": "user_id", "id": "alice"}, "to all of you")
            await phone.until_texts("to all of you")
            await tablet.until_texts("to all of you")
            await phone.receipt(message_id, "delivered")
            drs = await world.until_dr(message_id, "submitted", "delivered")
            assert drs[-1]["device"] == "alice/phone"
            assert watch.texts() == []
            async with watch.connected(world.mosquitto):
                await watch.until_texts("to all of you")
                await watch.receipt(message_id, "delivered")
                await watch.receipt(message_id, "read")
                drs = await world.until_dr(message_id, "submitted", "delivered", "read")
                assert drs[-1]["device"] == "alice/watch"


async def test_a_message_comes_with_its_id_its_expiry_and_its_thread(servers: Servers) -> None:
    phone = device("alice", "phone")
    async with open_world(*servers) as world, phone.connected(world.mosquitto):
        await world.people("alice")
        message_id = await world.send(
            {"kind": "device", "id": "alice/phone"}, "hello again", validity_seconds=60
        )
        await phone.until_texts("hello again")
        (heard,) = phone.heard
        assert heard.properties == {"type": "message", "message_id": message_id}
        assert heard.correlation == message_id.encode()
        assert heard.expiry_seconds is not None
        assert 50 <= heard.expiry_seconds <= 60
        assert heard.topic == phone.device.down
        assert heard.document["thread"]["type"] == "conversation"


async def test_mosquitto_sub_and_pub_are_clients_as_good_as_any(servers: Servers) -> None:
    phone = device("alice", "phone").device
    async with open_world(*servers) as world:
        await world.people("alice")
        listening = await asyncio.create_subprocess_exec(
            *("mosquitto_sub", "-V", "mqttv5", "-h", world.mosquitto.host, "-p", str(world.mosquitto.port)),
            *("-i", phone.login, "-q", "1", "-C", "2", "-W", "60", "-F", "%t %p"),
            *(argument for topic in phone.subscriptions for argument in ("-t", topic)),
            stdout=asyncio.subprocess.PIPE,
        )
        assert listening.stdout is not None
        await _until_subscribed(world, phone.subscriptions)
        message_id = await world.send({"kind": "user_id", "id": "alice"}, "for mosquitto_sub")
        topic, _, payload = (await listening.stdout.readline()).decode().partition(" ")
        assert (topic, json.loads(payload)["message_id"]) == (phone.subscriptions[0], message_id)
        await _mosquitto_pub(world, phone.up("rcpt"), {"message_id": message_id, "status": "delivered"})
        await world.until_dr(message_id, "submitted", "delivered")
        mo = {"id": "mo-1", "content": {"type": "text", "text": "from mosquitto_pub"}}
        await _mosquitto_pub(world, phone.up("up"), mo, "-D", "publish", "response-topic", phone.responses)
        topic, _, payload = (await listening.stdout.readline()).decode().partition(" ")
        assert (topic, json.loads(payload)["type"]) == (phone.responses, "accepted")
        (received,) = await world.until_mo("mo-1")
        assert (received["content"], received["device"]) == (mo["content"], "phone")
        assert await listening.wait() == 0


async def test_a_message_that_reaches_no_device_expires(servers: Servers) -> None:
    phone = device("alice", "phone")
    async with open_world(*servers) as world:
        async with phone.connected(world.mosquitto):
            await world.people("alice")
        message_id = await world.send({"kind": "user_id", "id": "alice"}, "too late", validity_seconds=2)
        drs = await world.until_dr(message_id, "submitted", "expired")
        assert (drs[-1]["final"], drs[-1]["reason"]["code"]) == (True, "no_receipt_in_time")
        # Mosquitto counts whole seconds.
        over = now() + timedelta(seconds=2)
        await eventually(lambda: _is_past(over))
        async with phone.connected(world.mosquitto):
            await phone.ask("threads")
            assert phone.texts() == []


async def test_presence_and_what_a_device_tells_of_itself_are_known(servers: Servers) -> None:
    phone = device("alice", "phone")
    async with open_world(*servers) as world:
        async with phone.connected(world.mosquitto):
            await phone.ask("device_register", platform="android", push_token="t-1", app_version="1.2")
            await eventually(lambda: world.is_online(phone.device, wanted=True))
            customer = await world.customers.get(APP, "alice")
            assert customer is not None
            (known,) = customer.devices
            told = (known.device_id, known.platform, known.push_token, known.app_version)
            assert told == ("phone", "android", "t-1", "1.2")
        await eventually(lambda: world.is_online(phone.device, wanted=False))
        async with phone.connected(world.mosquitto):
            await eventually(lambda: world.is_online(phone.device, wanted=True))
            assert (await phone.ask("device_remove"))["result"] == {"removed": True}


async def test_readiness_names_the_account_whose_broker_is_away(servers: Servers) -> None:
    async with open_world(*servers, roles=("rtm",)) as world:
        world.mosquitto.stop()

        async def readiness() -> tuple[int, str]:
            async with world.http.get(world.admin_url("rtm", "readyz?verbose")) as response:
                return response.status, (await response.json())["checks"]["rtm"]

        async def is_away() -> bool:
            status, said = await readiness()
            return status == 503 and said.startswith("app-shop: ")

        async def is_back() -> bool:
            return await readiness() == (200, "ok")

        await eventually(is_away)
        listening = 'imgw_rtm_listening{account="app-shop"}'
        await eventually(lambda: _equals(world, listening, 0))
        world.mosquitto.start()
        await eventually(is_back)
        await eventually(lambda: _equals(world, listening, 1))


async def _is_past(at: datetime) -> bool:
    return now() > at


async def _until_subscribed(world: RtmWorld, topics: tuple[str, ...]) -> None:
    """By the broker's own log."""

    async def there() -> bool:
        log = world.mosquitto.log_file.read_text(errors="replace")
        return all(f"{topic} (QoS 1)" in log or f" 1 {topic}" in log for topic in topics)

    await eventually(there)


async def _mosquitto_pub(world: RtmWorld, topic: str, document: Any, *options: str) -> None:
    publishing = await asyncio.create_subprocess_exec(
        *("mosquitto_pub", "-V", "mqttv5", "-h", world.mosquitto.host, "-p", str(world.mosquitto.port)),
        *("-q", "1", "-t", topic, "-m", json.dumps(document), *options),
    )
    assert await publishing.wait() == 0


async def _equals(world: RtmWorld, sample: str, value: float) -> bool:
    return await world.metric("rtm", sample) == value
