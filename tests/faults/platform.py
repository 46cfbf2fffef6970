"""The platform that uses the gateway under test, whatever the broker is: what a scenario asks of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from gateway.broker.topology import MT, QUEUES
from tests.faults.fates import ALL_ACCOUNTS
from tests.faults.notebook import Notebook
from tests.faults.traffic import Message

# Every queue that the gateway has, the lanes of its accounts included.
QUEUE_NAMES: tuple[str, ...] = (
    *(queue.name for queue in QUEUES),
    *(f"{MT}.{account}" for account in ALL_ACCOUNTS),
)
_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as it is published on a queue, or found on one."""

    body: bytes = field(repr=False)
    type: str = ""
    message_id: str | None = None
    headers: Mapping[str, str | int | bool] = field(default_factory=dict)


class Platform(Protocol):
    """A service that publishes MT and reads DR and MO, and survives whatever happens to the broker."""

    @property
    def notebook(self) -> Notebook: ...

    async def publish(self, queue: str, letter: Letter) -> None:
        """Publish until it is confirmed, however often that takes."""

    def listening(self) -> AbstractAsyncContextManager[None]:
        """Read imgw.dr and imgw.mo into the notebook meanwhile."""

    async def depths(self) -> dict[str, int]:
        """How many messages wait in each queue of the gateway that is not empty."""

    async def take_dead(self) -> list[Letter]:
        """Empty imgw.dead; what was in it."""


async def publish_all(platform: Platform, messages: Sequence[Message], *, spread_seconds: float) -> None:
    """Publish these in order, evenly spread over that time; later where the platform has to repeat itself."""
    loop = asyncio.get_running_loop()
    started, pause = loop.time(), spread_seconds / max(1, len(messages))
    room = asyncio.Semaphore(_AT_ONCE)

    async def publish(message: Message) -> None:
        await platform.publish(MT, Letter(message.body, message_id=message.key[1]))
        platform.notebook.confirmed[message.key] += 1
        room.release()

    async with asyncio.TaskGroup() as publishing:
        for number, message in enumerate(messages):
            await asyncio.sleep(started + number * pause - loop.time())
            await room.acquire()
            publishing.create_task(publish(message))
