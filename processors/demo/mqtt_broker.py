"""An MQTT broker for the demonstration, as a process of its own: Mosquitto where it is installed, or else
amqtt, which is pure Python."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import yaml

from gateway.errors import GatewayError
from gateway.transports.port import MqttServer

_HOST = "127.0.0.1"
_READY_WITHIN_SECONDS = 15.0
_STOP_WITHIN_SECONDS = 10.0
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class MqttBroker:
    """A broker that can be started here. amqtt speaks MQTT 3.1.1 and has no shared subscriptions."""

    name: str
    protocol: Literal["5", "3.1.1"]
    command: tuple[str, ...]

    @property
    def parameters(self) -> dict[str, str]:
        """What the parameters of an account that uses it say."""
        if self.protocol == "5":
            return {}
        return {"protocol": "3.1.1", "inbound": "subscription"}

    def server(self, port: int) -> MqttServer:
        return MqttServer(_HOST, port, protocol=self.protocol)


def find_broker(search_path: str, wanted: str = "any") -> MqttBroker | None:
    """The broker that there is on this machine, of `wanted`: mosquitto, amqtt, any or none; None when there
    is none."""
    # Debian puts it where only root's PATH leads to.
    places = os.pathsep.join([search_path, "/usr/sbin", "/usr/local/sbin"])
    mosquitto = shutil.which("mosquitto", path=places) if wanted in ("mosquitto", "any") else None
    if mosquitto is not None:
        return MqttBroker("Mosquitto", "5", (mosquitto, "-c"))
    if wanted in ("amqtt", "any") and find_spec("amqtt") is not None:
        return MqttBroker("amqtt", "3.1.1", (sys.executable, "-m", "amqtt.scripts.broker_script", "-c"))
    return None


@asynccontextmanager
async def running(broker: MqttBroker, port: int, folder: Path) -> AsyncIterator[None]:
    """It runs, on this machine only, and lets everybody in; its files are in `folder`. Raises GatewayError
    when it does not start."""
    log = folder / "mqtt.log"
    process = _start(broker, port, folder, log)
    try:
        await _until_answering(process, port, log)
        yield
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_WITHIN_SECONDS)
        process.kill()
        process.wait()


def _start(broker: MqttBroker, port: int, folder: Path, log: Path) -> subprocess.Popen[bytes]:
    config = folder / "mqtt.conf"
    config.write_text(_mosquitto(port) if broker.protocol == "5" else _amqtt(port))
    with log.open("ab") as output:
        # A session of its own, as the gateway's: Ctrl-C is for the demonstration, which stops all in order.
        return subprocess.Popen(  # noqa: S603  a broker that we have found
            [*broker.command, str(config)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


async def _until_answering(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = asyncio.get_running_loop().time() + _READY_WITHIN_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        if process.poll() is not None:
            raise GatewayError(f"the MQTT broker ended with {process.returncode}; see {log}")
        with suppress(OSError):
            _, writer = await asyncio.open_connection(_HOST, port)
            writer.close()
            return
        await asyncio.sleep(_POLL_SECONDS)
    raise GatewayError(f"the MQTT broker does not answer within {_READY_WITHIN_SECONDS:g} s; see {log}")


def _mosquitto(port: int) -> str:
    lines = [f"listener {port} {_HOST}", "allow_anonymous true", "persistence false", "log_dest stderr", ""]
    return "\n".join(lines)


def _amqtt(port: int) -> str:
    config = {
        "listeners": {"default": {"type": "tcp", "bind": f"{_HOST}:{port}"}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }
    return str(yaml.safe_dump(config))
