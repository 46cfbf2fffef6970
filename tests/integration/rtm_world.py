"""A whole gateway as processes with an account of the in-app channel, on a real Mosquitto, a real mongod, and
the embedded broker or a RabbitMQ. Around it the platform, which publishes MT and reads DR and MO."""

from __future__ import annotations

import asyncio
import json
import os
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from gateway.broker.port import Broker, Delivery, Publication
from gateway.broker.topology import DR, MO, MT, TYPE_MT
from gateway.model.base import now
from gateway.ports import free_ports
from gateway.rtm.names import Device
from gateway.settings import load_settings
from gateway.store.catalog import CatalogueStore
from gateway.store.connect import Database
from gateway.store.customers import Customers
from gateway.store.indexes import ensure_indexes
from gateway.store.secrets import SecretBox
from gateway.store.threads import Threads
from gateway.store.topics import TopicRecord, Topics
from gateway.store.transactions import Transactions
from handlers.registry import Registry
from processors.configuration import apply, check_folder
from processors.demo.playground import OwnProcess
from processors.servers import open_broker, open_database, secret_box
from tests.integration.rtm_device import DeviceClient
from tests.logs import Evidence
from tests.servers.mongod import MongoServer
from tests.servers.mosquitto import MosquittoServer
from tests.waiting import eventually

APP = "shop"
ACCOUNT = "app-shop"
API_KEY = "a-key-of-the-api-0123456789"
TOKEN_SECRET = "a-secret-that-signs-tokens-0123456789"

_APPLICATION = {
    "app_id": APP,
    "name": "Shop",
    "accounts": [ACCOUNT],
    "receipts": ["submitted", "delivered", "read"],
    "secrets": ["${env:RTM_TOKEN_SECRET}"],
}
_ACCOUNT = {"account": ACCOUNT, "provider": "rtm", "channel": "rtm"}


@dataclass
class RtmWorld:
    """The gateway's processes by name, its store as tests look into it, and what the platform has read."""

    environment: dict[str, str]
    mosquitto: MosquittoServer
    evidence: Evidence
    http: aiohttp.ClientSession
    database: Database
    broker: Broker
    processes: dict[str, OwnProcess] = field(default_factory=dict)
    admin_ports: dict[str, int] = field(default_factory=dict)
    mo: list[dict[str, Any]] = field(default_factory=list)
    dr: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.customers = Customers(self.database)
        self.threads = Threads(self.database)
        self.topics = Topics(self.database)
        self.transactions = Transactions(self.database, "test")

    @property
    def url(self) -> str:
        """Of the web daemon, where there is one."""
        return f"http://127.0.0.1:{self.environment['IMGW_WEB__PORT']}"

    def spawn(self, role: str, name: str | None = None) -> OwnProcess:
        """Start `imgw run <role>`; two of one role have different names."""
        name = name or role
        (port,) = free_ports(1)
        self.admin_ports[name] = port
        own = {**self.environment, "IMGW_ADMIN__PORT": str(port)}
        self.processes[name] = OwnProcess(["run", role], own, self.evidence.log_file(name))
        return self.processes[name]

    async def until_ready(self, *names: str) -> None:
        """All that work say on /readyz that they are, and that the account is listened to."""
        for name in names or tuple(self.processes):
            await self.processes[name].until_answering(self.http, self.admin_url(name, "readyz"))
            await eventually(lambda name=name: self._healthy(name), within_seconds=30)  # type: ignore[misc]

    def admin_url(self, name: str, path: str) -> str:
        return f"http://127.0.0.1:{self.admin_ports[name]}/{path}"

    async def metric(self, name: str, sample: str) -> float:
        """A sample of a process's metrics, as it is written there; 0 when it is not there."""
        async with self.http.get(self.admin_url(name, "metrics")) as response:
            lines = (await response.text()).splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{sample} ")), 0.0)

    async def is_online(self, device: Device, *, wanted: bool) -> bool:
        """Whether it is known, and there or not there, as wanted."""
        customer = await self.customers.get(device.app_id, device.user_id)
        known = customer.device(device.device_id) if customer else None
        return known is not None and known.online is wanted

    async def configure(
        self,
        *,
        parameters: Mapping[str, Any] | None = None,
        account: Mapping[str, Any] | None = None,
        further_accounts: Sequence[Mapping[str, Any]] = (),
        prune: bool = False,
        **application: Any,
    ) -> None:
        """Write the application and the account, with these settings beside the usual ones, and accounts of
        other channels; with `prune`, others are removed."""
        folder = Path(self.environment["IMGW_DATA_DIR"]) / f"config-{uuid.uuid4().hex[:8]}"
        usual = {**_ACCOUNT, "url": self.mosquitto.url, "parameters": dict(parameters or {})}
        _write(folder / "applications" / "app.yaml", {**_APPLICATION, **application})
        _write(folder / "accounts" / "account.yaml", {**usual, **(account or {})})
        for further in further_accounts:
            _write(folder / "accounts" / f"{further['account']}.yaml", further)
        checked = check_folder(folder, self.environment, Registry.discover())
        store = CatalogueStore(self.database, secret_box(load_settings(self.environment)))
        await apply(checked, store, self.customers, prune=prune)

    async def people(self, *user_ids: str) -> None:
        """They are customers, as by the profile API."""
        await self.customers.upsert(APP, {user_id: {} for user_id in user_ids}, now())

    async def topic(self, name: str, *followers: str, open: bool = True) -> None:
        """A topic, and who follows it."""
        await self.topics.add(TopicRecord(APP, name, now(), open=open))
        await self.people(*followers)
        assert await self.customers.follow(APP, name, followers, now()) == set()

    async def send(self, to: Mapping[str, str], text: str, **fields: Any) -> str:
        """Publish an MT as a platform does; its id."""
        message_id = fields.pop("message_id", None) or f"m-{uuid.uuid4().hex[:12]}"
        message = {
            "app_id": APP,
            "message_id": message_id,
            "to": dict(to),
            "channel": "rtm",
            "content": {"type": "text", "text": text},
            **fields,
        }
        self.evidence.add_texts(message)
        await self.broker.publish(Publication("", MT, json.dumps(message).encode(), TYPE_MT))
        return message_id

    async def until_dr(self, message_id: str, *statuses: str) -> list[dict[str, Any]]:
        """Wait until the platform was told these of an MT, in this order; all DR of it."""

        async def told() -> bool:
            return self.statuses(message_id) == list(statuses)

        try:
            await eventually(told, within_seconds=20)
        except AssertionError:
            assert self.statuses(message_id) == list(statuses)
        return [dr for dr in self.dr if dr["message_id"] == message_id]

    async def until_mo(self, *ids: str) -> list[dict[str, Any]]:
        """Wait until the platform has got MO with these ids of their devices' own, in any order."""

        async def there() -> bool:
            return {_own_id(mo) for mo in self.mo} >= set(ids)

        await eventually(there, within_seconds=20)
        return [mo for mo in self.mo if _own_id(mo) in ids]

    def statuses(self, message_id: str) -> list[str]:
        return [dr["status"] for dr in self.dr if dr["message_id"] == message_id]

    async def _healthy(self, name: str) -> bool:
        if "rtm" not in name and "all" not in name:
            return True
        async with self.http.get(self.admin_url(name, "readyz?verbose")) as response:
            checks = (await response.json())["checks"]
        listened = await self.metric(name, f'imgw_rtm_listening{{account="{ACCOUNT}"}}')
        return bool(checks.get("rtm") == "ok" and listened)


