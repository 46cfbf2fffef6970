"""Which receipts a message that was taken gets, in which order and how far apart. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from handlers.simulator.rules import ReceiptRule

Stage = Literal["sent", "delivered", "read", "failed"]


@dataclass(frozen=True, slots=True)
class Habits:
    """How receipts usually come: seconds between them (least, most), and the share of people who read."""

    delay_seconds: tuple[float, float]
    read_share: float


@dataclass(frozen=True, slots=True)
class Due:
    """One receipt, so long after the one before it."""

    after_seconds: float
    stage: Stage


def receipts(rule: ReceiptRule, habits: Habits, chance: Random) -> list[Due]:
    """The receipts in the order in which they are sent."""
    if rule.drop:
        return []
    due = [Due(chance.uniform(*habits.delay_seconds), stage) for stage in _stages(rule, habits, chance)]
    due[0] = Due(due[0].after_seconds + rule.delay_seconds, due[0].stage)
    return [copy for first in due for copy in (first, *[Due(0.0, first.stage)] * rule.duplicate)]


def split_early(due: Sequence[Due]) -> tuple[list[Due], list[Due]]:
    """What is sent before the send is answered (all but `read`), at once; and what after it."""
    early = [Due(0.0, receipt.stage) for receipt in due if receipt.stage != "read"]
    return early, [receipt for receipt in due if receipt.stage == "read"]


def _stages(rule: ReceiptRule, habits: Habits, chance: Random) -> list[Stage]:
    read = chance.random() < habits.read_share
    if rule.fail is not None:
        return ["failed"]
    if rule.reorder:
        return ["sent", "read", "delivered"]
    return ["sent", "delivered", "read"] if read and not rule.no_read else ["sent", "delivered"]
