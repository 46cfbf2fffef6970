"""The daemons as processes, a simulator as their provider, and a platform that is nothing but an AMQP
client."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aio_pika
import aiohttp

from gateway.ports import free_ports
from gateway.store.secrets import SecretBox
from processors.demo.playground import OwnProcess, demo_environment
from processors.wiring import ROLES
from tests.logs import Evidence
from tests.waiting import eventually

CONFIG = Path(__file__).parents[2] / "config"
SAMPLES = CONFIG / "samples"


@dataclass
class Gateway:
    """A gateway under test: its processes by role, and how to reach them."""

    environment: dict[str, str]
    http: aiohttp.ClientSession
    processes: dict[str, OwnProcess] = field(default_factory=dict)
    admin_ports: dict[str, int] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.environment["IMGW_DEMO_GATEWAY_URL"]

    @property
    def simulator_url(self) -> str:
        return self.environment["IMGW_DEMO_PROVIDER_URL"]

    def admin_url(self, role: str) -> str:
        return f"http://127.0.0.1:{self.admin_ports[role]}"

    async def ready(self, role: str) -> tuple[int, dict[str, Any]]:
        """What /readyz of a daemon says."""
        async with self.http.get(f"{self.admin_url(role)}/readyz") as response:
            return response.status, await response.json()

    async def until_ready(self, *roles: str) -> None:
        for role in roles or tuple(self.admin_ports):
            await self.processes[role].until_answering(self.http, f"{self.admin_url(role)}/readyz")

    async def command(self, *arguments: str, expect: int = 0) -> str:
        """Run an imgw command beside the daemons; its standard output."""
        return await asyncio.to_thread(imgw, self.environment, *arguments, expect=expect)

    async def apply(self, config: Path = CONFIG) -> None:
        """Apply this configuration (the samples) and wait until every daemon works with it."""
        await self.command("apply", str(config))

        async def followed() -> bool:
            texts = [await self.metrics(role) for role in self.admin_ports]
            return all("imgw_catalogue_version 1.0" in text for text in texts)

        await eventually(followed)

    async def sends_seen(self) -> list[dict[str, Any]]:
        """The simulator's ledger of sends, by itself the second opinion on what was sent."""
        entries: list[dict[str, Any]] = []
        while True:
            since = entries[-1]["seq"] if entries else 0
            async with self.http.get(
                f"{self.simulator_url}/simulator/ledger?since={since}&limit=1000"
            ) as response:
                page = (await response.json())["entries"]
            if not page:
                return [entry for entry in entries if entry["entry"] == "send"]
            entries += page

    async def pending_callbacks(self) -> int:
        async with self.http.get(f"{self.simulator_url}/simulator/summary") as response:
            return int((await response.json())["pending_callbacks"])

    async def metrics(self, role: str) -> str:
        """What /metrics of a daemon says."""
        async with self.http.get(f"{self.admin_url(role)}/metrics") as response:
            return await response.text()


def imgw(environment: Mapping[str, str], *arguments: str, expect: int = 0) -> str:
    """Run an imgw command to its end; its standard output."""
    done = subprocess.run(
        [sys.executable, "-m", "processors", *arguments],
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout


@asynccontextmanager
async def open_gateway(
    folder: Path, evidence: Evidence, roles: Sequence[str], settings: Mapping[str, str]
) -> AsyncIterator[Gateway]:
    """A simulator and a process for each role ("all" for one with everything), ready; stopped at the end."""
    environment = {
        **demo_environment(folder / "data"),
        "IMGW_LOG__LEVEL": "debug",
        "IMGW_LOG__FORMAT": "json",
        **settings,
    }
    evidence.add_secrets(environment)
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        gateway = Gateway(environment, http)
        port = gateway.simulator_url.rpartition(":")[2]
        simulate = ["simulate", str(CONFIG / "simulator.yaml"), "--port", port]
        gateway.processes["simulator"] = stack.enter_context(
            OwnProcess(simulate, environment, evidence.log_file("simulator"))
        )
        await gateway.processes["simulator"].until_answering(
            http, f"{gateway.simulator_url}/simulator/summary"
        )
        for role, admin_port in zip(roles, free_ports(len(roles)), strict=True):
            own = {**environment, "IMGW_ADMIN__PORT": str(admin_port)}
            gateway.admin_ports[role] = admin_port
            gateway.processes[role] = stack.enter_context(
                OwnProcess(["run", role], own, evidence.log_file(role))
            )
        await gateway.until_ready()
        yield gateway


def server_settings(rabbitmq_url: str, mongod_url: str, database_name: str) -> dict[str, str]:
    """The settings that name real servers."""
    return {
        "IMGW_BROKER__URL": rabbitmq_url,
        "IMGW_STORE__URL": mongod_url,
        "IMGW_STORE__DATABASE": database_name,
        "IMGW_SECRETS__KEY": SecretBox.new_key(),
    }


ALL_ROLES: tuple[str, ...] = tuple(ROLES)


class Platform:
    """A service that knows AMQP and nothing of ours: publishes MT, and reads DR and MO."""

    def __init__(self, url: str, evidence: Evidence) -> None:
        self._url = url
        self._evidence = evidence
        self.dr: list[dict[str, Any]] = []
        self.mo: list[dict[str, Any]] = []

    async def publish(self, messages: Sequence[dict[str, Any]]) -> None:
        """Publish these on imgw.mt; returns once all are confirmed."""
        connection = await aio_pika.connect(self._url)
        async with connection:
            channel = await connection.channel(on_return_raises=True)
            for message in messages:
                self._evidence.add_texts(message)
                body = json.dumps(message).encode()
                properties = aio_pika.Message(body, content_type="application/json", delivery_mode=2)
                await channel.default_exchange.publish(properties, routing_key="imgw.mt")

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Read imgw.dr and imgw.mo meanwhile."""
        connection = await aio_pika.connect(self._url)
        async with connection:
            channel = await connection.channel()
            await channel.set_qos(prefetch_count=100)
            for name, kept in (("imgw.dr", self.dr), ("imgw.mo", self.mo)):
                queue = await channel.get_queue(name)
                await queue.consume(self._keeper(kept))
            yield

    def finals(self) -> dict[str, set[tuple[str, str]]]:
        """The final status of each message, with the event ids that told it: exactly one when all is well."""
        finals: dict[str, set[tuple[str, str]]] = {}
        for dr in self.dr:
            if dr["final"]:
                finals.setdefault(dr["message_id"], set()).add((dr["status"], dr["event_id"]))
        return finals

    def _keeper(self, kept: list[dict[str, Any]]) -> Callable[[Any], Any]:
        async def keep(message: aio_pika.abc.AbstractIncomingMessage) -> None:
            kept.append(json.loads(message.body))
            await message.ack()

        return keep
