"""What a failed attempt leads to: the table of failure kinds, row by row."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import FailureKind, ProviderError
from gateway.model.account import RetrySchedule
from gateway.model.receipt import Reason
from processors.retry_policy import GiveUp, Wait, after_failure, pause_of

SCHEDULE = RetrySchedule(intervals_seconds=(5, 30, 120))  # so at most four attempts


def error(kind: str, retry_after: float | None = None) -> ProviderError:
    return ProviderError(
        FailureKind(kind), reason="provider_error", code="17", text="no", retry_after_seconds=retry_after
    )


def reason(kind: str, code: str = "provider_error") -> Reason:
    return Reason(code=code, kind=FailureKind(kind), provider_code="17", provider_text="no")


def after(kind: str, *, retry_after: float | None = None, **told: Any) -> Wait | GiveUp:
    given: dict[str, Any] = {
        "attempt": 1,
        "waits": 0,
        "schedule": SCHEDULE,
        "duplicates": "allow",
        "idempotent": False,
    }
    return after_failure(error(kind, retry_after), **(given | told))


@pytest.mark.parametrize("told", [{}, {"attempt": 3}, {"idempotent": True}, {"retry_after": 60}])
def test_a_refusal_is_final_with_the_providers_words(told: dict[str, Any]) -> None:
    assert after("permanent", **told) == GiveUp(reason("permanent"))


@pytest.mark.parametrize("kind", ["transient", "uncertain"])
@pytest.mark.parametrize(("attempt", "seconds"), [(1, 5), (2, 30), (3, 120)])
def test_a_passing_failure_uses_an_attempt_and_waits_as_the_schedule_says(
    kind: str, attempt: int, seconds: int
) -> None:
    assert after(kind, attempt=attempt) == Wait(seconds, attempt + 1, reason(kind))


@pytest.mark.parametrize("kind", ["transient", "uncertain"])
@pytest.mark.parametrize("attempt", [4, 5, 40])
def test_after_the_last_attempt_its_own_reason_stands(kind: str, attempt: int) -> None:
    assert after(kind, attempt=attempt) == GiveUp(reason(kind))


@pytest.mark.parametrize("kind", ["transient", "uncertain"])
def test_without_intervals_there_is_one_attempt(kind: str) -> None:
    assert after(kind, schedule=RetrySchedule(intervals_seconds=())) == GiveUp(reason(kind))


@pytest.mark.parametrize(("retry_after", "seconds"), [(2, 5), (5, 5), (6, 30), (31, 120), (1e9, 21_600)])
def test_a_provider_that_asks_for_a_longer_wait_gets_it(retry_after: float, seconds: int) -> None:
    assert after("transient", retry_after=retry_after) == Wait(seconds, 2, reason("transient"))


@pytest.mark.parametrize("attempt", [1, 4, 40])
@pytest.mark.parametrize(
    ("waits", "seconds"), [(0, 1), (1, 5), (2, 30), (3, 120), (4, 600), (5, 600), (99, 600)]
)
def test_a_throttled_message_waits_ever_longer_and_uses_no_attempt(
    attempt: int, waits: int, seconds: int
) -> None:
    assert after("throttled", attempt=attempt, waits=waits) == Wait(seconds, attempt, reason("throttled"))


@pytest.mark.parametrize(
    ("retry_after", "seconds"), [(0.5, 1), (1, 1), (1.1, 5), (60, 120), (3_601, 21_600), (1e9, 21_600)]
)
def test_a_throttled_message_waits_as_long_as_the_provider_says(retry_after: float, seconds: int) -> None:
    assert after("throttled", retry_after=retry_after, waits=3) == Wait(seconds, 1, reason("throttled"))


@pytest.mark.parametrize("attempt", [1, 4, 40])
@pytest.mark.parametrize(("waits", "seconds"), [(0, 30), (1, 30), (2, 120), (3, 600), (99, 600)])
def test_with_refused_credentials_a_message_waits_and_uses_no_attempt(
    attempt: int, waits: int, seconds: int
) -> None:
    assert after("auth", attempt=attempt, waits=waits) == Wait(seconds, attempt, reason("auth"))


def test_with_refused_credentials_a_longer_wait_that_is_asked_for_holds() -> None:
    assert after("auth", retry_after=601) == Wait(3_600, 1, reason("auth"))
    assert after("auth", retry_after=1) == Wait(30, 1, reason("auth"))


@pytest.mark.parametrize("attempt", [1, 4])
def test_who_wants_no_duplicates_gets_an_end_after_an_unknown_outcome(attempt: int) -> None:
    verdict = after("uncertain", attempt=attempt, duplicates="avoid")
    assert verdict == GiveUp(reason("uncertain", "outcome_unknown"))


def test_a_provider_that_recognises_duplicates_is_asked_again_even_then() -> None:
    verdict = after("uncertain", duplicates="avoid", idempotent=True)
    assert verdict == Wait(5, 2, reason("uncertain"))


@pytest.mark.parametrize("kind", ["transient", "throttled", "auth"])
def test_avoiding_duplicates_changes_nothing_where_nothing_was_sent(kind: str) -> None:
    assert after(kind, duplicates="avoid") == after(kind)


@pytest.mark.parametrize(
    ("kind", "retry_after", "seconds"),
    [
        ("permanent", 60, 0),
        ("transient", 60, 0),
        ("uncertain", 60, 0),
        ("throttled", None, 1),
        ("throttled", 0, 1),
        ("throttled", 60, 60),
        ("throttled", 1e9, 21_600),
        ("auth", None, 30),
        ("auth", 5, 5),
        ("auth", 1e9, 21_600),
    ],
)
def test_an_account_pauses_when_it_is_throttled_or_refused(
    kind: str, retry_after: float | None, seconds: float
) -> None:
    assert pause_of(error(kind, retry_after)) == seconds
