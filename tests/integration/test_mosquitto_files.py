"""The files for Mosquitto that are shipped do what they say."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import orjson
import pytest

from gateway.ports import free_port
from processors.rtm.bridge import filters
from tests.integration.rtm_access_world import GRANTED_1, PASSWORD, Client, make_logins, secured
from tests.servers.mosquitto import DYNAMIC_SECURITY, MosquittoServer, need_mosquitto, plugin

pytestmark = pytest.mark.mosquitto

CONFIGURATION = Path(__file__).parents[2] / "deploy/mosquitto/mosquitto.conf"


@pytest.fixture(autouse=True)
def _needs_mosquitto() -> None:
    need_mosquitto()


def test_the_script_makes_one_login_for_the_gateway_that_nobody_else_can_read(tmp_path: Path) -> None:
    file = tmp_path / "logins.json"
    made = make_logins(file)
    assert (made.returncode, made.stdout) == (0, "")
    assert made.stderr == f"setup.sh: {file} is made; the gateway's login is imgw\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert PASSWORD not in file.read_text()
    kept = orjson.loads(file.read_bytes())
    clients = [(client["username"], client["roles"]) for client in kept["clients"]]
    assert clients == [("imgw", [{"rolename": "imgw-gateway"}])]
    assert kept["defaultACLAccess"] == {
        "publishClientSend": False,
        "publishClientReceive": True,
        "subscribe": False,
        "unsubscribe": True,
    }
    assert [path.name for path in tmp_path.iterdir()] == ["logins.json"]


def test_the_script_leaves_a_file_that_is_there_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "logins.json"
    file.write_text("something")
    made = make_logins(file)
    assert (made.returncode, file.read_text()) == (0, "something")
    assert made.stderr == f"setup.sh: {file} is there already; nothing is changed\n"


@pytest.mark.parametrize("password", ['pass"word', "pass word", "pass\\word", "päss", "pass\nword"])
def test_the_script_refuses_a_password_that_it_could_not_pass_on(tmp_path: Path, password: str) -> None:
    made = make_logins(tmp_path / "logins.json", password)
    assert (made.returncode, list(tmp_path.iterdir())) == (2, [])
    assert "a password is made of" in made.stderr
    assert password not in made.stderr


def test_without_a_password_the_script_makes_one_and_shows_it_once(tmp_path: Path) -> None:
    made = make_logins(tmp_path / "logins.json", "")
    words = made.stdout.split()
    assert (made.returncode, words[:-1], len(words[-1])) == (0, ["the", "password", "of", "imgw:"], 48)


async def test_mosquitto_starts_as_it_is_shipped_and_lets_the_gateway_in(tmp_path: Path) -> None:
    server = MosquittoServer(tmp_path / "mosquitto")
    assert make_logins(server.folder / "logins.json").returncode == 0
    changes = {
        "/usr/lib/mosquitto_dynamic_security.so": str(plugin(DYNAMIC_SECURITY)),
        "/mosquitto/data/dynamic-security.json": f"{server.folder}/logins.json",
        "persistence_location /mosquitto/data/": f"user root\npersistence_location {server.folder}/",
        "listener 1883\n": f"listener {server.port} 127.0.0.1\n",
        "listener 8083\n": f"listener {free_port()} 127.0.0.1\n",
    }
    text = CONFIGURATION.read_text()
    for shipped, here in changes.items():
        assert text.count(shipped) == 1, shipped
        text = text.replace(shipped, here)
    (server.folder / "mosquitto.conf").write_text(text)
    try:
        server.start()
        assert await _let_in(server, "imgw", PASSWORD) == 0
        assert await _let_in(server, "imgw", "wrong") == 0x87
        assert await _let_in(server, "setup", "") == 0x87
        assert await _let_in(server, "", None) == 0x87
    finally:
        server.close()


@pytest.mark.parametrize("shared", [True, False])
async def test_the_gateways_login_may_subscribe_to_all_that_the_bridge_does(
    tmp_path: Path, shared: bool
) -> None:
    server = secured(tmp_path / "mosquitto")
    server.start()
    client = Client(server, "imgw", PASSWORD, "the-bridge")
    try:
        assert await client.connect() == 0
        answers = {name: await client.subscribe(name) for name in filters(shared=shared)}
        assert answers == dict.fromkeys(filters(shared=shared), GRANTED_1)
    finally:
        await client.close()
        server.close()


async def _let_in(server: MosquittoServer, login: str, password: str | None) -> int:
    client = Client(server, login, password, f"client-{time.monotonic_ns()}")
    try:
        return await client.connect()
    finally:
        await client.close()
