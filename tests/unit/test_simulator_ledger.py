"""The simulator's ledger: paging and forgetting."""

from __future__ import annotations

from handlers.simulator.ledger import Ledger


def filled(number: int, capacity: int) -> Ledger:
    ledger = Ledger(capacity)
    for n in range(number):
        ledger.send(
            provider="custom_http",
            account="sms-shop",
            recipient="1",
            reference=None,
            attempt=ledger.attempt("sms-shop", None, "1"),
            answered="accepted",
            message_ids=[f"cm-{n}"],
        )
    return ledger


def numbers(ledger: Ledger, since: int, limit: int = 1_000) -> tuple[list[int], int]:
    entries, following = ledger.page(since, limit)
    return [entry.seq for entry in entries], following


def test_pages_follow_each_other_without_gap_or_overlap() -> None:
    ledger = filled(5, capacity=100)
    assert numbers(ledger, 0, 2) == ([1, 2], 2)
    assert numbers(ledger, 2, 2) == ([3, 4], 4)
    assert numbers(ledger, 4, 2) == ([5], 5)
    assert numbers(ledger, 5, 2) == ([], 5)


def test_an_empty_ledger_has_an_empty_page() -> None:
    assert numbers(Ledger(10), 0) == ([], 0)


def test_a_page_that_was_forgotten_begins_with_the_oldest_there_is() -> None:
    ledger = filled(10, capacity=3)
    assert numbers(ledger, 0) == ([8, 9, 10], 10)
    assert numbers(ledger, 8) == ([9, 10], 10)


def test_a_page_after_the_end_stays_there() -> None:
    assert numbers(filled(2, capacity=3), 7) == ([], 7)


def test_attempts_count_for_each_reference_and_recipient() -> None:
    ledger = Ledger(10)
    asked = [("a", "x", "1"), ("a", "x", "1"), ("a", "y", "1"), ("a", "x", "2"), ("b", "x", "1")]
    assert [ledger.attempt(*key) for key in asked] == [1, 2, 1, 1, 1]


def test_what_was_forgotten_still_counts() -> None:
    summary = filled(10, capacity=3).summary()
    assert (summary["sends"], summary["taken"]) == ({"sms-shop": {"accepted": 10}}, {"sms-shop": 10})
