"""What an HTTP status means, and how long a provider asks to wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from gateway.errors import FailureKind
from gateway.transports.classify import http_failure, retry_after, unreadable
from gateway.transports.port import HttpResponse


@pytest.mark.parametrize(
    ("statuses", "kind", "reason"),
    [
        ([429], FailureKind.THROTTLED, "rate_limited"),
        ([401, 403], FailureKind.AUTH, "account_credentials"),
        ([408, 425, 503], FailureKind.TRANSIENT, "provider_unavailable"),
        ([400, 402, 404, 405, 409, 410, 413, 415, 422, 499], FailureKind.PERMANENT, "provider_error"),
        ([500, 501, 502, 504, 520, 599], FailureKind.UNCERTAIN, "provider_error"),
        ([101, 204, 301, 302, 307, 308], FailureKind.UNCERTAIN, "provider_error"),
    ],
)
def test_a_status_has_a_kind_and_a_reason(statuses: list[int], kind: FailureKind, reason: str) -> None:
    for status in statuses:
        error = http_failure(HttpResponse(status))
        found = (error.kind, error.reason, error.code, error.text, error.retry_after_seconds)
        assert found == (kind, reason, f"http_{status}", None, None)


def test_the_providers_own_words_are_kept_beside_it() -> None:
    error = http_failure(HttpResponse(400, {"retry-after": "7"}), code="131026", text="undeliverable")
    assert (error.code, error.text, error.retry_after_seconds) == ("131026", "undeliverable", 7.0)


def test_an_empty_code_of_the_provider_is_still_its_own() -> None:
    assert http_failure(HttpResponse(400), code="").code == ""


def test_a_success_that_cannot_be_read_may_have_been_taken() -> None:
    error = unreadable(HttpResponse(200, body=b"<html>what-nobody-may-see"))
    assert (error.kind, error.reason, error.code) == (FailureKind.UNCERTAIN, "provider_error", "http_200")
    assert "what-nobody-may-see" not in f"{error} {error.text}"


def waits(value: str) -> float | None:
    return retry_after(HttpResponse(429, {"retry-after": value}))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("0", 0.0), ("30", 30.0), (" 30 ", 30.0), ("1.5", 1.5), ("999999999", 999_999_999.0)],
)
def test_seconds_are_taken_as_they_are(value: str, seconds: float) -> None:
    assert waits(value) == seconds


@pytest.mark.parametrize(
    "value",
    ["", "soon", "-5", "inf", "nan", "1e9", "1_0", "0x10", "1" * 400, "٣", "Mon, 99 Foo 2026", "30, 60"],
)
def test_what_is_neither_seconds_nor_a_date_says_nothing(value: str) -> None:
    assert waits(value) is None


def test_without_the_header_nothing_is_said() -> None:
    assert retry_after(HttpResponse(429)) is None


@pytest.mark.parametrize("zone", ["GMT", "+0000", "-0000"])
def test_a_date_is_taken_as_the_time_until_then(zone: str) -> None:
    at = datetime.now(UTC) + timedelta(hours=1)
    seconds = waits(format_datetime(at).replace("+0000", zone))
    assert seconds is not None
    assert 3_500 < seconds <= 3_600


def test_a_date_that_has_passed_is_now() -> None:
    assert waits("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0


def test_a_date_at_the_end_of_time_does_no_harm() -> None:
    seconds = waits("Fri, 31 Dec 9999 23:59:59 -2300")
    assert seconds is None or seconds > 0
