"""How the simulated providers behave beside the fate of a message: rules changed for all or for some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.faults.traffic import Habit

Rule = Mapping[str, Any]
_FAILURES = frozenset(
    {"throttle", "refuse", "server_error", "unavailable", "unauthorized", "time_out", "drop_connection"}
    | {"garbage"}
)


def unruly_receipts(latest_seconds: float) -> Habit:
    """Receipts early for one recipient in five, doubled, in the wrong order, and up to so late for others."""
    by_last_digit: dict[int, dict[str, Any]] = {
        0: {"early": True},
        1: {"early": True, "duplicate": 1},
        2: {"duplicate": 1},
        3: {"reorder": True, "duplicate": 1},
        4: {"delay_seconds": latest_seconds},
        5: {"delay_seconds": latest_seconds / 2, "reorder": True},
        6: {"duplicate": 4, "delay_seconds": latest_seconds / 4},
    }

    def habit(rule: Rule, last_digit: int) -> Rule:
        return {**rule, "receipts": {**by_last_digit.get(last_digit, {}), **rule.get("receipts", {})}}

    return habit


def slow(rules: Sequence[Rule], seconds: float) -> list[Rule]:
    """Every answer takes so long."""
    return [{**rule, "send": {**rule.get("send", {}), "slow_seconds": seconds}} for rule in rules]


def throttling(rules: Sequence[Rule], retry_after_seconds: int) -> list[Rule]:
    """Nobody gets in who would have got in."""
    throttle = {"throttle": {"times": None, "retry_after_seconds": retry_after_seconds}}
    return [rule if _FAILURES & rule.get("send", {}).keys() else {**rule, "send": throttle} for rule in rules]
