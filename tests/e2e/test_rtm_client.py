"""The terminal clients of the in-app channel, as a person runs them, with the whole gateway behind them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.model.base import now
from gateway.rtm.names import Device
from gateway.store.threads import ThreadRecord
from tests.e2e.page_site import CLIENTS, arguments, only_mo
from tests.e2e.pass_desk import pass_desk
from tests.e2e.tapped_broker import tapped
from tests.integration.rtm_world import APP, RtmWorld, open_world
from tests.logs import Evidence
from tests.servers.mongod import MongoServer
from tests.servers.mosquitto import MosquittoServer
from tests.waiting import eventually

pytestmark = [pytest.mark.mosquitto, pytest.mark.mongodb, pytest.mark.timeout(120)]

ALICE = {"kind": "user_id", "id": "alice"}
LAPTOP = Device(APP, "alice", "laptop")
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
        async with tapped(world.mosquitto) as tap:
            message_id = await world.send(ALICE, "There \x1b[31mis\nsomebody.", thread=mo["thread"])
            await alice.until("shop: There ?[31mis")
            drs = await world.until_dr(message_id, "submitted", "delivered", "read")
            assert drs[-1]["device"] == "alice/laptop"
            await tap.until_receipts(LAPTOP, (message_id, "delivered"), (message_id, "read"))
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


async def test_lists_are_shown_to_their_end(world: RtmWorld) -> None:
    await world.people("alice")
    for number in range(51):  # a page of each list, and one more
        await world.topic(f"chess-{number:02}")
        thread = ThreadRecord(APP, f"t-{number:02}", "conversation", now(), now(), user_id="alice")
        await world.threads.ensure(replace(thread, title=f"Order {number}"))
    last = {"id": "t-50", "type": "conversation"}
    sent = [await world.send(ALICE, f"Message {number}", thread=last) for number in range(51)]
    for message_id in sent:
        await world.until_dr(message_id, "submitted")
    async with terminal("rtm.py", *arguments(world, "alice", "laptop")) as alice:
        await alice.until("  t-50  conversation, open: Order 50")
        await alice.until("shop: Message 50")
        alice.type("/topics")
        await alice.until("  chess-50")


async def test_a_lost_connection_is_followed_by_one_with_the_same_pass_and_a_refused_one_by_one_with_a_new(
    world: RtmWorld,
) -> None:
    async with (
        pass_desk(world) as desk,
        terminal("rtm.py", *arguments(world, "alice", "laptop"), "--gateway", desk.url) as alice,
    ):
        for line in ("One.", "Two."):
            alice.type(line)
            await alice.until(f"  ✓ {line}")
            await asyncio.to_thread(world.mosquitto.restart)
        alice.type("Three.")
        await alice.until("  ✓ Three.")
        assert desk.asked == 1
        world.mosquitto.configure(anonymous=False)
        await asyncio.to_thread(world.mosquitto.restart)
        await alice.until("  not connected ([code:135] Not authorized); trying again")
        world.mosquitto.configure()
        await asyncio.to_thread(world.mosquitto.restart)
        alice.type("Four.")
        await alice.until("  ✓ Four.")
        assert desk.asked > 1


async def test_who_gets_no_new_pass_does_not_count_as_connected_any_more(world: RtmWorld) -> None:
    # The last minute of a pass is for getting the next one.
    short = [*arguments(world, "alice", "laptop"), "--seconds", "60"]
    async with (
        tapped(world.mosquitto) as tap,
        pass_desk(world, passes=1) as desk,
        terminal("rtm.py", *short, "--gateway", desk.url) as alice,
    ):
        await alice.until("the gateway gives no pass: 401 no more of them")
        assert await alice.ended() == 1
        await tap.until_presence(LAPTOP, True, False)


async def test_who_interrupts_the_program_does_not_count_as_connected_any_more(world: RtmWorld) -> None:
    async with (
        tapped(world.mosquitto) as tap,
        terminal("rtm.py", *arguments(world, "alice", "laptop")) as alice,
    ):
        alice.type("Hello")
        await alice.until("  ✓ Hello")
        alice.process.send_signal(signal.SIGINT)
        assert await alice.ended() == 0
        await tap.until_presence(LAPTOP, True, False)


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
        await alice.until("  not taken: there is no such thread, or it is not this person's (unknown_thread)")
    wrong = [*arguments_of_alice[:-1], "not-the-key-of-the-api"]
    async with terminal("rtm.py", *wrong) as alice:
        await alice.until("the gateway gives no pass: 401 a key of the API is needed")
        assert await alice.ended() == 1


@asynccontextmanager
async def alice_and_the_shop(world: RtmWorld) -> AsyncIterator[tuple[Terminal, Terminal]]:
    """A person and the played platform, each at a terminal."""
    settings = {name: value for name, value in world.environment.items() if name.startswith("IMGW_")}
    async with (
        terminal("rtm.py", *arguments(world, "alice", "laptop")) as alice,
        terminal("play_platform.py", "--app", APP, environment=settings) as shop,
    ):
        yield alice, shop


async def test_the_platform_is_played_in_a_terminal(
    tmp_path: Path, evidence: Evidence, mosquitto: MosquittoServer, mongod: MongoServer, database_name: str
) -> None:
    async with open_world(tmp_path, evidence, mosquitto, mongod, database_name, reads=False) as world:
        await _played(world)


async def _played(world: RtmWorld) -> None:
    async with alice_and_the_shop(world) as (alice, shop):
        alice.type("Do you have it in blue?")
        await shop.until("alice [own conversation]: Do you have it in blue?")
        await alice.until("  ✓✓ Do you have it in blue?")
        shop.type("We do.")
        await alice.until("shop: We do.")
        await shop.until("  read by alice/laptop")
        shop.type("/quit")
        assert await shop.ended() == 0


async def test_what_the_platform_writes_about_a_topic_is_in_the_thread_that_people_write_in(
    tmp_path: Path, evidence: Evidence, mosquitto: MosquittoServer, mongod: MongoServer, database_name: str
) -> None:
    async with open_world(tmp_path, evidence, mosquitto, mongod, database_name, reads=False) as world:
        await world.topic("chess")
        await _discussed(world)
        threads = await world.threads.of_application(APP, limit=10)
        assert [thread.type for thread in threads if thread.topic == "chess"] == ["conversation"]


async def _discussed(world: RtmWorld) -> None:
    async with alice_and_the_shop(world) as (alice, shop):
        alice.type("/topic chess")
        await alice.until("  chess (followed)")
        shop.type("/topic chess")
        shop.type("Who plays?")
        await alice.until("shop: Who plays?")
        alice.type("I do.")
        await shop.until("alice [chess]: I do.")