def _own_id(mo: Mapping[str, Any]) -> str:
    return str(mo["provider_message_id"]).rpartition("/")[2]


def device(user_id: str, device_id: str) -> DeviceClient:
    return DeviceClient(Device(APP, user_id, device_id))


@asynccontextmanager
async def open_world(
    folder: Path,
    evidence: Evidence,
    mosquitto: MosquittoServer,
    mongod: MongoServer,
    database_name: str,
    *,
    roles: Sequence[str] = ("all",),
    rabbitmq_url: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    account: Mapping[str, Any] | None = None,
    further_accounts: Sequence[Mapping[str, Any]] = (),
    environment: Mapping[str, str] | None = None,
    reads: bool = True,
    **application: Any,
) -> AsyncIterator[RtmWorld]:
    """Everything, ready: a process for each of `roles`, the application and the accounts configured with what
    is given for them, and the platform reading, unless `reads` says otherwise. Stopped at the end."""
    environment = _environment(folder, mongod, database_name, rabbitmq_url) | dict(environment or {})
    evidence.add_secrets(environment)
    settings = load_settings(environment)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(settings, own=False))
        await ensure_indexes(database)
        broker = await stack.enter_async_context(open_broker(settings, database))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        world = RtmWorld(environment, mosquitto, evidence, http, database, broker)
        await world.configure(
            parameters=parameters, account=account, further_accounts=further_accounts, **application
        )
        stack.callback(lambda: [process.stop() for process in world.processes.values()])
        for role in roles:
            world.spawn(role)
        if reads:
            stack.push_async_callback(_stop_reading, await _reading(broker, world.mo, world.dr))
        await world.until_ready()
        yield world


def _environment(
    folder: Path, mongod: MongoServer, database_name: str, rabbitmq_url: str | None
) -> dict[str, str]:
    (web_port,) = free_ports(1)
    environment = {
        "PATH": os.environ["PATH"],
        "IMGW_DATA_DIR": str(folder / "data"),
        "IMGW_STORE__URL": mongod.url,
        "IMGW_STORE__DATABASE": database_name,
        "IMGW_SECRETS__KEY": SecretBox.new_key(),
        "IMGW_API__KEYS": API_KEY,
        "IMGW_WEB__HOST": "127.0.0.1",
        "IMGW_WEB__PORT": str(web_port),
        "IMGW_EXPIRY__INTERVAL_SECONDS": "0.5",
        "IMGW_LOG__LEVEL": "debug",
        "IMGW_LOG__FORMAT": "json",
        "RTM_TOKEN_SECRET": TOKEN_SECRET,
    }
    if rabbitmq_url is not None:
        environment["IMGW_BROKER__URL"] = rabbitmq_url
    return environment


def _write(path: Path, document: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))  # which YAML includes


async def _reading(
    broker: Broker, mo: list[dict[str, Any]], dr: list[dict[str, Any]]
) -> list[asyncio.Task[None]]:
    """Read what is for platforms."""
    tasks = []
    for queue, kept in ((MO, mo), (DR, dr)):
        inbox: asyncio.Queue[Delivery] = asyncio.Queue()
        await broker.consume(queue, 200, inbox.put_nowait)
        tasks.append(asyncio.create_task(_keep(inbox, kept)))
    return tasks


async def _keep(inbox: asyncio.Queue[Delivery], kept: list[dict[str, Any]]) -> None:
    while True:
        delivery = await inbox.get()
        kept.append(json.loads(delivery.body))
        await delivery.settlement.ack()


async def _stop_reading(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
