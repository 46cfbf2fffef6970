"""Turns by key: what concerns one recipient happens one after the other, in the order in which it was asked
for."""

from __future__ import annotations

import asyncio


class Turn:
    """One place in a row. `come` waits until all before it are done; `done` lets the next one go."""

    def __init__(self, sequencer: Sequencer, key: str, before: asyncio.Future[None] | None) -> None:
        self._sequencer = sequencer
        self._key = key
        self._before = before
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def come(self) -> None:
        if self._before is not None and not self._before.done():
            # Not the future itself: if this task is cancelled, those before it go on.
            await asyncio.wait([self._before])

    def done(self) -> None:
        """Whoever leaves the row before its turn has come leaves the others in their places."""
        if self._before is None or self._before.done():
            self._finish()
        else:
            self._before.add_done_callback(lambda _: self._finish())

    def _finish(self) -> None:
        self.finished.set_result(None)
        self._sequencer.forget(self._key, self)


class Sequencer:
    """Hands out turns. A turn that is taken must be ended with `done`, whatever happens."""

    def __init__(self) -> None:
        self._last: dict[str, Turn] = {}

    def take(self, key: str) -> Turn:
        """The next turn of `key`. Its place is fixed now, without waiting."""
        last = self._last.get(key)
        turn = self._last[key] = Turn(self, key, last.finished if last is not None else None)
        return turn

    def forget(self, key: str, turn: Turn) -> None:
        if self._last.get(key) is turn:
            del self._last[key]
