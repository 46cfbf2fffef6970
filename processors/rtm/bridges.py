"""A bridge for each account of the in-app channel, as the catalogue has them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Protocol

import structlog

from gateway.model.account import ProviderAccount
from gateway.rtm.account import RtmAccount
from gateway.telemetry.metrics import Metrics

logger = structlog.get_logger("rtm")

_LOOK_SECONDS = 0.5


class Inlet(Protocol):
    """What takes the publications of one account's devices: a bridge, with what deals with them."""

    @property
    def trouble(self) -> str | None:
        """Why nothing is taken or what was taken waits, in words for an operator."""

    @property
    def listening(self) -> bool: ...

    async def start(self) -> None: ...

    async def stop(self, within_seconds: float, *, for_good: bool = False) -> None:
        """`for_good` when nobody will take anything at this MQTT broker any more."""


class Bridges:
    """Keeps them in step with the catalogue. `build` makes one; a changed account gets a new one."""

    def __init__(
        self,
        accounts: Callable[[], Mapping[str, ProviderAccount]],
        build: Callable[[RtmAccount], Inlet],
        metrics: Metrics,
        *,
        stop_within_seconds: float,
    ) -> None:
        self._accounts = accounts
        self._build = build
        self._metrics = metrics
        self._stop_within_seconds = stop_within_seconds
        self._running: dict[str, tuple[RtmAccount, Inlet]] = {}
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def trouble(self) -> str | None:
        """Which accounts' devices are not being listened to, or have to wait, and why."""
        troubles = {name: inlet.trouble for name, (_, inlet) in self._running.items()}
        return "; ".join(f"{name}: {trouble}" for name, trouble in troubles.items() if trouble) or None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="bridges")

    async def stop(self) -> None:
        self._stopping.set()
        if self._task is not None:
            await asyncio.wait([self._task])
        await asyncio.gather(*(self._end(name) for name in list(self._running)))

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._follow()
            except Exception:
                logger.exception("bridge.bug")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _LOOK_SECONDS)

    async def _follow(self) -> None:
        wanted = {
            name: account
            for name, account in self._accounts().items()
            if isinstance(account, RtmAccount) and account.enabled
        }
        gone = [name for name, (account, _) in self._running.items() if wanted.get(name) != account]
        await asyncio.gather(*(self._end(name, for_good=self._leaves(name)) for name in gone))
        for name, account in wanted.items():
            if name not in self._running:
                inlet = self._build(account)
                self._running[name] = (account, inlet)
                self._metrics.rtm_listening.labels(name).set(0)
                await inlet.start()
            self._metrics.rtm_listening.labels(name).set(self._running[name][1].listening)

    def _leaves(self, name: str) -> bool:
        """Whether no account uses this one's MQTT broker any more, also none that is only switched off: what
        devices publish there would stay in a session that nobody empties."""
        place = self._running[name][0].place
        accounts = self._accounts().values()
        return all(not isinstance(each, RtmAccount) or each.place != place for each in accounts)

    async def _end(self, name: str, *, for_good: bool = False) -> None:
        _, inlet = self._running.pop(name)
        await inlet.stop(self._stop_within_seconds, for_good=for_good)
        self._metrics.rtm_listening.remove(name)
