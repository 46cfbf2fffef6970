"""One scenario under way: its traffic, what is being damaged, and whether all of it has come to its end."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from gateway.errors import UnavailableError
from processors.audit import Audit
from tests.faults.installation import Installation
from tests.faults.ledgers import Ledgers, problems
from tests.faults.log_book import LogBook
from tests.faults.platform import Letter, Platform, publish_all
from tests.faults.poison_ledger import Posted, poison_problems
from tests.faults.scale import Scale
from tests.faults.traffic import Habit, Speech, Traffic, make_traffic
from tests.faults.witness import Entry, Simulator
from tests.waiting import eventually

_POLL_SECONDS = 0.3
_LAST_STEPS_SECONDS = 15.0
_MOST_SHOWN = 5


@dataclass(slots=True)
class Scene:
    """What a damage works with. It counts what it does in `faults`, and in `in_flight` what that hit."""

    installation: Installation
    platform: Platform
    log_book: LogBook
    simulator: Simulator
    scale: Scale
    random: Random
    traffic: Traffic
    faults: int = 0
    in_flight: int = 0
    spoken: dict[str, Speech] = field(default_factory=dict)
    taken_by_hand: list[Entry] = field(default_factory=list)
    poison: list[tuple[str, Letter]] = field(default_factory=list)  # by queue
    posts: list[tuple[Posted, int]] = field(
        default_factory=list
    )  # bad callbacks and the status of the answer

    async def until_confirmed(self, share: float) -> None:
        """Wait until so much of the traffic is confirmed, from 0 to 1."""
        wanted = share * len(self.traffic.publications)
        await eventually(
            lambda: _is(self.platform.notebook.confirmed.total() >= wanted),
            within_seconds=self.scale.settle_seconds,
            every_seconds=0.05,
        )

    async def kill_and_start(self, *names: str) -> None:
        """kill -9 at once, and start them again; what they were sending is in flight."""
        self.faults += len(names)
        pids = await self.installation.kill(*names)
        self.installation.start(*names)
        for pid in pids:
            self.in_flight += await self.log_book.in_flight(pid)

    @asynccontextmanager
    async def damaged(self) -> AsyncIterator[None]:
        """The time of a damage that hits all daemons: what is being sent when it begins or ends is in
        flight. (They may have taken more from their queues than they had begun to send.)"""
        self.faults += 1
        before = await self.log_book.in_flight()
        yield
        self.in_flight += max(before, await self.log_book.in_flight())


Damage = Callable[[Scene], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Result:
    """What one run came to. `twice` are MT that the provider saw twice, without those it had not answered."""

    messages: int
    mo: int
    faults: int
    lost: int
    twice: int
    twice_after_silence: int
    in_flight: int
    unknown_outcomes: int
    repetitions: int
    seconds: float
    problems: dict[str, Any]
    twice_shown: Any  # some of those that were seen twice, with their history


async def play(
    installation: Installation,
    platform: Platform,
    log_book: LogBook,
    scale: Scale,
    seed: int,
    damage: Damage,
    *,
    habit: Habit | None = None,
    without_account: str | None = None,
) -> Result:
    """Put the traffic through while the damage is done, wait for the end, and compare the ledgers."""
    began = time.monotonic()
    installation.runs += 1
    random = Random(f"{seed}/{installation.runs}")
    traffic = make_traffic(
        installation.runs,
        scale.mt,
        scale.mo,
        validity_seconds=scale.validity_seconds,
        random=random,
        habit=habit,
        without_account=without_account,
    )
    assert installation.http is not None
    simulator = Simulator(installation.http, installation.simulator_url)
    since = await simulator.last_number()
    await simulator.put_rules(traffic.rules)
    before = await log_book.audit()
    scene = Scene(installation, platform, log_book, simulator, scale, random, traffic)
    async with platform.listening():
        async with asyncio.TaskGroup() as group:
            group.create_task(
                publish_all(platform, traffic.publications, spread_seconds=scale.spread_seconds)
            )
            group.create_task(_speak(scene))
            group.create_task(_as_task(damage(scene)))
        unsettled = await _until_settled(scene)
        ledgers = await _compared(scene, since)
    return await _result(scene, ledgers, before, unsettled, time.monotonic() - began)


async def _speak(scene: Scene) -> None:
    speeches = scene.traffic.speeches
    for speech in speeches:
        scene.spoken[await scene.simulator.speak(speech)] = speech
        await asyncio.sleep(scene.scale.spread_seconds / len(speeches))


async def _as_task(damage: Awaitable[None]) -> None:
    await damage


async def _until_settled(scene: Scene) -> dict[str, Any]:
    """Wait until nothing is left to do; what is left when that takes too long."""
    deadline = time.monotonic() + scene.scale.settle_seconds
    while True:
        left = await _left(scene)
        if not left or time.monotonic() > deadline:
            return left
        await asyncio.sleep(_POLL_SECONDS)


async def _compared(scene: Scene, since: int) -> Ledgers:
    """The ledgers, once they agree: what has been taken may still be on its last steps to the platform."""
    entries = [*await scene.simulator.entries_after(since), *scene.taken_by_hand]
    logged = await scene.log_book.told(scene.traffic.run)
    ledgers = Ledgers(scene.traffic, scene.platform.notebook, entries, scene.spoken, logged, scene.in_flight)
    await asyncio.sleep(_POLL_SECONDS)  # for what should not come any more
    with suppress(AssertionError):  # what is wrong is said later, and better
        await eventually(
            lambda: _is(not problems(ledgers)),
            within_seconds=_LAST_STEPS_SECONDS,
            every_seconds=_POLL_SECONDS,
        )
    return ledgers


async def _left(scene: Scene) -> dict[str, Any]:
    """What there is still to do, the cheap questions first."""
    notebook = scene.platform.notebook
    without_end = len(notebook.confirmed) - len(notebook.confirmed.keys() & notebook.finals.keys())
    if without_end:
        return {"MT without an end": without_end}
    if pending := await scene.simulator.pending_callbacks():
        return {"callbacks that the gateway has not taken": pending}
    try:
        depths = await scene.platform.depths()
        audit = await scene.log_book.audit()
    except UnavailableError as error:
        return {"a server is away": str(error)}
    left = {f"queue {name}": depth for name, depth in depths.items() if name != "imgw.dead"}
    return left | {f"MT {status.value}": count for status, count in audit.under_way.items()}


async def _result(
    scene: Scene, ledgers: Ledgers, before: Audit, unsettled: dict[str, Any], seconds: float
) -> Result:
    twice = ledgers.sent_twice()
    after_silence = [key for key in twice if await scene.log_book.provider_was_silent(key)]
    unexplained = [key for key in twice if key not in after_silence]
    found: dict[str, Any] = {name: await _shown(scene, items) for name, items in problems(ledgers).items()}
    if unsettled:
        found["not at rest"] = unsettled
    if len(unexplained) > scene.in_flight:
        shown = await _shown(scene, unexplained)
        found[f"sent twice, with {scene.in_flight} in flight at the damage"] = shown
    dead = await scene.platform.take_dead()
    refusals = scene.platform.notebook.refusals
    for name, items in poison_problems(scene.poison, scene.posts, refusals, dead).items():
        found[name] = await _shown(scene, items)
    found |= await _audit_problems(scene, before)
    return Result(
        messages=len(scene.traffic.messages),
        mo=len(scene.platform.notebook.mo),
        faults=scene.faults,
        lost=len(ledgers.lost()),
        twice=len(unexplained),
        twice_after_silence=len(after_silence),
        in_flight=scene.in_flight,
        unknown_outcomes=len(ledgers.unknown_outcomes()),
        repetitions=scene.platform.notebook.repetitions,
        seconds=round(seconds, 1),
        problems=found,
        twice_shown=await _shown(scene, unexplained),
    )


async def _audit_problems(scene: Scene, before: Audit) -> dict[str, Any]:
    """What `imgw audit` says, and how its numbers differ from what the platform was told."""
    found: dict[str, Any] = {}
    try:
        await scene.installation.command("audit")
    except AssertionError as error:
        found["imgw audit"] = str(error)
    after = await scene.log_book.audit()
    logged = Counter({status.value: count for status, count in after.ended.items()})
    logged.subtract({status.value: count for status, count in before.ended.items()})
    notebook = scene.platform.notebook
    finals = [*notebook.finals.values(), *notebook.refusals.values()]
    told = Counter(dr["status"] for by_event in finals for dr in by_event.values())
    if +logged != told:
        found["ends in the log that are not those told"] = {"log": dict(+logged), "told": dict(told)}
    return found


async def _shown(scene: Scene, items: list[Any]) -> Any:
    """The first few, with what the gateway's log says of them where they are MT, and how many there are."""
    shown: list[Any] = []
    for item in items[:_MOST_SHOWN]:
        if item in scene.traffic.messages:
            fate = scene.traffic.messages[item].fate.name
            shown.append({"MT": item, "fate": fate, "history": await scene.log_book.history(item)})
        else:
            shown.append(item)
    return {"count": len(items), "first": shown}


async def _is(value: bool) -> bool:
    return value
