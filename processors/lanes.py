"""The lanes of the accounts: queues where MT wait for an account that is at its limit, so that no other
account has to.

Every process that sends declares them and watches those that it knows to be in use; the MT processor works
them off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress

import structlog

from gateway.broker.port import Broker
from gateway.broker.topology import lane
from gateway.errors import UnavailableError
from gateway.model.account import ProviderAccount
from processors.catalogue import Catalogue
from processors.limiter import Limiter
from processors.loop import Loop

logger = structlog.get_logger("lanes")

_LOOK_SECONDS = 1.0


class Lanes:
    """Keeps the lanes in step with the catalogue, and the limiter informed about which of them are in use.

    `loop_of` builds the loop that works a lane off; None where that is another process's work.
    """

    def __init__(
        self,
        broker: Broker,
        limiter: Limiter,
        catalogue: Callable[[], Catalogue],
        loop_of: Callable[[ProviderAccount], Loop] | None,
    ) -> None:
        self._broker = broker
        self._limiter = limiter
        self._catalogue = catalogue
        self._loop_of = loop_of
        self._declared: set[str] = set()
        self._loops: dict[str, Loop] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def consuming(self) -> bool:
        return all(loop.consuming for loop in self._loops.values())

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="lanes")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await asyncio.gather(*(loop.stop() for loop in self._loops.values()))

    async def _run(self) -> None:
        while True:
            with suppress(UnavailableError):  # the broker is away: looked again in a second
                await self._declare(self._catalogue().accounts.values())
                for account in self._limiter.backlogs():
                    depth = await self._broker.depth(lane(account))
                    self._limiter.set_backlog(account, depth > 0)
            await asyncio.sleep(_LOOK_SECONDS)

    async def _declare(self, accounts: Iterable[ProviderAccount]) -> None:
        for account in accounts:
            name = account.account
            if name in self._declared:
                continue
            await self._broker.declare_queue(lane(name), {}, single_active_consumer=True)
            self._limiter.set_backlog(name, await self._broker.depth(lane(name)) > 0)
            self._declared.add(name)  # only now: if the broker goes away before, all of it is done again
            if self._loop_of is not None:
                self._loops[name] = loop = self._loop_of(account)
                loop.start()
