"""Somebody at a shell, who runs `imgw` as a process of its own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.broker.embedded import EmbeddedBroker
from gateway.broker.port import Publication, StoredMessage
from gateway.store.connect import Database
from gateway.store.embedded import EmbeddedMongod
from tests.servers.mongod import MongoServer


@dataclass(frozen=True)
class Operator:
    """Has a data folder and a database in it, whose server runs at `url`."""

    folder: Path
    url: str
    database: str

    def imgw(
        self,
        *arguments: str | Path,
        code: int = 0,
        stdin: str = "",
        variables: Mapping[str, str] | None = None,
    ) -> str:
        """Run a command, which is to end with `code`; returns what it said."""
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "IMGW_DATA_DIR": str(self.folder),
            "IMGW_STORE__DATABASE": self.database,
            **(variables or {}),
        }
        ended = subprocess.run(
            [sys.executable, "-m", "processors", *map(str, arguments)],
            env=environ,
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in ended.stderr
        assert ended.returncode == code, ended.stdout + ended.stderr
        return ended.stderr if code == 78 else ended.stdout

    def write(self, files: dict[str, str]) -> Path:
        """A folder of configuration."""
        folder = self.folder / f"config-{uuid.uuid4().hex[:6]}"
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        return folder

    async def broker(self, *publications: Publication, queue: str = "imgw.dead") -> list[StoredMessage]:
        """Publish these; returns what is in `queue` then."""
        database = Database(self.url, self.database)
        broker = EmbeddedBroker(database)
        await broker.start()
        seen: list[StoredMessage] = []

        async def look(message: StoredMessage) -> bool:
            seen.append(message)
            return False

        for publication in publications:
            await broker.publish(publication)
        await broker.sift(queue, look)
        await broker.close()
        await database.close()
        return seen


@pytest.fixture
def operator(mongod: MongoServer, tmp_path: Path) -> Iterator[Operator]:
    """With a server of their own, in the data folder."""
    server = EmbeddedMongod(tmp_path / "mongo")
    url = asyncio.run(server.start())
    yield Operator(tmp_path, url, f"imgw_{uuid.uuid4().hex[:12]}")
    asyncio.run(server.stop())
