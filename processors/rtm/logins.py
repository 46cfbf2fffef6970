"""Ends the logins of devices at MQTT brokers with their tokens, where the gateway makes them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Protocol

import structlog

from gateway.errors import UnavailableError
from gateway.model.base import now
from gateway.rtm.account import RtmAccount
from gateway.rtm.doorkeeper import Doorkeeper, deletions
from gateway.rtm.names import Device, read_login
from gateway.rtm.refusals import RtmRefused
from gateway.store.broker_logins import BrokerLogins
from gateway.telemetry.metrics import Metrics

logger = structlog.get_logger("rtm")

INTERVAL_SECONDS = 10.0
_AT_ONCE = 500
# In one publication: the broker does nothing else until it has written its file for each of them.
_BATCH = 10


class Departures(Protocol):
    async def gone(self, device: Device) -> None:
        """Customers.gone."""


class LoginSweep:
    """Looks every ten seconds. Several may run at once: what one has done does another no harm."""

    def __init__(
        self,
        doorkeeper: Doorkeeper,
        logins: BrokerLogins,
        customers: Departures,
        accounts: Callable[[], Iterable[RtmAccount]],
        metrics: Metrics,
    ) -> None:
        self._doorkeeper = doorkeeper
        self._logins = logins
        self._customers = customers
        self._accounts = accounts
        self._metrics = metrics
        self._failed: dict[str, str] = {}  # accounts whose last look failed, and why
        self._task: asyncio.Task[None] | None = None

    @property
    def trouble(self) -> str | None:
        """At which accounts' brokers devices are not cut off, in words for an operator."""
        failed = "; ".join(f"{account}: {error}" for account, error in self._failed.items())
        return f"logins do not end with their token at {failed}" if failed else None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="login sweep")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def sweep(self, at: datetime) -> int:
        """One look at all accounts; returns how many logins were disabled. What cannot be reached is left for
        the next."""
        ended = 0
        failed: dict[str, str] = {}
        for account in self._accounts():
            if account.parameters.access != "dynamic_security":
                continue
            try:
                ended += await self._disable(account, at)
                await self._delete(account, at)
            except (RtmRefused, UnavailableError) as error:
                logger.warning("logins.sweep_failed", account=account.account, error=str(error))
                failed[account.account] = str(error)
            outcome = "failed" if account.account in failed else "done"
            self._metrics.rtm_login_sweeps.labels(account.account, outcome).inc()
        self._failed = failed
        return ended

    async def _disable(self, account: RtmAccount, at: datetime) -> int:
        logins = await self._logins.expired(account.account, at, _AT_ONCE)
        for batch in _batches(logins):
            devices = [device for device in map(read_login, batch) if device is not None]
            # Before they are cut off: afterwards they may be back, and say so.
            await self._doorkeeper.clear_presence(account, devices)
            await asyncio.gather(*(self._customers.gone(device) for device in devices))
            await self._doorkeeper.disable(account, batch)
            for login in batch:
                if not await self._logins.forget(account.account, login, at):
                    await self._doorkeeper.enable(account, login)  # a new token came in between
        if logins:
            logger.info("logins.ended", account=account.account, count=len(logins))
        return len(logins)

    async def _delete(self, account: RtmAccount, at: datetime) -> None:
        calendar = deletions(account.account)
        for batch in _batches(await self._logins.expired(calendar, at, _AT_ONCE)):
            await self._doorkeeper.delete(account, batch)
            for login in batch:
                # Where a new token came in between, its device is refused once, and asks for another.
                await self._logins.forget(calendar, login, at)

    async def _run(self) -> None:
        while True:
            try:
                await self.sweep(now())
            except Exception:
                logger.exception("logins.sweep_bug")
            await asyncio.sleep(INTERVAL_SECONDS)


def _batches(logins: Sequence[str]) -> Iterable[Sequence[str]]:
    return (logins[start : start + _BATCH] for start in range(0, len(logins), _BATCH))
