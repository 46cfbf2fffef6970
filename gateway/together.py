"""Several things at once, one of them without ado."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

Result = TypeVar("Result")


async def together(works: Sequence[Coroutine[Any, Any, Result]]) -> list[Result]:
    """The results of all, in their order, as asyncio.gather. A single one, which is the usual case, runs in
    the caller's own task: another task costs more than many a work."""
    if len(works) < 2:
        return [await work for work in works]
    return await asyncio.gather(*works)
