"""Polling with a deadline, instead of sleeping."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

Value = TypeVar("Value")


async def eventually(
    probe: Callable[[], Awaitable[Value]], *, within_seconds: float = 15.0, every_seconds: float = 0.02
) -> Value:
    """The first truthy result of `probe`. Fails with its last result when none came in time."""
    deadline = time.monotonic() + within_seconds
    while True:
        value = await probe()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {within_seconds} s; last seen: {value!r}")
        await asyncio.sleep(every_seconds)
