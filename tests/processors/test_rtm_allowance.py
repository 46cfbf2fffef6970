"""How much a device is answered."""

from __future__ import annotations

from gateway.rtm.names import Device
from processors.rtm import allowance as allowance_module
from processors.rtm.allowance import AT_ONCE_BYTES, BYTES_A_SECOND, Allowance

PHONE, TABLET = Device("shop", "alice", "phone"), Device("shop", "alice", "tablet")
_PART = 524_288


class Clock:
    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


def _answered(allowance: Allowance, device: Device) -> int:
    """How many bytes it gets in answers of half a MiB, one after the other."""
    count = 0
    while allowance.begin(device):
        allowance.end(device, _PART)
        count += 1
    return count * _PART


def test_a_device_gets_so_much_at_once_and_then_as_much_as_comes_back() -> None:
    clock = Clock()
    allowance = Allowance(clock)
    assert _answered(allowance, PHONE) == AT_ONCE_BYTES
    assert not allowance.begin(PHONE)
    clock.seconds += 10
    assert _answered(allowance, PHONE) == 10 * BYTES_A_SECOND
    clock.seconds += 10_000
    assert _answered(allowance, PHONE) == AT_ONCE_BYTES


def test_each_device_has_its_own() -> None:
    allowance = Allowance(Clock())
    assert _answered(allowance, PHONE) == AT_ONCE_BYTES
    assert _answered(allowance, TABLET) == AT_ONCE_BYTES


def test_what_is_under_way_counts_and_what_is_not_answered_does_not() -> None:
    allowance = Allowance(Clock())
    under_way = 0
    while allowance.begin(PHONE):
        under_way += 1
    assert under_way == 128
    for _ in range(under_way):
        allowance.end(PHONE, 0)
    assert _answered(allowance, PHONE) == AT_ONCE_BYTES


def test_who_has_used_nothing_lately_is_forgotten() -> None:
    clock = Clock()
    allowance = Allowance(clock)
    for number in range(allowance_module._SWEEP_AT):
        assert allowance.begin(Device("shop", f"user-{number}", "phone"))
    _answered(allowance, PHONE)
    clock.seconds += 30
    assert allowance.begin(TABLET)
    assert set(allowance._used) == {PHONE, TABLET}
    assert _answered(allowance, PHONE) == 30 * BYTES_A_SECOND
