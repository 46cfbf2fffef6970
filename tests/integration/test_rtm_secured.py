"""The in-app channel as it is run for real: a whole gateway at a Mosquitto that is set up as it is shipped,
which lets in nobody but the gateway and devices with a token."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import aiomqtt
import pytest

from tests.integration.rtm_access_world import PASSWORD, secured
from tests.integration.rtm_world import API_KEY, APP, RtmWorld, device, open_world
from tests.logs import Evidence
from tests.servers.mongod import MongoServer
from tests.servers.mosquitto import MosquittoServer, need_mosquitto

pytestmark = [pytest.mark.mosquitto, pytest.mark.mongodb]

ACCOUNT = {"credentials": {"username": "imgw", "password": "${env:RTM_PASSWORD}"}}


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[MosquittoServer]:
    need_mosquitto()
    server = secured(tmp_path / "secured")
    try:
        server.start()
        yield server
    finally:
        server.close()


async def test_with_a_token_a_device_gets_mt_and_is_heard_and_without_one_it_is_not_let_in(
    tmp_path: Path, evidence: Evidence, mosquitto: MosquittoServer, mongod: MongoServer, database_name: str
) -> None:
    phone = device("alice@x", "phone")
    evidence.add_secrets({"IMGW_RTM_PASSWORD": PASSWORD})
    async with open_world(
        tmp_path,
        evidence,
        mosquitto,
        mongod,
        database_name,
        parameters={"access": "dynamic_security"},
        account=ACCOUNT,
        environment={"RTM_PASSWORD": PASSWORD},
    ) as world:
        with pytest.raises(aiomqtt.MqttError):
            async with phone.connected(mosquitto):
                pass
        async with phone.connected(mosquitto, token=await _token(world)):
            message_id = await world.send({"kind": "user_id", "id": "alice@x"}, "hello")
            await phone.until_texts("hello")
            await phone.receipt(message_id, "read")
            await world.until_dr(message_id, "submitted", "delivered", "read")
            id = await phone.say("good day")
            (mo,) = await world.until_mo(id)
            assert (mo["from"]["id"], mo["device"], mo["content"]["text"]) == ("alice@x", "phone", "good day")


async def _token(world: RtmWorld) -> str:
    asked = {"user_id": "alice@x", "device_id": "phone"}
    async with world.http.post(
        f"{world.url}/v1/applications/{APP}/tokens",
        json=asked,
        headers={"Authorization": f"Bearer {API_KEY}"},
    ) as answer:
        assert answer.status == 201
        token: str = (await answer.json())["token"]
    world.evidence.add_secrets({"IMGW_TOKEN": token})
    return token
