"""What the in-app part stands on, beside what all parts do: an MQTT broker, and a crowd of devices."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import yaml

from gateway.model.base import now
from gateway.store.connect import Database
from gateway.store.customers import Customers
from tests.bench.rtm_traffic import ACCOUNT, APP, device
from tests.bench.stage import Place, Stage
from tests.servers.mosquitto import MosquittoServer
from tests.usage import resident_megabytes

_END_SECONDS = 30.0
_CONNECT_SECONDS = 120.0


class Crowd:
    """The process of the devices. `kilobytes_each` is what each connection costs the broker."""

    def __init__(self, process: Process, kilobytes_each: float) -> None:
        self._process = process
        self.kilobytes_each = kilobytes_each
        self._one_at_a_time = asyncio.Lock()

    async def obey(self, command: str) -> str:
        """Give it a command, and wait for its answer."""
        async with self._one_at_a_time:
            assert self._process.stdin is not None
            self._process.stdin.write(f"{command}\n".encode())
            await self._process.stdin.drain()
            return await _line(self._process)

    async def heard(self) -> int:
        """How many MT have come to all devices together."""
        return int(await self.obey("heard"))


@dataclass(frozen=True)
class InAppPlace:
    """A place with people who are connected."""

    place: Place
    crowd: Crowd
    people: int


@asynccontextmanager
async def in_app_place(stage: Stage, people: int) -> AsyncIterator[InAppPlace]:
    async with stage.place() as place:
        broker = MosquittoServer(place.site.folder / "mosquitto", log_type="error")
        await asyncio.to_thread(broker.start)
        try:
            _configure(place, broker)
            await place.site.apply()
            await _introduce(stage, place, people)
            async with _crowd(broker, people) as crowd:
                yield InAppPlace(place, crowd, people)
        finally:
            await asyncio.to_thread(broker.close)


@asynccontextmanager
async def _crowd(broker: MosquittoServer, people: int) -> AsyncIterator[Crowd]:
    before = resident_megabytes(broker.pid or 0)
    words = ["-m", "tests.bench.devices", "--port", str(broker.port), "--count", str(people)]
    process = await asyncio.create_subprocess_exec(sys.executable, *words, stdin=PIPE, stdout=PIPE)
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            said = await _line(process)
        if said != "connected":
            raise RuntimeError(f"the devices said {said!r}")
        yield Crowd(process, 1_024 * (resident_megabytes(broker.pid or 0) - before) / people)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        async with asyncio.timeout(_END_SECONDS):
            await process.wait()


async def _line(process: Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()


def _configure(place: Place, broker: MosquittoServer) -> None:
    folder = place.site.folder / "config"
    account = {"account": ACCOUNT, "provider": "rtm", "url": broker.url}
    application = {"app_id": APP, "name": "Chat", "accounts": [ACCOUNT]}
    (folder / "accounts" / f"{ACCOUNT}.yaml").write_text(yaml.safe_dump(account))
    (folder / "applications" / f"{APP}.yaml").write_text(yaml.safe_dump(application))


async def _introduce(stage: Stage, place: Place, people: int) -> None:
    """Let the gateway know them, as a token or a first message of theirs would."""
    database = Database(stage.mongodb_url, place.database)
    try:
        customers = Customers(database)
        await asyncio.gather(*(customers.touch(device(number), now()) for number in range(people)))
        await customers.drain()
    finally:
        await database.close()
