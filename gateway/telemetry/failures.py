"""An exception as it may be logged: types and places, and words only where they are the gateway's own.

The text of any other exception may quote what somebody sent, and the local variables of its frames hold it.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TypedDict

from gateway.errors import GatewayError

_MOST_FRAMES = 20
_MOST_CAUSES = 6


class Failure(TypedDict, total=False):
    """One exception of a chain."""

    type: str  # with its module
    message: str  # of the gateway's own errors only
    frames: list[str]  # "module:line function", the innermost last


def failures(exc_info: object) -> list[Failure]:
    """The exception that a logger's `exc_info` means, then its causes, outermost first; empty for none."""
    error = _exception(exc_info)
    if error is None:
        return []
    return [_failure(each) for each, _ in zip(_chain(error), range(_MOST_CAUSES), strict=False)]


def failure_lines(found: Sequence[Failure]) -> list[str]:
    """The same as lines for people."""
    lines = []
    for number, failure in enumerate(found):
        message = f": {failure['message']}" if failure.get("message") else ""
        lines.append(f"  {'caused by ' if number else ''}{failure['type']}{message}")
        lines += [f"    at {frame}" for frame in reversed(failure["frames"])]
    return lines


def _exception(exc_info: object) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return next((part for part in exc_info if isinstance(part, BaseException)), None)
    return sys.exc_info()[1] if exc_info else None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Each exception once, however they point at each other; the members of a group after the group."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        error = waiting.pop(0)
        if error is None or id(error) in seen:
            continue
        seen.add(id(error))
        yield error
        if isinstance(error, BaseExceptionGroup):
            waiting += error.exceptions
        waiting.append(error.__cause__ or (None if error.__suppress_context__ else error.__context__))


def _failure(error: BaseException) -> Failure:
    kind = type(error)
    failure = Failure(type=f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins."))
    if isinstance(error, GatewayError):
        failure["message"] = str(error)
    failure["frames"] = _frames(error.__traceback__)
    return failure


def _frames(trace: TracebackType | None) -> list[str]:
    frames = [
        f"{frame.f_globals.get('__name__', '?')}:{line} {frame.f_code.co_qualname}"
        for frame, line in traceback.walk_tb(trace)
    ]
    return frames[-_MOST_FRAMES:]
