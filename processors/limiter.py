"""How fast each account may send: its rate, its sends under way, and the pauses that its provider asks for.

Limits hold within one process: an account with `max_tps` 80 that two MT processors and a Retry processor
serve needs a third of it each.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping

from gateway.telemetry.metrics import Metrics

from gateway.model.account import ProviderAccount

# Longer waits are spent in a wait tier, not in a worker that other accounts could use.
_LONGEST_WAIT_SECONDS = 2.0


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
                self._lanes[name] = _Lane(account.max_tps, account.max_in_flight)
            else:
                lane.resize(account.max_tps, account.max_in_flight)

    async def enter(self, account: str) -> float:
        """Wait for a slot. Returns 0 when it is taken, else after how many seconds to ask again."""
        lane, asked_at = self._lanes[account], self._clock()
        seconds = await lane.enter(asked_at)
        if seconds == 0:
            self._metrics.limiter_wait.labels(account).observe(self._clock() - asked_at)
            self._metrics.in_flight.labels(account).inc()
        return seconds

    def leave(self, account: str) -> None:
        self._lanes[account].leave()
        self._metrics.in_flight.labels(account).dec()

    def pause(self, account: str, seconds: float) -> None:
        """Let nobody in for this long."""
        lane = self._lanes[account]
        lane.paused_until = max(lane.paused_until, self._clock() + seconds)

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
    """The limits of one account."""

    def __init__(self, max_tps: float | None, max_in_flight: int) -> None:
        self.paused_until = 0.0
        self.healthy = True
        self._next_at = 0.0
        self._in_flight = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.resize(max_tps, max_in_flight)

    def resize(self, max_tps: float | None, max_in_flight: int) -> None:
        self._gap = 0.0 if max_tps is None else 1.0 / max_tps
        self._max_in_flight = max_in_flight

    async def enter(self, at: float) -> float:
        if self.paused_until > at:
            return self.paused_until - at
        delay = max(0.0, self._next_at - at)
        if delay > _LONGEST_WAIT_SECONDS:
            return delay
        self._next_at = max(self._next_at, at) + self._gap
        if delay:
            await asyncio.sleep(delay)
        if self._in_flight < self._max_in_flight and not self._waiting:
            self._in_flight += 1
            return 0.0
        return await self._queue_up()

    def leave(self) -> None:
        self._in_flight -= 1
        while self._waiting and self._in_flight < self._max_in_flight:
            waiter = self._waiting.popleft()
            if not waiter.done():
                self._in_flight += 1
                waiter.set_result(None)

    async def _queue_up(self) -> float:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            done, _ = await asyncio.wait([waiter], timeout=_LONGEST_WAIT_SECONDS)
        except asyncio.CancelledError:
            if waiter.done():  # let in at the last moment
                self.leave()
            waiter.cancel()
            raise
        if done:
            return 0.0
        waiter.cancel()
        return _LONGEST_WAIT_SECONDS
