"""The simulator's rules: which one counts, how often, and what they may say."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from handlers.simulator.rules import ReceiptRule, Rule, Rulebook, Verdict

SHOP = "wa-shop"


def rule(**parts: Any) -> Rule:
    return Rule.model_validate_json(orjson.dumps({"recipient": ".*"} | parts))


def actions(book: Rulebook, recipient: str, times: int) -> list[str]:
    return [book.verdict(SHOP, recipient).action for _ in range(times)]


def test_without_a_rule_all_goes_well() -> None:
    assert Rulebook([]).verdict(SHOP, "1") == Verdict()


def test_the_first_rule_that_fits_is_the_only_one() -> None:
    book = Rulebook([rule(recipient="1.*", receipts={"drop": True}), rule(send={"refuse": "blocked"})])
    assert book.verdict(SHOP, "12") == Verdict(receipts=ReceiptRule(drop=True))
    assert book.verdict(SHOP, "21").action == "refuse"


def test_an_expression_has_to_fit_the_whole_address() -> None:
    book = Rulebook([rule(recipient="1.", send={"refuse": "blocked"})])
    assert [book.verdict(SHOP, address).action for address in ("1", "12", "123", "012")] == [
        "accept",
        "refuse",
        "accept",
        "accept",
    ]


def test_a_rule_can_be_for_one_account() -> None:
    book = Rulebook([rule(account=SHOP, send={"unavailable": {}})])
    assert (book.verdict(SHOP, "1").action, book.verdict("tg-shop", "1").action) == ("unavailable", "accept")


def test_a_failure_ends_after_so_many_times_for_each_recipient() -> None:
    book = Rulebook([rule(send={"server_error": {"times": 2}})])
    assert actions(book, "1", 4) == ["server_error", "server_error", "accept", "accept"]
    assert actions(book, "2", 1) == ["server_error"]


def test_a_failure_without_a_number_never_ends() -> None:
    assert actions(Rulebook([rule(send={"server_error": {}})]), "1", 5) == ["server_error"] * 5


def test_throttling_is_once_unless_said_otherwise() -> None:
    assert actions(Rulebook([rule(send={"throttle": {}})]), "1", 2) == ["throttle", "accept"]
    assert actions(Rulebook([rule(send={"throttle": {"times": None}})]), "1", 2) == ["throttle", "throttle"]


def test_after_a_failure_the_rest_of_the_rule_holds() -> None:
    book = Rulebook([rule(send={"slow_seconds": 2, "drop_connection": {"times": 1}}, reply={"text": "Hi"})])
    first, second = book.verdict(SHOP, "1"), book.verdict(SHOP, "1")
    assert (first.action, first.taken, first.slow_seconds) == ("drop_connection", False, 2.0)
    assert (second.action, second.taken, second.slow_seconds) == ("accept", True, 2.0)
    assert second.reply is not None
    assert second.reply.text == "Hi"


@pytest.mark.parametrize("fault", ["server_error", "time_out", "drop_connection", "garbage"])
def test_a_failure_may_hide_that_the_message_was_taken(fault: str) -> None:
    assert Rulebook([rule(send={fault: {}})]).verdict(SHOP, "1").taken is False
    assert Rulebook([rule(send={fault: {"taken": True}})]).verdict(SHOP, "1").taken is True


def test_other_rules_count_anew() -> None:
    once = rule(send={"unavailable": {"times": 1}})
    book = Rulebook([once])
    assert actions(book, "1", 2) == ["unavailable", "accept"]
    book.replace([once])
    assert actions(book, "1", 1) == ["unavailable"]


def test_codes_may_be_numbers() -> None:
    verdict = Rulebook([rule(send={"refuse": 131026})]).verdict(SHOP, "1")
    assert (verdict.action, verdict.case, verdict.taken) == ("refuse", "131026", False)


@pytest.mark.parametrize(
    "parts",
    [
        {"recipient": ""},
        {"recipient": "["},
        {"sendd": {}},
        {"send": {"throttle": {"times": 0}}},
        {"send": {"refuse": "a", "garbage": {}}},
        {"send": {"refuse": True}},
        {"send": {"slow_seconds": -1}},
        {"receipts": {"duplicate": 11}},
        {"reply": {"text": ""}},
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(parts: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        rule(**parts)
