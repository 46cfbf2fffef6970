"""How fast each account may send: its rate, its sends under way, the pauses that its provider asks for, and a
circuit breaker for a provider that is down.

Limits hold within one process: an account with `max_tps` 80 that two MT processors and a Retry processor
serve needs a third of it each.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping

from gateway.errors import UnavailableError
from gateway.model.account import ProviderAccount
from gateway.telemetry.metrics import Metrics
from processors.breaker import Breaker

# A provider that answers gives slots back all the time.
_STALLED_SECONDS = 1.0
# Longer waits are spent in a wait tier, not in a worker that other accounts could use.
LONGEST_WAIT_SECONDS = 2.0


class Limiter:
    """Slots to send, by account. `enter` before a send and, when it let in, `leave` after it.

    What is told beside messages, such as answers, has as many slots of its own and no rate (`beside`): the
    messages that queue for an account, or one that takes long, do not keep it waiting. Pauses and the breaker
    are the account's, for both.
    """

    def __init__(self, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        self._metrics = metrics
        self._clock = clock
        self._gates: dict[str, _Gate] = {}
        self._beside: dict[str, _Gate] = {}
        self._shown: dict[str, _Shown] = {}

    def configure(self, accounts: Mapping[str, ProviderAccount]) -> None:
        """Take over the limits of these accounts. What is under way is not disturbed."""
        for name, account in accounts.items():
            gate = self._gates.get(name)
            if gate is None:
                condition = _Condition(self._clock)
                self._gates[name] = _Gate(account.max_tps, account.max_in_flight, self._clock, condition)
                self._beside[name] = _Gate(None, account.max_in_flight, self._clock, condition)
                self._shown[name] = _Shown(name, self._metrics)
            else:
                gate.resize(account.max_tps, account.max_in_flight)
                self._beside[name].resize(None, account.max_in_flight)
        for name in self._gates.keys() - accounts.keys():  # kept: some of its sends may be under way
            self._shown[name].forget_health()

    async def enter(self, account: str, *, patient: bool = False, beside: bool = False) -> float:
        """Wait for a slot. Returns 0 when it is taken, else after how many seconds to ask again.

        Who is `patient` waits as long as it takes, pauses included, and is always let in; only `stop` ends
        that, by UnavailableError.
        """
        asked_at = self._clock()
        gate = self._gate(account, beside)
        seconds = await gate.enter(None if patient else LONGEST_WAIT_SECONDS)
        if seconds == 0:
            shown = self._shown[account]
            shown.wait.observe(self._clock() - asked_at)
            shown.in_flight.inc()
        return seconds

    def stalled(self, account: str, *, beside: bool = False) -> bool:
        """Whether half of the slots or more are taken and none has come back for a while: who asks for one
        would wait for nothing."""
        return self._gate(account, beside).stalled

    def backlogged(self, account: str) -> bool:
        """Whether messages for this account should join its lane: others wait there, or nobody may send."""
        gate = self._gates[account]
        return gate.backlog or gate.condition.blocked_seconds() > 0

    def set_backlog(self, account: str, backlog: bool) -> None:
        """Whether there are messages in the account's lane, as far as this process knows."""
        self._gates[account].backlog = backlog

    def backlogs(self) -> list[str]:
        """The accounts whose lanes are known to be in use."""
        return [name for name, gate in self._gates.items() if gate.backlog]

    def stop(self) -> None:
        """Send away all who are patient; the process is about to end."""
        for gate in (*self._gates.values(), *self._beside.values()):
            gate.stop()

    def leave(self, account: str, *, beside: bool = False) -> None:
        self._gate(account, beside).leave()
        self._shown[account].in_flight.dec()

    def pause(self, account: str, seconds: float) -> None:
        """Let nobody in for this long, not even those who wait already."""
        self._gates[account].condition.pause(seconds)

    def answered(self, account: str) -> None:
        """The provider answered, whatever it said."""
        self._gates[account].condition.breaker.answered()
        self._show_breaker(account)

    def failed(self, account: str) -> None:
        """The provider did not answer, or said that it cannot."""
        self._gates[account].condition.breaker.failed()
        self._show_breaker(account)

    def _gate(self, account: str, beside: bool) -> _Gate:
        return (self._beside if beside else self._gates)[account]

    def _show_breaker(self, account: str) -> None:
        self._shown[account].breaker(self._gates[account].condition.breaker.tripped)

    def healthy(self, account: str, healthy: bool) -> None:
        """Whether the provider accepts the account's credentials, as far as is known."""
        self._shown[account].health(healthy)

    def unhealthy(self) -> list[str]:
        """The accounts whose credentials were refused last."""
        return sorted(name for name, shown in self._shown.items() if shown.healthy is False)


