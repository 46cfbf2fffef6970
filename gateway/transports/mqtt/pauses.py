"""How long a listener waits before it connects again."""

from __future__ import annotations

from gateway.transports.mqtt.failures import TAKEN_OVER

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 5.0
TAKEN_OVER_SECONDS = 30.0
SHORT_LIVED_SECONDS = 10.0  # a connection that ends sooner counts as a failed one


class Pauses:
    """Each twice as long as the one before, until a connection lasts. Two listeners with one client
    identifier take the session from each other: then a long one, or, where the broker does not say so, as
    after failed connections."""

    def __init__(self) -> None:
        self._next_seconds = FIRST_SECONDS

    def after(self, lived_seconds: float, code: int | None) -> float:
        """The pause in seconds, after a connection of `lived_seconds` (0 for none) that the broker ended with
        `code`, if it gave one."""
        if code == TAKEN_OVER:
            return TAKEN_OVER_SECONDS
        if lived_seconds > SHORT_LIVED_SECONDS:
            self._next_seconds = FIRST_SECONDS
        pause_seconds = self._next_seconds
        self._next_seconds = min(2 * pause_seconds, LONGEST_SECONDS)
        return pause_seconds
