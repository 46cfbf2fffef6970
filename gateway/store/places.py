"""Places in a queue: ids that sort by time, and within one process by the order in which they were given."""

from __future__ import annotations

import itertools
import os
import time

from bson import ObjectId

Place = ObjectId

LARGEST_COUNT = 0x7FFFFF  # half of three bytes


class Places:
    """Makes places: 6 bytes of milliseconds, 3 that count within one, 3 of this object's own.

    Those of waiting messages, which lie in the future, have the upper half of the count to themselves.
    """

    def __init__(self) -> None:
        self._own = os.urandom(3)
        self._milliseconds = 0
        self._count = 0
        self._waiting = itertools.count()

    def next(self) -> Place:
        """After every other one that this method gave, also when the clock is put back."""
        milliseconds = time.time_ns() // 1_000_000
        self._count += 1
        if milliseconds > self._milliseconds or self._count > LARGEST_COUNT:
            self._milliseconds = max(milliseconds, self._milliseconds + 1)
            self._count = 0
        return self._place(self._milliseconds, self._count)

    def in_seconds(self, seconds: int) -> Place:
        """Among those that will be given in so many seconds."""
        milliseconds = time.time_ns() // 1_000_000 + seconds * 1_000
        return self._place(milliseconds, 0x800000 + next(self._waiting) % 0x800000)

    def _place(self, milliseconds: int, count: int) -> Place:
        return ObjectId(milliseconds.to_bytes(6, "big") + count.to_bytes(3, "big") + self._own)
