"""The processes of the demonstration: a simulator and a gateway on free ports, with secrets of their own."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from gateway.errors import GatewayError
from gateway.ports import free_ports

# Which MQTT broker the sample account of the in-app channel uses, and whether it is to be used.
MQTT_URL = "IMGW_DEMO_MQTT_URL"
MQTT_ENABLED = "IMGW_DEMO_MQTT_ENABLED"

_READY_WITHIN_SECONDS = 40.0
_STOP_WITHIN_SECONDS = 45.0
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Playground:
    """Where everything is. `environment` is what both processes, and commands that look at them, are run
    with."""

    folder: Path
    gateway_url: str
    admin_url: str
    simulator_url: str
    environment: Mapping[str, str] = field(repr=False)
    http: aiohttp.ClientSession = field(repr=False)

    async def catalogue_version(self) -> int:
        """The version of the configuration that the gateway works with."""
        async with self.http.get(f"{self.admin_url}/metrics") as response:
            lines = (await response.text()).splitlines()
        values = [line.split()[1] for line in lines if line.startswith("imgw_catalogue_version ")]
        return int(float(values[0])) if values else 0

    async def pending_callbacks(self) -> int:
        """How many receipts and replies the simulator still has to post."""
        async with self.http.get(f"{self.simulator_url}/simulator/summary") as response:
            summary = await response.json()
        return int(summary["pending_callbacks"])


def demo_environment(folder: Path) -> dict[str, str]:
    """Settings for a gateway and a simulator that have this machine to themselves, on free loopback ports."""
    web, admin, simulator, mqtt = free_ports(4)
    return {
        "IMGW_DATA_DIR": str(folder),
        "IMGW_WEB__HOST": "127.0.0.1",
        "IMGW_WEB__PORT": str(web),
        "IMGW_ADMIN__PORT": str(admin),
        "IMGW_EXPIRY__INTERVAL_SECONDS": "1",
        "IMGW_HTTP__ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8",
        "IMGW_DEMO_PROVIDER_URL": f"http://127.0.0.1:{simulator}",
        "IMGW_DEMO_GATEWAY_URL": f"http://127.0.0.1:{web}",
        "IMGW_DEMO_WA_ACCESS_TOKEN": secrets.token_urlsafe(24),
        "IMGW_DEMO_WA_APP_SECRET": secrets.token_hex(16),
        "IMGW_DEMO_WA_VERIFY_TOKEN": secrets.token_urlsafe(16),
        "IMGW_DEMO_TG_TOKEN": f"{secrets.randbelow(10**9)}:{secrets.token_urlsafe(26)}",
        "IMGW_DEMO_TG_SECRET_TOKEN": secrets.token_urlsafe(16),
        "IMGW_DEMO_SMS_SECRET": secrets.token_urlsafe(16),
        "IMGW_DEMO_SMS_CALLBACK_SECRET": secrets.token_hex(16),
        "IMGW_DEMO_CHAT_SECRET": secrets.token_urlsafe(32),
        MQTT_URL: f"mqtt://127.0.0.1:{mqtt}",
        MQTT_ENABLED: "false",  # until somebody has started one
    }


@asynccontextmanager
async def open_playground(
    folder: Path, config: Path, environment: Mapping[str, str]
) -> AsyncIterator[Playground]:
    """Both processes, ready; stopped in order at the end. Their logs are in `folder`."""
    simulator_url = environment["IMGW_DEMO_PROVIDER_URL"]
    simulator_port = simulator_url.rpartition(":")[2]
    admin_url = f"http://127.0.0.1:{environment['IMGW_ADMIN__PORT']}"
    simulate = ["simulate", str(config / "simulator.yaml"), "--port", simulator_port]
    with (
        OwnProcess(simulate, environment, folder / "simulator.log") as simulator,
        OwnProcess(["run", "all"], environment, folder / "gateway.log") as gateway,
    ):
        async with aiohttp.ClientSession() as http:
            await simulator.until_answering(http, f"{simulator_url}/simulator/summary")
            await gateway.until_answering(http, f"{admin_url}/readyz")
            url = environment["IMGW_DEMO_GATEWAY_URL"]
            yield Playground(folder, url, admin_url, simulator_url, environment, http)


class OwnProcess:
    """A process of our own command. It runs from the block's beginning and is ended in order at its end."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self._command = [sys.executable, "-m", "processors", *arguments]
        self._environment = {**os.environ, **environment}
        self.log = log
        self.start()

    def start(self) -> None:
        """Start it, or start it again after it has ended."""
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C reaches the demonstration only, which then stops these in order.
            self._running = subprocess.Popen(  # noqa: S603  our own command
                self._command, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )

    @property
    def pid(self) -> int:
        """Of the process as it was started last."""
        return self._running.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._running.poll()

    def kill(self) -> None:
        """As kill -9 does."""
        self._running.kill()
        self._running.wait()

    def stop(self) -> int:
        """SIGTERM; returns its exit code. One that does not end in time is killed."""
        if self._running.poll() is None:
            self._running.send_signal(signal.SIGTERM)
        try:
            return self._running.wait(_STOP_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._running.returncode

    def __enter__(self) -> OwnProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def until_answering(self, http: aiohttp.ClientSession, url: str) -> None:
        """Wait until it answers 200 on `url`. Raises GatewayError when it ends before, or takes too long."""
        deadline = asyncio.get_running_loop().time() + _READY_WITHIN_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            if self.exit_code is not None:
                raise GatewayError(f"the process ended with {self.exit_code}; see {self.log}")
            with suppress(aiohttp.ClientError):
                async with http.get(url) as response:
                    if response.status == 200:
                        return
            await asyncio.sleep(_POLL_SECONDS)
        raise GatewayError(f"no answer within {_READY_WITHIN_SECONDS:g} s; see {self.log}")
