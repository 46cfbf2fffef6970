"""Trying again until RabbitMQ is back: how often, and how much of it is logged."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

import structlog
from structlog.typing import FilteringBoundLogger
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_delay, stop_never
from tenacity.wait import wait_exponential, wait_random

from gateway.errors import GatewayError

Result = TypeVar("Result")

_FIRST_SECONDS = 0.5
_LONGEST_SECONDS = 5.0
_LASTING_SECONDS = 30.0
_REMIND_SECONDS = 60.0


class Complaint:
    """Logs a failure that goes on: at once, when its words change, and then once a minute."""

    def __init__(self, event: str, **context: str) -> None:
        self._event = event
        self._context = context
        self._log: FilteringBoundLogger = structlog.get_logger()
        self._said = ""
        self._silent_until = 0.0

    def say(self, reason: str) -> bool:
        """Whether it was logged."""
        now = time.monotonic()
        if reason == self._said and now < self._silent_until:
            return False
        self._said = reason
        self._silent_until = now + _REMIND_SECONDS
        self._log.warning(self._event, reason=reason, **self._context)
        return True


class Pause:
    """How long to wait before connecting again: longer each time that a connection did not last."""

    def __init__(self) -> None:
        self._next_seconds = _FIRST_SECONDS
        self._last_ended_at = -math.inf

    async def after_a_loss(self) -> None:
        now = time.monotonic()
        if now - self._last_ended_at > _LASTING_SECONDS:
            self._next_seconds = _FIRST_SECONDS
        self._last_ended_at = now
        # Not all daemons at the same moment.
        await asyncio.sleep(self._next_seconds * random.uniform(0.5, 1.0))  # noqa: S311  no secret
        self._next_seconds = min(self._next_seconds * 2, _LONGEST_SECONDS)


async def until_it_works(
    attempt: Callable[[], Awaitable[Result]],
    failed: Callable[[str], object],
    on: tuple[type[Exception], ...],
    *,
    for_seconds: float | None = None,
) -> Result:
    """The result of the first `attempt` that does not raise one of `on`; the pauses grow from 0.5 to 5 s.

    `failed` hears of each failure. After `for_seconds`, the last error is raised.
    """

    def tell(state: RetryCallState) -> None:
        error = state.outcome and state.outcome.exception()
        failed(str(error) if isinstance(error, GatewayError) else f"unexpected {type(error).__name__}")

    pauses = wait_exponential(_FIRST_SECONDS, _LONGEST_SECONDS) + wait_random(0, _FIRST_SECONDS)
    retrying = AsyncRetrying(
        retry=retry_if_exception_type(on),
        wait=pauses,
        stop=stop_never if for_seconds is None else stop_after_delay(for_seconds),
        before_sleep=tell,
        reraise=True,
    )
    return await retrying(attempt)


async def end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until they are over."""
    ending = list(tasks)
    for task in ending:
        task.cancel()
    if ending:
        await asyncio.wait(ending)
