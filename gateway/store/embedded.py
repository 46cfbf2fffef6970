"""The embedded store: a private mongod as a child process, in one folder of data that one process owns."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import ConfigurationError, Problem, StoreUnavailable
from gateway.store import mongod
from gateway.store.processes import started

_STOP_WITHIN_SECONDS = 20.0
_POLL_SECONDS = 0.02
_LAUNCHES = 3


@dataclass(frozen=True, slots=True)
class _Note:
    """What mongod.json tells other processes: which process it is, and where it listens."""

    port: int
    pid: int | None = None
    started: str | None = None  # as processes.started says, so that a reused pid is not taken for it

    def is_alive(self) -> bool:
        return self.pid is not None and started(self.pid) == self.started


class EmbeddedMongod:
    """The mongod of `folder`: its data in `db/`, its log in `mongod.log`, that of the start before in
    `mongod.log.1`.

    The first process that starts it owns it until `stop`; to others it lends its URL. The owner's mongod ends
    with it, even by kill -9 (on Linux, unless `dies_with_us` is False); one that was left running all the
    same is taken over by the next owner. (To the kernel a process ends with the thread that started it: start
    it in one that stays.) It listens on loopback only, without a password, as a replica set
    of one. `parameters` are further `--setParameter` of mongod.
    """

    def __init__(
        self, folder: Path, *, parameters: Mapping[str, str | int] | None = None, dies_with_us: bool = True
    ) -> None:
        self._folder = folder.expanduser().resolve()
        self._parameters = parameters or {}
        self._dies_with_us = dies_with_us
        self._lock: int | None = None  # the descriptor that holds the folder's lock
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def owned(self) -> bool:
        """Whether this process starts and stops the server."""
        return self._lock is not None

    @property
    def pid(self) -> int | None:
        """The server's process, while it lives."""
        note = self._read_note()
        return note.pid if note is not None and note.is_alive() else None

    async def start(self) -> str:
        """The URL of the folder's server, started, taken over or already there. Repeating it is harmless.

        Raises ConfigurationError when there is no mongod to start or the folder cannot be used,
        StoreUnavailable when the server does not come up.
        """
        deadline = time.monotonic() + mongod.READY_WITHIN_SECONDS
        while not self._try_to_own():
            url = await self.attach()
            if url is not None:
                return url
            if time.monotonic() > deadline:
                raise StoreUnavailable(f"the owner of {self._folder} does not bring its mongod up")
            await asyncio.sleep(_POLL_SECONDS)
        try:
            return await self._adopt() or await self._launch()
        except BaseException:
            await self.stop()
            raise

    async def attach(self) -> str | None:
        """The URL of the folder's server when it runs and takes writes, without owning it."""
        note = self._read_note()
        answer = await self._identify(note)
        return mongod.url(note.port) if note and answer and answer.writable else None

    async def stop(self) -> None:
        """End the server, if owned: in order, or after 20 seconds by force."""
        if self._lock is None:
            return
        note = self._read_note()
        if note is not None and note.pid is not None:
            await self._end(note)
        os.close(self._lock)
        self._lock = None

    async def _adopt(self) -> str | None:
        """Take over a server that its owner left running; one that does not answer is ended."""
        note = self._read_note()
        if note is None or not note.is_alive():
            return None
        deadline = time.monotonic() + _STOP_WITHIN_SECONDS
        while note.is_alive() and time.monotonic() < deadline:
            if await self._identify(note):
                await mongod.until_writable(note.port, lambda: None if note.is_alive() else 0)
                return mongod.url(note.port)
            await asyncio.sleep(_POLL_SECONDS)
        await self._end(note)
        return None

    async def _identify(self, note: _Note | None) -> mongod.Identity | None:
        """What answers on the noted port, if it is the noted process with this folder's data."""
        if note is None or not note.is_alive():
            return None
        answer = await mongod.identify(note.port)
        ours = answer and answer.pid == note.pid and answer.db_path == str(self._folder / "db")
        return answer if ours else None

    async def _launch(self) -> str:
        note = self._read_note()
        port = mongod.port_for(note.port if note is not None else None)
        for launches_left in reversed(range(_LAUNCHES)):
            process = self._process = self._begin(port)
            try:
                await mongod.until_writable(port, process.poll)
                return mongod.url(port)
            except StoreUnavailable as error:
                if not mongod.port_was_taken(process.poll()) or not launches_left:
                    words = mongod.last_words(self._folder)
                    raise StoreUnavailable(f"{error}{words}; see {self._folder / 'mongod.log'}") from error
                port = mongod.port_for(None)
        raise AssertionError("the last launch returns or raises")

    def _begin(self, port: int) -> subprocess.Popen[bytes]:
        self._reap()
        process = mongod.launch(self._folder, port, self._parameters, dies_with_us=self._dies_with_us)
        self._write_note(_Note(port, process.pid, started(process.pid)))
        return process

    async def _end(self, note: _Note) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            _signal(note, number)
            deadline = time.monotonic() + _STOP_WITHIN_SECONDS
            while note.is_alive() and time.monotonic() < deadline:  # noqa: ASYNC110  no event
                await asyncio.sleep(_POLL_SECONDS)
        self._reap()
        self._write_note(_Note(note.port))

    def _reap(self) -> None:
        """Read the exit code of what has ended."""
        if self._process is not None:
            self._process.poll()
            self._process = None

    def _try_to_own(self) -> bool:
        if self._lock is not None:
            return True
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._folder / "owner.lock", os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            what = f"{self._folder} cannot be used: {error.strerror}"
            raise ConfigurationError([Problem("IMGW_DATA_DIR", what)]) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._lock = descriptor
        return True

    def _read_note(self) -> _Note | None:
        try:
            content = json.loads((self._folder / "mongod.json").read_bytes())
            return _Note(content["port"], content["pid"], content["started"])
        except (FileNotFoundError, ValueError, KeyError):
            return None

    def _write_note(self, note: _Note) -> None:
        path = self._folder / "mongod.json"
        fresh = path.with_suffix(".new")
        content = {"port": note.port, "pid": note.pid, "started": note.started}
        with os.fdopen(os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
            json.dump(content, file)
        fresh.replace(path)


def _signal(note: _Note, number: signal.Signals) -> None:
    if note.pid is not None and note.is_alive():
        os.kill(note.pid, number)


@asynccontextmanager
async def embedded_store(folder: Path) -> AsyncIterator[str]:
    """The URL of the folder's server while the block runs: the owner's, or started and stopped here."""
    server = EmbeddedMongod(folder)
    url = await server.start()
    try:
        yield url
    finally:
        await server.stop()
