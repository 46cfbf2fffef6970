"""How much each device is answered, so that nobody fills the MQTT broker's memory with what they ask for and
never take.

A request of a hundred bytes can have an answer of half a MiB, which the broker keeps until the device takes
it or it expires.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from gateway.rtm.names import Device

AT_ONCE_BYTES = 16 * 1_048_576
BYTES_A_SECOND = 262_144
"""What comes back of it: answers wait for a minute, so a device never has more than 32 MiB waiting, but for
what is under way."""

_UNDER_WAY_BYTES = 131_072  # what an answer counts as long as nobody knows how large it is
_SWEEP_AT = 10_000


@dataclass(slots=True)
class _Used:
    bytes: float
    at: float


class Allowance:
    """Of each device, how much of it is used. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._used: dict[Device, _Used] = {}

    def begin(self, device: Device) -> bool:
        """Whether the device may be answered; then `end` follows."""
        used = self._of(device)
        if used.bytes + _UNDER_WAY_BYTES > AT_ONCE_BYTES:
            return False
        used.bytes += _UNDER_WAY_BYTES
        return True

    def end(self, device: Device, answered_bytes: int) -> None:
        """The device is answered with so much, or not at all."""
        self._of(device).bytes += answered_bytes - _UNDER_WAY_BYTES

    def _of(self, device: Device) -> _Used:
        now = self._clock()
        if len(self._used) > _SWEEP_AT:
            self._sweep(now)
        used = self._used.setdefault(device, _Used(0.0, now))
        used.bytes, used.at = _left(used, now), now
        return used

    def _sweep(self, now: float) -> None:
        """Forget all who have used nothing."""
        self._used = {device: used for device, used in self._used.items() if _left(used, now) > 0}


def _left(used: _Used, now: float) -> float:
    return max(0.0, used.bytes - (now - used.at) * BYTES_A_SECOND)
