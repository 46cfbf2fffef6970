"""Turns by key: what concerns one recipient happens one after the other, in the order in which it was asked
for."""

from __future__ import annotations

import asyncio


class Turn:
    """One place in a row. `come` waits until all before it are done; `done` lets the next one go."""

    __slots__ = ("_before", "_end", "_key", "_over", "_sequencer")

    def __init__(self, sequencer: Sequencer, key: str, before: Turn | None) -> None:
        self._sequencer = sequencer
        self._key = key
        self._before = before
        self._over = False
        self._end: asyncio.Future[None] | None = None  # made when somebody waits for it, which is rare

    async def come(self) -> None:
        if self._before is not None and not self._before._over:
            # Not the future itself: if this task is cancelled, those before it go on.
            await asyncio.wait([self._before._until_over()])

    def done(self) -> None:
        """Whoever leaves the row before its turn has come leaves the others in their places."""
        if self._before is None or self._before._over:
            self._finish()
        else:
            self._before._until_over().add_done_callback(lambda _: self._finish())

    def _until_over(self) -> asyncio.Future[None]:
        if self._end is None:
            self._end = asyncio.get_running_loop().create_future()
        return self._end

    def _finish(self) -> None:
        self._over = True
        self._before = None
        if self._end is not None:
            self._end.set_result(None)
        self._sequencer.forget(self._key, self)


class Sequencer:
    """Hands out turns. A turn that is taken must be ended with `done`, whatever happens."""

    def __init__(self) -> None:
        self._last: dict[str, Turn] = {}

    def take(self, key: str) -> Turn:
        """The next turn of `key`. Its place is fixed now, without waiting."""
        turn = self._last[key] = Turn(self, key, self._last.get(key))
        return turn

    def forget(self, key: str, turn: Turn) -> None:
        if self._last.get(key) is turn:
            del self._last[key]
