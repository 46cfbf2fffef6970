"""What is measured: the gateway's daemons as processes, started as a user starts them.

Settings are the defaults but for what names servers, ports and folders, and the private network that the
simulator is in. The account has no `max_tps`; its `max_in_flight` is the default.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from gateway.model.account import ProviderAccount
from gateway.ports import free_ports
from gateway.settings import ProcessorSettings
from gateway.store.secrets import SecretBox
from processors.demo.playground import OwnProcess
from tests.bench.traffic import ACCOUNT, APP
from tests.e2e.harness import CONFIG, imgw

WORKERS: int = ProcessorSettings().workers
IN_FLIGHT: int = ProviderAccount.model_fields["max_in_flight"].default


@dataclass(frozen=True, slots=True)
class Daemon:
    """A running daemon."""

    process: OwnProcess
    admin_url: str

    @property
    def pid(self) -> int:
        return self.process.pid


@dataclass(frozen=True)
class Site:
    """A gateway's settings, and its processes while they are needed. Commands see the same settings."""

    folder: Path
    environment: dict[str, str]
    http: aiohttp.ClientSession = field(repr=False)

    @property
    def web_url(self) -> str:
        return f"http://127.0.0.1:{self.environment['IMGW_WEB__PORT']}"

    @property
    def app_secret(self) -> str:
        """What callbacks are signed with."""
        return self.environment["IMGW_DEMO_WA_APP_SECRET"]

    def on(self, **settings: str) -> Site:
        """The same with other settings: on(IMGW_STORE__DATABASE="…")."""
        return Site(self.folder, {**self.environment, **settings}, self.http)

    async def apply(self) -> None:
        """Write the configuration to the store."""
        await asyncio.to_thread(imgw, self.environment, "apply", str(self.folder / "config"))

    @asynccontextmanager
    async def running(self, *roles: str) -> AsyncIterator[list[Daemon]]:
        """A process for each of these roles, ready; stopped in order at the end."""
        async with AsyncExitStack() as stack:
            daemons = [self._start(stack, role) for role in roles]
            for daemon in daemons:
                await daemon.process.until_answering(self.http, f"{daemon.admin_url}/readyz")
            try:
                yield daemons
            finally:
                await stop_all([daemon.process for daemon in daemons])

    def _start(self, stack: AsyncExitStack, role: str) -> Daemon:
        (port,) = free_ports(1)
        environment = {**self.environment, "IMGW_ADMIN__PORT": str(port)}
        process = OwnProcess(["run", role], environment, self.folder / f"{role}.log")
        stack.enter_context(process)
        return Daemon(process, f"http://127.0.0.1:{port}")


async def stop_all(processes: Sequence[OwnProcess]) -> None:
    """SIGTERM to all at once. Raises RuntimeError when one did not end in order."""
    codes = await asyncio.gather(*(asyncio.to_thread(process.stop) for process in processes))
    if any(codes):
        raise RuntimeError(f"ended with {codes}; see {', '.join(str(process.log) for process in processes)}")


def new_environment(folder: Path, simulator_url: str) -> dict[str, str]:
    """The settings of a gateway without servers: on free loopback ports, with secrets of its own."""
    (web,) = free_ports(1)
    return {
        "IMGW_DATA_DIR": str(folder / "data"),
        "IMGW_SECRETS__KEY": SecretBox.new_key(),
        "IMGW_WEB__HOST": "127.0.0.1",
        "IMGW_WEB__PORT": str(web),
        "IMGW_HTTP__ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8",
        "IMGW_LOG__LEVEL": "info",
        "IMGW_LOG__FORMAT": "json",
        "IMGW_DEMO_PROVIDER_URL": simulator_url,
        "IMGW_DEMO_WA_ACCESS_TOKEN": secrets.token_urlsafe(24),
        "IMGW_DEMO_WA_APP_SECRET": secrets.token_hex(16),
        "IMGW_DEMO_WA_VERIFY_TOKEN": secrets.token_urlsafe(16),
    }


def write_configuration(folder: Path) -> None:
    """The sample account and application that the bench uses, without the account's rate limit."""
    account = _read(CONFIG / "accounts" / f"{ACCOUNT}.yaml")
    del account["max_tps"]
    application = _read(CONFIG / "applications" / f"{APP}.yaml") | {"accounts": [ACCOUNT]}
    for kind, name, document in (("accounts", ACCOUNT, account), ("applications", APP, application)):
        (folder / kind).mkdir(parents=True)
        (folder / kind / f"{name}.yaml").write_text(yaml.safe_dump(document))


def _read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text())
    return document
