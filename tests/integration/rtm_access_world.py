"""A Mosquitto whose logins the gateway makes, and clients of applications that try what they may do there."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from gateway.model.application import Application
from gateway.model.base import now
from gateway.ports import free_port
from gateway.rtm.account import RtmAccount
from gateway.rtm.doorkeeper import Doorkeeper, deletions
from gateway.rtm.dynamic_security import Answer, DynamicSecurity, listening
from gateway.rtm.names import Device
from gateway.rtm.tokens import ClientToken, issue
from gateway.store.broker_logins import BrokerLogins
from gateway.store.connect import Database
from gateway.store.customers import Customers
from gateway.telemetry.metrics import Metrics
from gateway.transports.mqtt.publisher import MqttPublisher
from processors.rtm.logins import LoginSweep
from tests.servers.mosquitto import DYNAMIC_SECURITY, MosquittoServer, plugin
from tests.waiting import eventually

SETUP = Path(__file__).parents[2] / "deploy/mosquitto/setup.sh"
PASSWORD = "the-password-of-the-gateway"
SHOP = Application(app_id="shop", secrets=(SecretStr("a-secret-of-the-shop-" + "s" * 32),))
ALICE, BOB = Device("shop", "alice@x", "phone"), Device("shop", "bob", "phone")
NOT_AUTHORIZED, ADMINISTRATIVE_ACTION, GRANTED_1, NOBODY = 0x87, 0x98, 1, 0x10


def make_logins(file: Path, password: str = PASSWORD) -> subprocess.CompletedProcess[str]:
    """What an operator does before Mosquitto's first start."""
    given = {"RTM_PASSWORD": password, "RTM_SETUP_PORT": str(free_port())}
    return subprocess.run(
        ["sh", str(SETUP), str(file)],
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        check=False,
    )


def secured(folder: Path, *, lines: tuple[str, ...] = ()) -> MosquittoServer:
    """A Mosquitto with the plugin and the gateway's login; not started."""
    folder.mkdir()
    made = make_logins(folder / "logins.json")
    assert made.returncode == 0, made.stderr
    security = (f"plugin {plugin(DYNAMIC_SECURITY)}", f"plugin_opt_config_file {folder}/logins.json")
    # With 0, as elsewhere in the tests, Mosquitto 2.0.11 cuts off who publishes what it may not.
    lines = ("max_queued_messages 1000000", *security, *lines)
    return MosquittoServer(folder, anonymous=False, lines=lines)


def account_at(server: MosquittoServer, **changed: object) -> RtmAccount:
    given = {
        "account": "app",
        "url": server.url,
        "credentials": {"username": "imgw", "password": PASSWORD},
        "parameters": {"access": "dynamic_security"},
    }
    return RtmAccount.model_validate({**given, **changed})


@dataclass
class World:
    """A gateway's doorkeeper and sweep, at a broker and with a store of their own."""

    server: MosquittoServer
    account: RtmAccount
    mqtt: MqttPublisher
    security: DynamicSecurity
    logins: BrokerLogins
    customers: Customers
    clients: list[Client] = field(default_factory=list)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        self.metrics = Metrics(self.registry)

    @property
    def doorkeeper(self) -> Doorkeeper:
        return Doorkeeper(self.security, self.logins)

    def sweep_with(self, logins: BrokerLogins) -> LoginSweep:
        doorkeeper = Doorkeeper(self.security, logins)
        return LoginSweep(doorkeeper, logins, self.customers, lambda: [self.account], self.metrics)

    async def sweep(self, at: datetime) -> int:
        return await self.sweep_with(self.logins).sweep(at)

    async def token(self, device: Device, *, seconds: int = 3_600, at: datetime | None = None) -> ClientToken:
        """A token that the broker knows of."""
        token = issue(SHOP, device, seconds, at or now())
        await self.doorkeeper.admit(self.account, device, token)
        return token

    def client(self, login: str, password: str | None, *, client_id: str | None = None) -> Client:
        made = Client(self.server, login, password, client_id or login)
        self.clients.append(made)
        return made

    async def let_in(self, device: Device, token: ClientToken) -> Client:
        client = self.client(device.login, token.value)
        assert await client.connect() == 0
        return client

    async def gateway(self) -> Client:
        """A client with the gateway's own login, which gets all that devices publish."""
        client = self.client("imgw", PASSWORD, client_id="the-gateway")
        assert await client.connect() == 0
        assert await client.subscribe("imgw/v1/#") == GRANTED_1
        return client

    async def everything_noted(self) -> list[str]:
        """All logins that are still to be disabled, and all that are to be deleted."""
        later, name = now() + timedelta(days=30), self.account.account
        return [
            *await self.logins.expired(name, later, 100),
            *await self.logins.expired(deletions(name), later, 100),
        ]

    async def known(self, login: str) -> tuple[Answer, Answer]:
        """What the plugin says of a login and its role."""
        asked = [{"command": "getClient", "username": login}, {"command": "getRole", "rolename": login}]
        client, role = await self.security.run(self.account, asked)
        return client, role


