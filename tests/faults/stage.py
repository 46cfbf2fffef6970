"""A gateway that scenarios are played on, one after the other: on real servers, or embedded."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
    nullcontext,
)
from dataclasses import dataclass
from pathlib import Path

from gateway.ports import free_port
from gateway.store.connect import Database
from gateway.store.embedded import EmbeddedMongod
from gateway.store.secrets import SecretBox
from tests.faults.installation import Installation, installed
from tests.faults.log_book import LogBook
from tests.faults.platform import Platform
from tests.faults.platform_amqp import AmqpPlatform
from tests.faults.platform_embedded import EmbeddedPlatform
from tests.faults.proxy import Proxy
from tests.faults.scale import Scale
from tests.faults.scene import Damage, Result, play
from tests.faults.traffic import Habit
from tests.logs import Evidence
from tests.servers.mongod import MongoServer
from tests.servers.rabbitmq import RabbitServer

_STORE_SECONDS = 10.0  # how long the tests' own questions to the store may take


@dataclass(frozen=True, slots=True)
class Set:
    """An installation, and how a test reaches the broker and the store beneath it."""

    kind: str  # "RabbitMQ" or "embedded"
    installation: Installation
    reach: Callable[[], AbstractAsyncContextManager[tuple[Platform, LogBook]]]
    bring_up: Callable[[], Awaitable[None]]  # whatever another test has left of the servers
    broker_proxy: Proxy | None = None


class Stage:
    """Builds its set when it is first needed, and anew after a scenario that did not go well."""

    def __init__(self, build: Callable[[], AbstractContextManager[Set]]) -> None:
        self._build = build
        self._built: AbstractContextManager[Set] | None = None
        self._set: Set | None = None
        self._spoilt = False

    def set(self) -> Set:
        if self._spoilt:
            self.close()
        if self._set is None:
            self._built = self._build()
            self._set = self._built.__enter__()
        return self._set

    def close(self) -> None:
        built, self._built, self._set, self._spoilt = self._built, None, None, False
        if built is not None:
            built.__exit__(None, None, None)

    async def play(
        self,
        scenario: str,
        damage: Damage,
        scale: Scale,
        seed: int,
        *,
        habit: Habit | None = None,
        without_account: str | None = None,
    ) -> None:
        """Play one scenario; fails with everything that is wrong afterwards."""
        async with self.in_use() as (chosen, platform, log_book):
            result = await play(
                chosen.installation,
                platform,
                log_book,
                scale,
                seed,
                damage,
                habit=habit,
                without_account=without_account,
            )
            _record(scenario, chosen.kind, seed, result)
            assert result.problems == {}, f"seed {seed}: {json.dumps(result.problems, default=str)}"

    @asynccontextmanager
    async def in_use(self) -> AsyncIterator[tuple[Set, Platform, LogBook]]:
        """The set with everything in it running; it counts as spoilt if this ends with an error."""
        chosen = self.set()
        self._spoilt = True
        await chosen.bring_up()
        async with (
            chosen.broker_proxy or nullcontext(),
            chosen.installation.open(),
            chosen.reach() as (platform, log_book),
        ):
            yield chosen, platform, log_book
        self._spoilt = False


def rabbitmq_stage(
    folder: Path,
    evidence: Evidence,
    scale: Scale,
    server: RabbitServer,
    mongod: MongoServer,
    daemons: Mapping[str, str],
) -> Stage:
    """On a virtual host and a database of its own, with a proxy between the daemons and RabbitMQ."""

    @contextmanager
    def build() -> Iterator[Set]:
        vhost, name = server.add_vhost(), f"imgw_{uuid.uuid4().hex[:12]}"
        url = server.url_of(vhost)
        own_port = int(url.partition("@127.0.0.1:")[2].partition("/")[0])
        proxy = Proxy(free_port(), [own_port])
        settings = {
            "IMGW_BROKER__URL": url.replace(f":{own_port}/", f":{proxy.port}/"),
            "IMGW_STORE__URL": mongod.url,
            "IMGW_STORE__DATABASE": name,
            "IMGW_SECRETS__KEY": SecretBox.new_key(),
        }

        @asynccontextmanager
        async def reach() -> AsyncIterator[tuple[Platform, LogBook]]:
            platform = AmqpPlatform(url)
            async with _database(mongod.url, name) as database:
                try:
                    yield platform, LogBook(database)
                finally:
                    await platform.close()

        async def bring_up() -> None:
            await asyncio.to_thread(server.bring_up)
            await mongod.restart()

        with installed(folder / name, evidence, daemons, settings, scale) as installation:
            yield Set("RabbitMQ", installation, reach, bring_up, proxy)
        server.retire_vhost(vhost)

    return Stage(build)


def embedded_stage(folder: Path, evidence: Evidence, scale: Scale) -> Stage:
    """One process with everything in it."""

    @contextmanager
    def build() -> Iterator[Set]:
        own = folder / uuid.uuid4().hex[:12]

        @asynccontextmanager
        async def reach() -> AsyncIterator[tuple[Platform, LogBook]]:
            url = await EmbeddedMongod(own / "data" / "mongo").attach()
            assert url is not None, "the embedded server is not there"
            async with _database(url, "imgw") as database:
                platform = EmbeddedPlatform(database)
                await platform.start()
                try:
                    yield platform, LogBook(database)
                finally:
                    await platform.close()

        async def bring_up() -> None:
            """Its servers are its own."""

        with installed(own, evidence, {"all": "all"}, {}, scale) as installation:
            yield Set("embedded", installation, reach, bring_up)

    return Stage(build)


@asynccontextmanager
async def _database(url: str, name: str) -> AsyncIterator[Database]:
    database = Database(url, name, timeout_seconds=_STORE_SECONDS)
    try:
        yield database
    finally:
        await database.close()


def _record(scenario: str, kind: str, seed: int, result: Result) -> None:
    """Append what a scenario came to, as a line of JSON, to the file that FAULTS_RESULTS names."""
    path = os.environ.get("FAULTS_RESULTS")
    if path:
        row = {"scenario": scenario, "on": kind, "seed": seed, **dataclasses.asdict(result)}
        with Path(path).open("a") as results:
            results.write(json.dumps(row, default=str) + "\n")
