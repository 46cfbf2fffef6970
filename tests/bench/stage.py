"""Everything that a run of the bench stands on: its own RabbitMQ and mongod, and the provider."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from pymongo import MongoClient

from gateway.store.embedded import EmbeddedMongod
from tests.bench.floor import IN_QUEUE, OUT_QUEUE
from tests.bench.provider import Provider, bare_provider
from tests.bench.queues import BenchQueues, bench_queues
from tests.bench.site import IN_FLIGHT, WORKERS, Site, new_environment, write_configuration
from tests.bench.sizes import Sizes
from tests.bench.window import Measured
from tests.servers.rabbitmq import RabbitServer

# The server of the embedded default is kept small; this one is given what a machine of its own would give it.
_MONGOD_CACHE = "cache_size=2GB"
_END_SECONDS = 30.0


@dataclass(frozen=True)
class Place:
    """A virtual host and a database with nothing in them but the topology and the configuration."""

    site: Site
    queues: BenchQueues
    amqp_url: str
    database: str


@dataclass(frozen=True)
class Stage:
    """What the parts are given."""

    folder: Path
    sizes: Sizes
    rabbit: RabbitServer
    mongodb_url: str
    provider: Provider
    http: aiohttp.ClientSession
    seen: dict[str, list[Measured]] = field(default_factory=dict)
    """What a part has measured that later ones compare with."""

    @asynccontextmanager
    async def place(self) -> AsyncIterator[Place]:
        """A new place. It is left as it is: the servers go as a whole."""
        folder = self.folder / uuid.uuid4().hex[:8]
        write_configuration(folder / "config")
        amqp_url, database = self.rabbit.url_of(self.rabbit.add_vhost()), f"bench_{folder.name}"
        environment = new_environment(folder, self.provider.url) | {
            "IMGW_BROKER__URL": amqp_url,
            "IMGW_STORE__URL": self.mongodb_url,
            "IMGW_STORE__DATABASE": database,
        }
        site = Site(folder, environment, self.http)
        async with bench_queues(amqp_url) as queues:
            await queues.declare(IN_QUEUE, OUT_QUEUE)
            await site.apply()
            yield Place(site, queues, amqp_url, database)

    @asynccontextmanager
    async def floor(self, place: Place, client: str) -> AsyncIterator[int]:
        """The hand-written floor on this place, while the block runs; its process id."""
        arguments = {
            "--amqp": place.amqp_url,
            "--mongodb": self.mongodb_url,
            "--provider": f"{self.provider.url}/whatsapp",
            "--database": place.database,
            "--prefetch": str(WORKERS),
            "--in-flight": str(IN_FLIGHT),
            "--client": client,
        }
        words = [word for pair in arguments.items() for word in pair]
        process = _start("tests.bench.floor", words, place.site.folder / "floor.log")
        try:
            yield process.pid
        finally:
            process.terminate()
            code = await asyncio.to_thread(process.wait, _END_SECONDS)
        if code:
            raise RuntimeError(f"the floor ended with {code}; see {place.site.folder / 'floor.log'}")


@asynccontextmanager
async def open_stage(sizes: Sizes) -> AsyncIterator[Stage]:
    """Servers and provider, until the block ends; nothing of theirs is left then."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="imgw-bench-")))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        rabbit = RabbitServer(folder / "rabbitmq")
        stack.callback(rabbit.close)
        _start_rabbitmq(rabbit)
        mongod = EmbeddedMongod(folder / "mongod")
        mongodb_url = await mongod.start()
        stack.push_async_callback(mongod.stop)
        await asyncio.to_thread(_enlarge_cache, mongodb_url)
        provider = await stack.enter_async_context(bare_provider(folder, http))
        yield Stage(folder, sizes, rabbit, mongodb_url, provider, http)


def _start_rabbitmq(rabbit: RabbitServer) -> None:
    try:
        rabbit.start()
    except FileNotFoundError as error:
        raise RuntimeError("RabbitMQ is missing: apt-get install rabbitmq-server") from error


def _enlarge_cache(mongodb_url: str) -> None:
    with MongoClient[dict[str, Any]](mongodb_url) as client:
        client.admin.command({"setParameter": 1, "wiredTigerEngineRuntimeConfig": _MONGOD_CACHE})


def _start(module: str, arguments: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments], stdout=output, stderr=output, start_new_session=True
        )
