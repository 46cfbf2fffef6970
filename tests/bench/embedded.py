"""A gateway on the embedded default: its queues filled while it is down, and seen while it runs."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from gateway.broker.embedded import EmbeddedBroker
from gateway.broker.port import Publication
from gateway.store.connect import Database
from gateway.store.embedded import EmbeddedMongod, embedded_store
from gateway.store.queues import QueueStore
from tests.bench.queues import Letter
from tests.bench.site import Site, new_environment, write_configuration
from tests.bench.stage import Stage

_DATABASE = "imgw"
_AT_ONCE = 500


@dataclass(frozen=True)
class EmbeddedPlace:
    """Its settings name no server: broker and store are in its data folder."""

    site: Site

    async def fill(self, queue: str, letters: Iterable[Letter]) -> None:
        """Put all on a queue; only while no process of the site runs."""
        async with self._database(own=True) as database:
            broker = EmbeddedBroker(database)
            await broker.start()
            left = iter(letters)
            while batch := list(itertools.islice(left, _AT_ONCE)):
                await asyncio.gather(*(broker.publish(_publication(queue, letter)) for letter in batch))
            await broker.close()

    @asynccontextmanager
    async def queues(self) -> AsyncIterator[QueueStore]:
        """To look into the queues of the running site."""
        async with self._database(own=False) as database:
            yield QueueStore(database)

    @asynccontextmanager
    async def _database(self, *, own: bool) -> AsyncIterator[Database]:
        folder = self.site.folder / "data" / "mongo"
        async with AsyncExitStack() as stack:
            url = None if own else await EmbeddedMongod(folder).attach()
            if url is None:
                url = await stack.enter_async_context(embedded_store(folder))
            database = Database(url, _DATABASE)
            stack.push_async_callback(database.close)
            yield database


async def embedded_place(stage: Stage) -> EmbeddedPlace:
    """A new one, configured."""
    folder = stage.folder / uuid.uuid4().hex[:8]
    write_configuration(folder / "config")
    environment = new_environment(folder, stage.provider.url)
    del environment["IMGW_SECRETS__KEY"]  # it makes its own
    site = Site(folder, environment, stage.http)
    await site.apply()
    return EmbeddedPlace(site)


def _publication(queue: str, letter: Letter) -> Publication:
    return Publication("", queue, letter.body, letter.type, letter.message_id)
