"""The in-app channel under load when the bridge is killed, and when the MQTT broker is restarted: every MO
arrives exactly once, every receipt is applied, and none is lost."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from gateway.model.receipt import Status
from gateway.rtm.names import UpKind
from tests.integration.rtm_device import DeviceClient
from tests.integration.rtm_world import APP, RtmWorld, device, open_world
from tests.logs import Evidence
from tests.servers.mongod import MongoServer
from tests.servers.mosquitto import MosquittoServer
from tests.waiting import eventually

pytestmark = [pytest.mark.mosquitto, pytest.mark.mongodb, pytest.mark.faults, pytest.mark.timeout(300)]

SENDERS = 20
MO_EACH = 75
MT_EACH = 25
WITHIN_SECONDS = 120.0

Servers = tuple[Path, Evidence, MosquittoServer, MongoServer, str]


@pytest.fixture
def servers(
    tmp_path: Path, evidence: Evidence, mosquitto: MosquittoServer, mongod: MongoServer, database_name: str
) -> Servers:
    return tmp_path, evidence, mosquitto, mongod, database_name


@pytest.mark.parametrize("kind", ["embedded", pytest.param("rabbitmq", marks=pytest.mark.rabbitmq)])
async def test_a_bridge_that_is_killed_loses_nothing_to_the_other_instance(
    servers: Servers, kind: str, request: pytest.FixtureRequest
) -> None:
    roles = ("mt", "mo", "dr", "retry")
    url = request.getfixturevalue("rabbitmq_url") if kind == "rabbitmq" else None
    async with open_world(*servers, roles=roles, rabbitmq_url=url) as world, prepared(world) as load:
        victim = world.spawn("rtm", "rtm-1")
        await world.until_ready("rtm-1")  # and so it has the first slot
        world.spawn("rtm", "rtm-2")
        await world.until_ready("rtm-2")
        await load.run(victim.kill, after=200)
        await load.check()
        # Nobody's session is left behind.
        await eventually(lambda: _has_ended(world, "imgw-rtm-app-shop-0"), within_seconds=60)


async def test_a_bridge_that_is_killed_loses_nothing_when_it_comes_back(servers: Servers) -> None:
    roles = ("mt", "mo", "dr", "retry", "rtm")
    async with open_world(*servers, roles=roles) as world, prepared(world) as load:

        def kill_and_start() -> None:
            world.processes["rtm"].kill()
            world.processes["rtm"].start()

        await load.run(kill_and_start, after=200)
        await load.check()


async def test_a_bridge_that_is_told_to_stop_loses_nothing_while_none_runs(servers: Servers) -> None:
    roles = ("mt", "mo", "dr", "retry", "rtm")
    async with open_world(*servers, roles=roles) as world, prepared(world) as load:

        def stop() -> None:
            assert world.processes["rtm"].stop() == 0

        await load.run(stop, after=200)
        world.processes["rtm"].start()
        await load.check()


async def test_an_instance_that_stops_leaves_nothing_behind_where_another_one_stays(servers: Servers) -> None:
    roles = ("mt", "mo", "dr", "retry")
    async with open_world(*servers, roles=roles) as world, prepared(world, share=5) as load:
        leaving = world.spawn("rtm", "rtm-1")
        await world.until_ready("rtm-1")
        world.spawn("rtm", "rtm-2")
        await world.until_ready("rtm-2")

        def stop() -> None:
            assert leaving.stop() == 0

        await load.run(stop, after=100)
        await load.check()
        assert "bridge.session_ended" in leaving.log.read_text()


async def test_without_shared_subscriptions_the_instance_that_stands_by_takes_over(servers: Servers) -> None:
    roles = ("mt", "mo", "dr", "retry")
    parameters = {"inbound": "subscription"}
    async with (
        open_world(*servers, roles=roles, parameters=parameters) as world,
        prepared(world, share=5) as load,
    ):
        working = world.spawn("rtm", "rtm-1")
        await world.until_ready("rtm-1")
        standing_by = world.spawn("rtm", "rtm-2")
        await standing_by.until_answering(world.http, world.admin_url("rtm-2", "readyz"))
        await load.run(working.kill, after=100)
        await load.check()
        await world.until_ready("rtm-2")


async def test_an_mqtt_broker_that_is_restarted_loses_nothing_of_an_ordinary_subscription(
    servers: Servers,
) -> None:
    roles = ("mt", "mo", "dr", "retry", "rtm")
    parameters = {"inbound": "subscription"}
    async with (
        open_world(*servers, roles=roles, parameters=parameters) as world,
        prepared(world, repeats=False) as load,
    ):
        await load.run(world.mosquitto.restart, after=200)
        await load.check()


async def test_with_shared_subscriptions_clients_repeat_what_had_no_subscriber_and_nothing_is_lost(
    servers: Servers,
) -> None:
    roles = ("mt", "mo", "dr", "retry", "rtm")
    async with open_world(*servers, roles=roles) as world, prepared(world) as load:
        await load.run(world.mosquitto.restart, after=200)
        await load.check()


class Load:
    """MO and receipts from many devices at once. Each publishes its next one when the broker has the one
    before, and again what the broker may not have, as clients do. With `repeats`, also what the broker says
    that nobody had subscribed to."""

    def __init__(self, world: RtmWorld, clients: list[DeviceClient], *, repeats: bool, share: int) -> None:
        self._world = world
        self._clients = clients
        self._repeats = repeats
        self._mo_each, self._mt_each = MO_EACH // share, MT_EACH // share
        self._messages: dict[str, list[str]] = {}
        self.published = 0

    async def prepare(self) -> None:
        """The MT that there will be receipts for."""
        for client in self._clients:
            user_id = client.device.user_id
            self._messages[user_id] = [
                await self._world.send({"kind": "user_id", "id": user_id}, f"number {number}")
                for number in range(self._mt_each)
            ]
        total = len(self._clients) * self._mt_each

        async def submitted() -> bool:
            return len(self._world.dr) >= total

        await eventually(submitted, within_seconds=WITHIN_SECONDS)

    async def run(self, harm: Callable[[], object], *, after: int) -> None:
        """Publish everything; in the middle, when so many have been published, something happens."""
        publishing = asyncio.gather(*(self._publish(client) for client in self._clients))

        async def begun() -> bool:
            return self.published >= after

        await eventually(begun, every_seconds=0.005)
        await asyncio.to_thread(harm)
        await publishing

    async def check(self) -> None:
        """All that was published has arrived, and nothing twice."""
        wanted = {
            f"{client.device.user_id}-{number}" for client in self._clients for number in range(self._mo_each)
        }

        messages = Counter(each for messages in self._messages.values() for each in messages)

        async def all_there() -> bool:
            told = {
                _id_of(mo) for mo in self._world.mo
            } >= wanted and self._delivered().keys() >= messages.keys()
            return told and await self._applied()

        await eventually(all_there, within_seconds=WITHIN_SECONDS, every_seconds=0.5)
        assert Counter(_id_of(mo) for mo in self._world.mo) == Counter(wanted)
        assert len({mo["event_id"] for mo in self._world.mo}) == len(wanted)
        assert self._delivered() == messages

    def _delivered(self) -> Counter[str]:
        """How often the platform was told that an MT was delivered."""
        return Counter(dr["message_id"] for dr in self._world.dr if dr["status"] == "delivered")

    async def _applied(self) -> bool:
        references = [f"{APP}/{each}" for messages in self._messages.values() for each in messages]
        records = await asyncio.gather(*map(self._world.transactions.get, references))
        return all(record is not None and record.status is Status.DELIVERED for record in records)

    async def _publish(self, client: DeviceClient) -> None:
        user_id = client.device.user_id
        publications: list[tuple[UpKind, dict[str, Any]]] = [
            ("up", {"id": f"{user_id}-{number}", "content": {"type": "text", "text": f"words {number}"}})
            for number in range(self._mo_each)
        ]
        for number, message_id in enumerate(self._messages[user_id]):  # in between
            publications.insert(4 * number, ("rcpt", {"message_id": message_id, "status": "delivered"}))
        for kind, document in publications:
            await self._until_taken(client, kind, document)

    async def _until_taken(self, client: DeviceClient, kind: UpKind, document: dict[str, Any]) -> None:
        while True:
            try:
                if await client.publish(kind, document, answer=False) or not self._repeats:
                    break
                await asyncio.sleep(0.1)
            except aiomqtt.MqttError:
                await asyncio.sleep(0.1)
                await client.reconnect()
        self.published += 1


@asynccontextmanager
async def prepared(world: RtmWorld, *, repeats: bool = True, share: int = 1) -> AsyncIterator[Load]:
    """Devices that are connected, and MT for them that have been submitted; of the load a share."""
    clients = [device(f"user-{number}", "phone") for number in range(SENDERS)]
    await world.people(*(client.device.user_id for client in clients))
    async with AsyncExitStack() as stack:
        for client in clients:
            await stack.enter_async_context(client.connected(world.mosquitto, presence=False))
        load = Load(world, clients, repeats=repeats, share=share)
        await load.prepare()
        yield load


def _id_of(mo: dict[str, str]) -> str:
    return mo["provider_message_id"].rpartition("/")[2]


async def _has_ended(world: RtmWorld, client_id: str) -> bool:
    """Whether the session has been ended, by the log of who did it."""
    slot = client_id.rpartition("-")[2]
    logs = "".join(path.read_text() for path in world.evidence.folder.glob("*rtm-2.log"))
    return any("bridge.session_ended" in line and f'"slot":{slot}' in line for line in logs.splitlines())