class Client:
    """An MQTT client of somebody else's, which does not come back by itself. Its session is kept for an
    hour."""

    def __init__(self, server: MosquittoServer, login: str, password: str | None, client_id: str) -> None:
        self.received: list[tuple[str, bytes]] = []
        self.ended_with: int | None = None
        self.session_present = False
        self._answers: dict[str, int] = {}
        self._server = server
        self._paho = client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id, protocol=paho.MQTTv5, reconnect_on_failure=False
        )
        if password is not None:
            client.username_pw_set(login, password)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = lambda _, __, got: self.received.append((got.topic, bytes(got.payload)))
        client.on_subscribe = lambda _, __, mid, codes, ___: self._note(f"sub {mid}", codes[0].value)
        client.on_publish = lambda _, __, mid, code, ___: self._note(f"pub {mid}", code.value)

    def will(self, topic: str) -> None:
        self._paho.will_set(topic, b"gone", qos=1, retain=True)

    async def connect(self) -> int:
        """Returns the reason code of the CONNACK."""
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 3_600
        self._answers.pop("connect", None)
        self.ended_with = None
        self._paho.connect(self._server.host, self._server.port, clean_start=False, properties=properties)
        self._paho.loop_start()
        return await self._answer("connect")

    async def subscribe(self, topic_filter: str) -> int:
        _, mid = self._paho.subscribe(topic_filter, 1)
        return await self._answer(f"sub {mid}")

    async def publish(self, topic: str, payload: bytes = b"{}", *, retain: bool = False) -> int:
        return await self._answer(f"pub {self._paho.publish(topic, payload, 1, retain).mid}")

    async def gets(self, count: int) -> list[tuple[str, bytes]]:
        async def all_there() -> bool:
            return len(self.received) >= count

        await eventually(all_there)
        return self.received

    async def end(self) -> int:
        """Waits until it is disconnected; returns the reason code."""

        async def ended() -> bool:
            return self.ended_with is not None

        await eventually(ended)
        assert self.ended_with is not None
        return self.ended_with

    async def vanish(self) -> None:
        """Its network is gone."""
        connection = self._paho.socket()
        assert isinstance(connection, socket.socket)
        connection.shutdown(socket.SHUT_RDWR)
        await self.end()

    async def close(self) -> None:
        self._paho.disconnect()
        await asyncio.to_thread(self._paho.loop_stop)

    def _on_connect(self, _: object, __: object, flags: paho.ConnectFlags, code: object, ___: object) -> None:
        self.session_present = flags.session_present
        self._note("connect", getattr(code, "value", -1))

    def _on_disconnect(self, _: object, __: object, ___: object, code: object, ____: object) -> None:
        self.ended_with = getattr(code, "value", -1)

    def _note(self, what: str, code: int) -> None:
        self._answers[what] = code

    async def _answer(self, what: str) -> int:
        async def there() -> bool:
            return what in self._answers

        await eventually(there)
        return self._answers[what]


@asynccontextmanager
async def open_world(folder: Path, database: Database) -> AsyncIterator[World]:
    server = secured(folder / "mosquitto")
    mqtt = MqttPublisher("gateway", connect_timeout_seconds=5.0)
    security = DynamicSecurity(mqtt, listening("gateway", connect_timeout_seconds=5.0))
    server.start()
    world = World(server, account_at(server), mqtt, security, BrokerLogins(database), Customers(database))
    try:
        yield world
    finally:
        for client in world.clients:
            await client.close()
        await security.close()
        await mqtt.close()
        await world.customers.drain()
        server.close()


def long_ago() -> datetime:
    """When a token of an hour was issued that has ended a minute ago."""
    return now() - timedelta(hours=1, minutes=1)
