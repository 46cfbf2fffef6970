"""The terminal clients of the in-app channel, as a person runs them, with the whole gateway behind them."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.e2e.page_site import CLIENTS, arguments, only_mo
from tests.integration.rtm_world import APP, RtmWorld, open_world
from tests.logs import Evidence
from tests.servers.mongod import MongoServer
from tests.servers.mosquitto import MosquittoServer
from tests.waiting import eventually

pytestmark = [pytest.mark.mosquitto, pytest.mark.mongodb, pytest.mark.timeout(120)]

ALICE = {"kind": "user_id", "id": "alice"}
_WITHIN_SECONDS = 20.0


@pytest.fixture
async def world(
    tmp_path: Path, evidence: Evidence, mosquitto: MosquittoServer, mongod: MongoServer, database_name: str
) -> AsyncIterator[RtmWorld]:
    async with open_world(tmp_path, evidence, mosquitto, mongod, database_name, device_sync=True) as world:
        yield world


class Terminal:
    """A program in a terminal, and all that it has said so far."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.lines: list[str] = []

    async def until(self, line: str) -> None:
        """Wait for a line that is this one, and take what comes before it."""
        assert self.process.stdout is not None
        async with asyncio.timeout(_WITHIN_SECONDS):
            while line not in self.lines:
                said = await self.process.stdout.readline()
                assert said, f"it ended without saying {line!r}, but {self.lines}"
                self.lines.append(said.decode().rstrip("\n"))

    def type(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())

    async def ended(self) -> int:
        async with asyncio.timeout(_WITHIN_SECONDS):
            return await self.process.wait()


@asynccontextmanager
async def terminal(
    program: str, *given: str, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Terminal]:
    """One of the clients, running; ended at the end, if it has not."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(CLIENTS / program),
        *given,
        stdin=PIPE,
        stdout=PIPE,
        stderr=STDOUT,
        env={"PATH": os.environ["PATH"], **(environment or {})},
    )
    try:
        yield Terminal(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_person_chats_in_the_terminal_and_the_platform_hears_delivered_and_read(
    world: RtmWorld,
) -> None:
    async with terminal("rtm.py", *arguments(world, "alice", "laptop")) as alice:
        alice.type("Hello, is there somebody?")
        await alice.until("  ✓ Hello, is there somebody?")
        mo = await only_mo(world)
        message_id = await world.send(ALICE, "There \x1b[31mis\nsomebody.", thread=mo["thread"])
        await alice.until("shop: There ?[31mis")
        drs = await world.until_dr(message_id, "submitted", "delivered", "read")
        assert drs[-1]["device"] == "alice/laptop"
        seen = {"type": "read", "of": mo["mo_id"]}
        await world.send(ALICE, "", content=seen, thread=mo["thread"])
        await alice.until("  ✓✓ Hello, is there somebody?")
        alice.type("/quit")
        assert await alice.ended() == 0


async def test_two_people_in_terminals_chat_through_a_topic_and_have_their_history_next_time(
    world: RtmWorld,
) -> None:
    await world.topic("chess")
    bob_is = arguments(world, "bob", "phone")
    async with (
        terminal("rtm.py", *arguments(world, "alice", "laptop")) as alice,
        terminal("rtm.py", *bob_is) as bob,
    ):
        bob.type("/topic chess")
        await bob.until("  chess (followed)")
        bob.type("I play white.")
        await bob.until("  ✓ I play white.")
        alice.type("/topics")
        await alice.until("  chess")
        alice.type("/topic chess")
        await alice.until("  chess (followed)")
        alice.type("I play black.")
        await bob.until("alice/laptop: I play black.")
        alice.type("/threads")
        await alice.until("bob/phone: I play white.")
    async with terminal("rtm.py", *bob_is) as bob:
        await bob.until("alice/laptop: I play black.")


async def test_what_is_typed_while_the_broker_is_away_goes_out_later(world: RtmWorld) -> None:
    async with terminal("rtm.py", *arguments(world, "alice", "laptop")) as alice:
        alice.type("before")
        await alice.until("  ✓ before")
        world.mosquitto.stop()
        alice.type("meanwhile")
        await asyncio.to_thread(world.mosquitto.start)
        await alice.until("  ✓ meanwhile")
        assert alice.process.stdin is not None
        alice.process.stdin.close()  # no more lines: it leaves
        assert await alice.ended() == 0

    async def both() -> bool:
        return len(world.mo) == 2

    await eventually(both)
    assert [mo["content"]["text"] for mo in world.mo] == ["before", "meanwhile"]


async def test_a_refusal_is_said_in_words(world: RtmWorld) -> None:
    arguments_of_alice = arguments(world, "alice", "laptop")
    async with terminal("rtm.py", *arguments_of_alice) as alice:
        alice.type("/open nowhere")
        alice.type("Hello?")
        await alice.until("  not taken: the person has no such thread (unknown_thread)")
    wrong = [*arguments_of_alice[:-1], "not-the-key-of-the-api"]
    async with terminal("rtm.py", *wrong) as alice:
        await alice.until("the gateway gives no pass: 401 a key of the API is needed")
        assert await alice.ended() == 1


async def test_the_platform_is_played_in_a_terminal(
    tmp_path: Path, evidence: Evidence, mosquitto: MosquittoServer, mongod: MongoServer, database_name: str
) -> None:
    async with open_world(tmp_path, evidence, mosquitto, mongod, database_name, reads=False) as world:
        await _played(world)


async def _played(world: RtmWorld) -> None:
    settings = {name: value for name, value in world.environment.items() if name.startswith("IMGW_")}
    async with (
        terminal("rtm.py", *arguments(world, "alice", "laptop")) as alice,
        terminal("play_platform.py", "--app", APP, environment=settings) as shop,
    ):
        alice.type("Do you have it in blue?")
        await shop.until("alice [own conversation]: Do you have it in blue?")
        await alice.until("  ✓✓ Do you have it in blue?")
        shop.type("We do.")
        await alice.until("shop: We do.")
        await shop.until("  read by alice/laptop")
        shop.type("/quit")
        assert await shop.ended() == 0
