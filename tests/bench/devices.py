"""Many in-app devices in one process: connected to the MQTT broker, they publish what they are told to.

Commands come as lines on standard input, and each is answered with a line when it is done: `mo 3000`
(that many MO, from all devices in turn), `receipts` (a `delivered` for every MT that came and has none yet),
`heard` (answers how many MT have come).
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import aiomqtt
import orjson
import uvloop
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.model.base import now, rfc3339
from gateway.rtm.names import Device
from tests.bench.rtm_traffic import APP, device

_AT_ONCE = 50  # connections made at the same time
_TEXT = "Where is my order 4711? It was to be here by noon."


@dataclass(slots=True)
class Connected:
    """One device and its connection."""

    device: Device
    client: aiomqtt.Client
    unreported: list[str] = field(default_factory=list)
    heard: int = 0

    async def listen(self) -> None:
        async for message in self.client.messages:
            document = orjson.loads(message.payload)
            self.unreported.append(document["message_id"])
            self.heard += 1

    async def say(self, count: int) -> None:
        run = secrets.token_hex(4)
        for number in range(count):
            document = {"id": f"{run}-{number}", "content": {"type": "text", "text": _TEXT}}
            await self.client.publish(self.device.up("up"), orjson.dumps(document), qos=1)

    async def report(self) -> None:
        reported, self.unreported = self.unreported, []
        for message_id in reported:
            document = {"message_id": message_id, "status": "delivered", "at": rfc3339(now())}
            await self.client.publish(self.device.up("rcpt"), orjson.dumps(document), qos=1)


async def connected(
    stack: AsyncExitStack, host: str, port: int, number: int, gate: asyncio.Semaphore
) -> Connected:
    one = device(number)
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 3_600
    client = aiomqtt.Client(
        host,
        port,
        identifier=one.login,
        protocol=aiomqtt.ProtocolVersion.V5,
        clean_start=False,
        properties=properties,
        keepalive=300,
    )
    async with gate:
        await stack.enter_async_context(client)
        for topic in one.subscriptions:
            await client.subscribe(topic, qos=1)
    return Connected(one, client)


async def serve(host: str, port: int, count: int) -> None:
    async with AsyncExitStack() as stack:
        gate = asyncio.Semaphore(_AT_ONCE)
        devices = await asyncio.gather(
            *(connected(stack, host, port, number, gate) for number in range(count))
        )
        listening = [asyncio.create_task(one.listen()) for one in devices]
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
        )
        _say("connected")
        while line := (await reader.readline()).decode().split():
            _say(await _obey(line, devices))
        for task in listening:
            task.cancel()
        await asyncio.wait(listening)


async def _obey(command: Sequence[str], devices: Sequence[Connected]) -> str:
    if command[0] == "mo":
        share, more = divmod(int(command[1]), len(devices))
        await asyncio.gather(*(one.say(share + (at < more)) for at, one in enumerate(devices)))
    elif command[0] == "receipts":
        await asyncio.gather(*(one.report() for one in devices))
    elif command[0] == "heard":
        return str(sum(one.heard for one in devices))
    else:
        return f"unknown: {command[0]}"
    return "done"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=f"Devices of application {APP}.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    arguments = parser.parse_args()
    uvloop.run(serve(arguments.host, arguments.port, arguments.count))


if __name__ == "__main__":
    main()