class _Shown:
    """What Prometheus sees of one account. Looking a metric up by its labels costs more than changing it, so
    that is done once, and what has not changed is left alone."""

    def __init__(self, account: str, metrics: Metrics) -> None:
        self.wait = metrics.limiter_wait.labels(account)
        self.in_flight = metrics.in_flight.labels(account)
        self._circuit_open = metrics.circuit_open.labels(account)
        self._metrics = metrics
        self._account = account
        self._tripped = False
        self.healthy: bool | None = None  # None: not known, and not shown

    def breaker(self, tripped: bool) -> None:
        if tripped is not self._tripped:
            self._tripped = tripped
            self._circuit_open.set(tripped)

    def health(self, healthy: bool) -> None:
        if healthy is not self.healthy:
            self.healthy = healthy
            self._metrics.account_healthy.labels(self._account).set(healthy)

    def forget_health(self) -> None:
        if self.healthy is not None:
            self.healthy = None
            self._metrics.account_healthy.remove(self._account)


class _Condition:
    """Whether anything may be sent for an account."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.breaker = Breaker(clock)
        self._clock = clock
        self._paused_until = 0.0

    def pause(self, seconds: float) -> None:
        self._paused_until = max(self._paused_until, self._clock() + seconds)

    def blocked_seconds(self) -> float:
        """For how long nobody may send, by a pause or by the breaker; 0 when somebody may."""
        return max(self._paused_until - self._clock(), self.breaker.blocked_seconds(), 0.0)


class _Gate:
    """The limits of one account. A slot is taken first and its turn by the rate is waited for within it: the
    other way round, turns would pile up while all slots are taken and be used all at once."""

    def __init__(
        self,
        max_tps: float | None,
        max_in_flight: int,
        clock: Callable[[], float],
        condition: _Condition,
    ) -> None:
        self.backlog = False
        self.condition = condition
        self._clock = clock
        self._next_at = 0.0
        self._in_flight = 0
        self._moved_at = clock()  # when a slot was last given back, or the first one taken
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._stopping = asyncio.Event()
        self.resize(max_tps, max_in_flight)

    def resize(self, max_tps: float | None, max_in_flight: int) -> None:
        self._gap = 0.0 if max_tps is None else 1.0 / max_tps
        self._max_in_flight = max_in_flight
        self._next_at = min(self._next_at, self._clock() + self._gap)
        self._let_in()

    @property
    def stalled(self) -> bool:
        half = 2 * self._in_flight >= self._max_in_flight
        return half and self._clock() - self._moved_at > _STALLED_SECONDS

    async def enter(self, longest_wait: float | None) -> float:
        """0 once a slot and a turn are had, else after how many seconds to ask again; None waits for ever."""
        asked_at = self._clock()
        if longest_wait is not None and (blocked := self.condition.blocked_seconds()):
            return blocked
        if not await self._slot(longest_wait):
            return longest_wait or 0.0
        try:
            seconds = await self._turn(asked_at, longest_wait)
        except (asyncio.CancelledError, UnavailableError):
            self.leave()
            raise
        if seconds:
            self.leave()
        else:
            self.condition.breaker.sending()
        return seconds

    def leave(self) -> None:
        self._in_flight -= 1
        self._moved_at = self._clock()
        self.condition.breaker.unclear()  # unless what came of it has been said before, or is said later
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self._in_flight < self._max_in_flight:
            self._take()
            self._waiting.popleft().set_result(None)

    def _take(self) -> None:
        if self._in_flight == 0:
            self._moved_at = self._clock()
        self._in_flight += 1

    async def _slot(self, longest_wait: float | None) -> bool:
        """Whether one of the slots was had in time; first come, first served."""
        if self._in_flight < self._max_in_flight and not self._waiting:
            self._take()
            return True
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            await asyncio.wait([waiter], timeout=longest_wait)
        except asyncio.CancelledError:
            if waiter.done():  # let in at the last moment
                self.leave()
            raise
        finally:
            if not waiter.done():
                self._waiting.remove(waiter)
        if longest_wait is None and self._stopping.is_set():
            self.leave()
            raise UnavailableError("the process is stopping")
        return waiter.done()

    def stop(self) -> None:
        self._stopping.set()
        self._max_in_flight += len(self._waiting)  # all come, see that it is over, and go
        self._let_in()

    async def _sleep(self, seconds: float) -> None:
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait([stopping], timeout=seconds)
        finally:
            stopping.cancel()
        if self._stopping.is_set():
            raise UnavailableError("the process is stopping")

    async def _turn(self, asked_at: float, longest_wait: float | None) -> float:
        """Wait for the next turn that the rate allows. Returns 0 once it has come, else how far off it is."""
        while blocked := self.condition.blocked_seconds():
            if longest_wait is not None:
                return blocked
            await self._sleep(blocked)
        at = self._clock()
        delay = max(0.0, self._next_at - at)
        if longest_wait is not None and at + delay - asked_at > longest_wait:
            return delay or longest_wait
        self._next_at = max(self._next_at, at) + self._gap
        if delay:
            await asyncio.sleep(delay)
        blocked = self.condition.blocked_seconds()
        if blocked and longest_wait is None:
            return await self._turn(asked_at, None)
        return blocked
