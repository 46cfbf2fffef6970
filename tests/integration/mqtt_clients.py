"""Mosquitto's own clients, as the tests of the MQTT transport use them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from gateway.transports.port import MqttMessage, MqttServer
from tests.servers.mosquitto import MosquittoServer

_WITHIN_SECONDS = 60


@dataclass(frozen=True)
class Subscriber:
    """A mosquitto_sub with a session that outlasts it: `remember` makes its subscriptions, and `take` gets
    what has been published since."""

    broker: MosquittoServer
    topic_filter: str
    client_id: str = "subscriber"

    async def remember(self) -> None:
        await self._run("-E")

    async def take(self, count: int) -> list[dict[str, Any]]:
        """The next publications, each with what a test can compare: no times, no packet identifiers."""
        lines = (await self._run("-C", str(count), "-F", "%J")).splitlines()
        return [
            {name: value for name, value in _read(line).items() if name not in ("tst", "mid", "payloadlen")}
            for line in lines
        ]

    async def _run(self, *options: str) -> str:
        broker = self.broker
        return await run(
            *("mosquitto_sub", "-V", "mqttv5", "-h", broker.host, "-p", str(broker.port)),
            *("-i", self.client_id, "-c", "-x", "600", "-q", "1", "-t", self.topic_filter, *options),
        )


async def publish(broker: MosquittoServer, topic: str, payload: str, *options: str) -> None:
    """With mosquitto_pub at QoS 1, unless the options say otherwise."""
    await run(
        *("mosquitto_pub", "-V", "mqttv5", "-h", broker.host, "-p", str(broker.port)),
        *("-q", "1", "-t", topic, "-m", payload, *options),
    )


async def publish_lines(broker: MosquittoServer, topic: str, lines: Sequence[str]) -> None:
    """One publication for each line, in this order."""
    await run(
        *("mosquitto_pub", "-V", "mqttv5", "-h", broker.host, "-p", str(broker.port)),
        *("-q", "1", "-t", topic, "-l"),
        text="".join(f"{line}\n" for line in lines),
    )


async def run(*command: str, text: str = "") -> str:
    """What a program prints."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE if text else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_WITHIN_SECONDS):
            output, errors = await process.communicate(text.encode() or None)
    except BaseException:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise
    assert process.returncode == 0, errors.decode()
    return output.decode()


def server_of(broker: MosquittoServer, **more: Any) -> MqttServer:
    return MqttServer(broker.host, broker.port, **more)


def numbered(count: int, *, topic: str = "t/down") -> list[MqttMessage]:
    return [MqttMessage(topic, str(number).encode()) for number in range(count)]


def _read(line: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(line, object_pairs_hook=_pairs)
    return read


def _pairs(found: list[tuple[str, Any]]) -> Any:
    """As pairs where a name comes twice, as user properties may."""
    fields = dict(found)
    return fields if len(fields) == len(found) else found
