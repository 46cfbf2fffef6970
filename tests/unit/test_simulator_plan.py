"""The receipts that a message gets."""

from __future__ import annotations

from random import Random

import pytest

from handlers.simulator.plan import Due, Habits, receipts, split_early
from handlers.simulator.rules import ReceiptRule

AT_ONCE = (0.0, 0.0)


def stages(rule: ReceiptRule, read_share: float = 1.0) -> list[str]:
    return [due.stage for due in receipts(rule, Habits(AT_ONCE, read_share), Random(1))]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (ReceiptRule(), ["sent", "delivered", "read"]),
        (ReceiptRule(no_read=True), ["sent", "delivered"]),
        (ReceiptRule(drop=True), []),
        (ReceiptRule(reorder=True), ["sent", "read", "delivered"]),
        (ReceiptRule(fail="131047"), ["failed"]),
        (ReceiptRule(duplicate=1, no_read=True), ["sent", "sent", "delivered", "delivered"]),
    ],
)
def test_receipts_come_as_the_rule_says(rule: ReceiptRule, expected: list[str]) -> None:
    assert stages(rule) == expected


def test_nobody_reads_when_nobody_does() -> None:
    assert stages(ReceiptRule(), read_share=0.0) == ["sent", "delivered"]


def test_the_share_of_readers_is_about_what_was_asked_for() -> None:
    chance, habits = Random(1), Habits(AT_ONCE, 0.6)
    read = sum(receipts(ReceiptRule(), habits, chance)[-1].stage == "read" for _ in range(1_000))
    assert 550 < read < 650


def test_the_same_seed_makes_the_same_receipts() -> None:
    habits = Habits((0.1, 0.9), 0.5)
    first, second = ([receipts(ReceiptRule(), habits, Random(seed)) for seed in range(20)] for _ in range(2))
    assert first == second


def test_waits_are_within_their_bounds_and_a_delay_comes_before_the_first() -> None:
    due = receipts(ReceiptRule(delay_seconds=5), Habits((0.1, 0.2), 1.0), Random(1))
    first, *others = [receipt.after_seconds for receipt in due]
    assert 5.1 <= first <= 5.2
    assert all(0.1 <= seconds <= 0.2 for seconds in others)


def test_early_is_everything_before_read_and_at_once() -> None:
    early, later = split_early([Due(1.0, "sent"), Due(2.0, "delivered"), Due(3.0, "read")])
    assert early == [Due(0.0, "sent"), Due(0.0, "delivered")]
    assert later == [Due(3.0, "read")]
