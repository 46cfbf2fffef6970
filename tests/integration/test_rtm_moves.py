"""Accounts of the in-app channel that get another name or another MQTT broker while devices publish: nothing
stays behind in a session that nobody takes care of."""

from __future__ import annotations

from pathlib import Path

import pytest

from processors.rtm.bridge import LEASE_SECONDS
from tests.integration.rtm_device import DeviceClient
from tests.integration.rtm_world import ACCOUNT, RtmWorld, device, open_world
from tests.logs import Evidence
from tests.servers.mongod import MongoServer
from tests.servers.mosquitto import MosquittoServer
from tests.waiting import eventually

pytestmark = [pytest.mark.mosquitto, pytest.mark.mongodb, pytest.mark.timeout(120)]

Servers = tuple[Path, Evidence, MosquittoServer, MongoServer, str]
RENAMED = "app-shop-renamed"


@pytest.fixture
def servers(
    tmp_path: Path, evidence: Evidence, mosquitto: MosquittoServer, mongod: MongoServer, database_name: str
) -> Servers:
    return tmp_path, evidence, mosquitto, mongod, database_name


async def test_an_account_that_gets_another_name_leaves_nothing_to_its_old_session(servers: Servers) -> None:
    async with open_world(*servers, roles=("mo", "rtm")) as world:
        await _rename(world)
        await _until_listening(world, RENAMED)
        await _all_arrive(world)


async def test_an_account_that_got_another_name_while_no_bridge_ran_leaves_nothing_either(
    servers: Servers,
) -> None:
    async with open_world(*servers, roles=("mo", "rtm")) as world:
        world.processes["rtm"].kill()
        await _rename(world)
        world.processes["rtm"].start()
        await _until_listening(world, RENAMED)
        await _all_arrive(world)


async def test_a_broker_that_an_account_has_left_takes_nothing_for_a_gateway_that_is_gone(
    servers: Servers, tmp_path: Path
) -> None:
    other = MosquittoServer(tmp_path / "other")
    phone = device("alice", "phone")
    try:
        other.start()
        async with open_world(*servers, roles=("mo", "rtm")) as world, phone.connected(world.mosquitto):
            said = [await phone.say(f"words {number}") for number in range(20)]
            await world.configure(account={"url": other.url})

            async def refused() -> bool:
                return not await _is_taken(phone)

            await eventually(refused, within_seconds=30)  # so that it knows that it has to say it again
            await world.until_mo(*said)
            tablet = device("alice", "tablet")
            async with tablet.connected(other):
                await eventually(lambda: _is_taken(tablet), within_seconds=30)
                await world.until_mo("tablet-1")
    finally:
        other.close()


async def _rename(world: RtmWorld) -> None:
    await world.configure(account={"account": RENAMED}, accounts=[RENAMED], prune=True)


async def _until_listening(world: RtmWorld, account: str) -> None:
    async def listening() -> bool:
        return await world.metric("rtm", f'imgw_rtm_listening{{account="{account}"}}') == 1

    await world.processes["rtm"].until_answering(world.http, world.admin_url("rtm", "readyz"))
    await eventually(listening, within_seconds=30)
    assert await world.metric("rtm", f'imgw_rtm_listening{{account="{ACCOUNT}"}}') == 0


async def _is_taken(client: DeviceClient) -> bool:
    """Whether anybody has subscribed to what it says."""
    words = {"id": f"{client.device.device_id}-1", "content": {"type": "text", "text": "words"}}
    return await client.publish("up", words, answer=False)


async def _all_arrive(world: RtmWorld) -> None:
    """What a device says from now on. What the old session got of it comes when the slot of the instance that
    died is found, after its lease."""
    phone = device("alice", "phone")
    async with phone.connected(world.mosquitto):
        said = {await phone.say(f"words {number}") for number in range(20)}

        async def there() -> bool:
            return {mo["provider_message_id"].rpartition("/")[2] for mo in world.mo} >= said

        await eventually(there, within_seconds=LEASE_SECONDS + 30)
