"""People who are deleted stay unknown, whatever the MQTT broker retained of them; and what it retains of
others is no news of when they were there."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.rtm.names import Device
from gateway.store.customers import Customer, KnownDevice
from tests.integration.rtm_access_world import GRANTED_1, Client
from tests.integration.rtm_world import ACCOUNT, API_KEY, APP, RtmWorld, device, open_world
from tests.logs import Evidence
from tests.servers.mongod import MongoServer
from tests.servers.mosquitto import MosquittoServer
from tests.waiting import eventually

pytestmark = [pytest.mark.mosquitto, pytest.mark.mongodb]

TAKEN = f'imgw_rtm_received_total{{account="{ACCOUNT}",kind="presence",outcome="accepted"}}'


@pytest.fixture
async def world(
    tmp_path: Path, evidence: Evidence, mosquitto: MosquittoServer, mongod: MongoServer, database_name: str
) -> AsyncIterator[RtmWorld]:
    """Alice and Bob are connected, as far as the gateway knows."""
    roles = ("rtm", "web")
    async with open_world(tmp_path, evidence, mosquitto, mongod, database_name, roles=roles) as world:
        for user_id in ("alice", "bob"):
            phone = device(user_id, "phone")
            async with phone.connected(mosquitto, presence=False):  # and so it has no will
                await phone.publish("presence", {"online": True, "session": "s-1", "platform": "ios"})
        await until_taken(world, "rtm", 2)
        yield world


async def until_taken(world: RtmWorld, name: str, count: int) -> None:
    """This daemon has dealt with so many publications about presence."""

    async def taken() -> bool:
        return await world.metric(name, TAKEN) == count

    await eventually(taken)


async def known(world: RtmWorld, user_id: str) -> Customer:
    found = await world.customers.get(APP, user_id)
    assert found is not None
    return found


async def retained_presence(world: RtmWorld, user_id: str) -> bytes | None:
    topic, last = Device(APP, user_id, "phone").up("presence"), "the/last"
    client = Client(world.mosquitto, "anybody", None, uuid.uuid4().hex)
    try:
        assert await client.connect() == 0
        assert await client.subscribe(topic) == await client.subscribe(last) == GRANTED_1
        assert await client.publish(last) == 0

        async def all_there() -> bool:
            return last in dict(client.received)

        await eventually(all_there)
    finally:
        await client.close()
    return dict(client.received).get(topic)


async def test_who_is_deleted_stays_unknown_to_daemons_that_start_later(world: RtmWorld) -> None:
    assert await retained_presence(world, "alice") is not None
    url = f"{world.url}/v1/applications/{APP}/customers/alice"
    async with world.http.delete(url, headers={"Authorization": f"Bearer {API_KEY}"}) as answer:
        assert answer.status == 204
    assert await retained_presence(world, "alice") is None
    world.spawn("rtm", "rtm-2")
    await world.until_ready("rtm-2")
    await until_taken(world, "rtm-2", 1)  # Bob's
    assert await world.customers.get(APP, "alice") is None


async def test_what_is_retained_makes_nobody_known_and_nobody_heard_of(world: RtmWorld) -> None:
    bob = await known(world, "bob")
    (phone,) = bob.devices
    assert phone == KnownDevice("phone", "ios", online=True, last_seen_at=phone.last_seen_at)
    await world.customers.delete(APP, "alice")  # in the store alone
    world.spawn("rtm", "rtm-2")
    await world.until_ready("rtm-2")
    await until_taken(world, "rtm-2", 2)
    assert await world.customers.get(APP, "alice") is None
    assert await known(world, "bob") == bob
