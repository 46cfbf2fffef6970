"""How fast each account may send: its rate, its sends under way, and the pauses that its provider asks for.

Limits hold within one process: an account with `max_tps` 80 that two MT processors and a Retry processor
serve needs a third of it each.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping

from gateway.model.account import ProviderAccount
from gateway.telemetry.metrics import Metrics

# Longer waits are spent in a wait tier, not in a worker that other accounts could use.
LONGEST_WAIT_SECONDS = 2.0


class Limiter:
    """Slots to send, by account. `enter` before a send and, when it let in, `leave` after it."""

    def __init__(self, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        self._metrics = metrics
        self._clock = clock
        self._lanes: dict[str, _Lane] = {}

    def configure(self, accounts: Mapping[str, ProviderAccount]) -> None:
        """Take over the limits of these accounts. What is under way is not disturbed."""
        for name, account in accounts.items():
            lane = self._lanes.get(name)
            if lane is None:
                self._lanes[name] = _Lane(account.max_tps, account.max_in_flight, self._clock)
            else:
                lane.resize(account.max_tps, account.max_in_flight)
        for name in self._lanes.keys() - accounts.keys():  # kept: some of its sends may be under way
            self._lanes[name].healthy = True
            self._metrics.account_healthy.remove(name)

    async def enter(self, account: str) -> float:
        """Wait for a slot. Returns 0 when it is taken, else after how many seconds to ask again."""
        asked_at = self._clock()
        seconds = await self._lanes[account].enter()
        if seconds == 0:
            self._metrics.limiter_wait.labels(account).observe(self._clock() - asked_at)
            self._metrics.in_flight.labels(account).inc()
        return seconds

    def leave(self, account: str) -> None:
        self._lanes[account].leave()
        self._metrics.in_flight.labels(account).dec()

    def pause(self, account: str, seconds: float) -> None:
        """Let nobody in for this long, not even those who wait already."""
        self._lanes[account].pause(seconds)

    def healthy(self, account: str, healthy: bool) -> None:
        """Whether the provider accepts the account's credentials, as far as is known."""
        lane = self._lanes[account]
        if lane.healthy is not healthy or healthy:
            self._metrics.account_healthy.labels(account).set(1 if healthy else 0)
        lane.healthy = healthy

    def unhealthy(self) -> list[str]:
        """The accounts whose credentials were refused last."""
        return sorted(name for name, lane in self._lanes.items() if not lane.healthy)


class _Lane:
    """The limits of one account. A slot is taken first and its turn by the rate is waited for within it: the
    other way round, turns would pile up while all slots are taken and be used all at once."""

    def __init__(self, max_tps: float | None, max_in_flight: int, clock: Callable[[], float]) -> None:
        self.healthy = True
        self._clock = clock
        self._paused_until = 0.0
        self._next_at = 0.0
        self._in_flight = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.resize(max_tps, max_in_flight)

    def resize(self, max_tps: float | None, max_in_flight: int) -> None:
        self._gap = 0.0 if max_tps is None else 1.0 / max_tps
        self._max_in_flight = max_in_flight
        self._next_at = min(self._next_at, self._clock() + self._gap)
        self._let_in()

    def pause(self, seconds: float) -> None:
        self._paused_until = max(self._paused_until, self._clock() + seconds)

    async def enter(self) -> float:
        asked_at = self._clock()
        if self._paused_until > asked_at:
            return self._paused_until - asked_at
        if not await self._slot():
            return LONGEST_WAIT_SECONDS
        try:
            seconds = await self._turn(asked_at)
        except asyncio.CancelledError:
            self.leave()
            raise
        if seconds:
            self.leave()
        return seconds

    def leave(self) -> None:
        self._in_flight -= 1
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self._in_flight < self._max_in_flight:
            self._in_flight += 1
            self._waiting.popleft().set_result(None)

    async def _slot(self) -> bool:
        """Whether one of the slots was had in time; first come, first served."""
        if self._in_flight < self._max_in_flight and not self._waiting:
            self._in_flight += 1
            return True
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            await asyncio.wait([waiter], timeout=LONGEST_WAIT_SECONDS)
        except asyncio.CancelledError:
            if waiter.done():  # let in at the last moment
                self.leave()
            raise
        finally:
            if not waiter.done():
                self._waiting.remove(waiter)
        return waiter.done()

    async def _turn(self, asked_at: float) -> float:
        """Wait for the next turn that the rate allows. Returns 0 once it has come, else how far off it is."""
        at = self._clock()
        if self._paused_until > at:
            return self._paused_until - at
        delay = max(0.0, self._next_at - at)
        if at + delay - asked_at > LONGEST_WAIT_SECONDS:
            return delay or LONGEST_WAIT_SECONDS
        self._next_at = max(self._next_at, at) + self._gap
        if delay:
            await asyncio.sleep(delay)
        return max(0.0, self._paused_until - self._clock())
