"""A circuit breaker for one account: stops sending to a provider that is down, probes it, and goes on."""

from __future__ import annotations

from collections.abc import Callable

TRIPS_AFTER = 5  # failures in a row that show a provider being away, not one bad message
_FIRST_REST_SECONDS = 2.0
_LONGEST_REST_SECONDS = 60.0
_PROBE_SECONDS = 0.5  # how long to wait for somebody else's probe before asking again


class Breaker:
    """Closed: all may send. Open: nobody, for a while. Then one may probe: its success closes, its failure
    rests twice as long.

    Times are of `clock`, in seconds. Only failures in a row count, and any answer of the provider, even a
    refusal, ends the row.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures = 0
        self._rest_seconds = _FIRST_REST_SECONDS
        self._open_until = 0.0
        self._probing = False

    @property
    def tripped(self) -> bool:
        """Whether it is open or probing."""
        return self._failures >= TRIPS_AFTER

    def blocked_seconds(self) -> float:
        """After how many seconds to ask again; 0 when one may send now."""
        if not self.tripped:
            return 0.0
        rest = self._open_until - self._clock()
        if rest > 0:
            return rest
        return _PROBE_SECONDS if self._probing else 0.0

    def sending(self) -> None:
        """One was let in; while tripped, it is the probe."""
        self._probing = self.tripped

    def answered(self) -> None:
        """The provider answered: it is there."""
        self._failures = 0
        self._rest_seconds = _FIRST_REST_SECONDS
        self._probing = False

    def failed(self) -> None:
        """The provider did not answer, or said that it cannot."""
        was_resting = self.tripped and self._open_until > self._clock()
        self._failures += 1
        self._probing = False
        if self.tripped and not was_resting:  # sends that were under way when it tripped change nothing
            self._open_until = self._clock() + self._rest_seconds
            self._rest_seconds = min(2 * self._rest_seconds, _LONGEST_REST_SECONDS)

    def unclear(self) -> None:
        """A send ended that says nothing about whether the provider is there."""
        self._probing = False
