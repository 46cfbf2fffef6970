"""The servers a process stands on, as the settings say: MongoDB and RabbitMQ, or the embedded ones."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from pydantic import SecretStr

from gateway.broker.embedded import EmbeddedBroker
from gateway.broker.port import Broker
from gateway.errors import ConfigurationError, Problem
from gateway.settings import Settings
from gateway.store.connect import Database
from gateway.store.embedded import EmbeddedMongod
from gateway.store.secrets import SecretBox

_KEY_FILE = "secret.key"
_OWN_WITHIN_SECONDS = 10.0


@asynccontextmanager
async def open_database(settings: Settings, *, own: bool = False) -> AsyncIterator[Database]:
    """The database: of the server that IMGW_STORE__URL names, or of the embedded one.

    A daemon must `own` the embedded server, since whoever owns it ends it when it stops; commands take what
    is there.
    """
    if settings.store.url is not None:
        async with _database(settings, settings.store.url.get_secret_value()) as database:
            yield database
        return
    server = EmbeddedMongod(settings.data_dir / "mongo")
    try:
        url = await (_owned(server, settings) if own else server.start())
        async with _database(settings, url) as database:
            yield database
    finally:
        await server.stop()


async def _owned(server: EmbeddedMongod, settings: Settings) -> str:
    """Start the server as its owner; a command that has it for a moment is waited for."""
    deadline = time.monotonic() + _OWN_WITHIN_SECONDS
    while True:
        url = await server.start()
        if server.owned:
            return url
        if time.monotonic() > deadline:
            what = f"another gateway process uses {settings.data_dir}; give this one a folder of its own"
            raise ConfigurationError([Problem("IMGW_DATA_DIR", what)])
        await asyncio.sleep(0.2)


@asynccontextmanager
async def open_broker(settings: Settings, database: Database) -> AsyncIterator[Broker]:
    """The broker, connected: the server that IMGW_BROKER__URL names, or the embedded one."""
    broker = make_broker(settings, database)
    await broker.start()
    try:
        yield broker
    finally:
        await broker.close()


def make_broker(settings: Settings, database: Database) -> Broker:
    """The broker, not connected yet."""
    if settings.broker.url is None:
        return EmbeddedBroker(database)
    from gateway.broker.rabbitmq import RabbitBroker

    return RabbitBroker(settings.broker.url.get_secret_value(), shards=settings.broker.mt_shards)


def secret_box(settings: Settings) -> SecretBox:
    """What opens the secrets in the store. The embedded store has a key of its own, in the data folder."""
    if settings.secrets.key is not None:
        return SecretBox(settings.secrets.key)
    return SecretBox(SecretStr(_own_key(settings.data_dir)))


@asynccontextmanager
async def _database(settings: Settings, url: str) -> AsyncIterator[Database]:
    store = settings.store
    database = Database(url, store.database, store.driver, timeout_seconds=store.timeout_seconds)
    try:
        yield database
    finally:
        await database.close()


def _own_key(folder: Path) -> str:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / _KEY_FILE
    if not path.exists():
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.touch(0o600)
        fresh.write_text(SecretBox.new_key() + "\n")
        with suppress(FileExistsError):  # another process was quicker: its key counts
            os.link(fresh, path)
        fresh.unlink()
    return path.read_text().strip()
