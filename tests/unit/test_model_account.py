"""What every account has, and what is refused in it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gateway.model.account import WAIT_TIERS_SECONDS, ProviderAccount, RetrySchedule
from gateway.model.application import Application

ACCOUNT: dict[str, Any] = {"account": "wa-shop", "provider": "whatsapp_cloud", "channel": "whatsapp"}


def wrong(**changes: Any) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        ProviderAccount.model_validate({**ACCOUNT, **changes})
    assert "hunter2" not in str(caught.value)
    return [str(detail["loc"][0]) for detail in caught.value.errors()]


def test_the_least_an_account_needs_brings_the_defaults() -> None:
    account = ProviderAccount.model_validate(ACCOUNT)
    assert (account.enabled, account.max_tps, account.max_in_flight, account.timeout_seconds) == (
        True,
        None,
        50,
        30.0,
    )
    assert (account.retry.intervals_seconds, account.retry.max_attempts) == ((5, 30, 120, 600, 3_600), 6)
    assert (account.brand, account.conditions, account.senders, account.base_url) == (None, {}, (), None)


def test_an_account_is_read_with_the_names_of_the_file() -> None:
    account = ProviderAccount.model_validate(
        {**ACCOUNT, "from": ["447700900000"], "url": "https://api.example.com/v1/", "max_tps": 0.5}
    )
    assert account.senders == ("447700900000",)
    assert account.base_url == "https://api.example.com/v1"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("account", "Wa Shop"),
        ("provider", ""),
        ("channel", None),
        ("conditions", {"a": "1", "b": "2", "c": "3"}),
        ("from", ["hunter2" * 20]),
        ("url", "hunter2"),
        ("url", "ftp://api.example.com"),
        ("retry", {"intervals_seconds": [7]}),
        ("retry", {"intervals_seconds": [5] * 33}),
        ("retry", {"interval_seconds": [5]}),
        ("max_tps", 0),
        ("max_in_flight", 0),
        ("timeout_seconds", 0),
        ("timeout_seconds", 301),
        ("enabled", "hunter2"),
        ("hunter", "hunter2"),
    ],
)
def test_what_an_account_cannot_be_is_refused_by_field(field: str, value: Any) -> None:
    assert wrong(**{field: value}) == [field]


def test_every_wait_tier_can_be_an_interval_and_none_means_one_attempt() -> None:
    assert RetrySchedule(intervals_seconds=WAIT_TIERS_SECONDS).max_attempts == len(WAIT_TIERS_SECONDS) + 1
    assert RetrySchedule(intervals_seconds=()).max_attempts == 1


def test_an_interval_that_is_no_tier_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValidationError, match="one of 1, 5, 30, 120, 600, 3600, 21600; not 7, 9"):
        RetrySchedule(intervals_seconds=(5, 7, 9))


def test_an_application_may_use_the_accounts_it_names_or_all() -> None:
    assert Application(app_id="shop").may_use("anything")
    named = Application(app_id="shop", accounts=("wa", "tg"))
    assert [name for name in ("wa", "tg", "sms") if named.may_use(name)] == ["wa", "tg"]


@pytest.mark.parametrize(
    ("fields", "served"),
    [
        ({}, True),
        ({"accounts": ("app", "wa")}, True),
        ({"accounts": ("wa",)}, False),
        ({"enabled": False}, False),
        ({"enabled": False, "accounts": ("app",)}, False),
    ],
)
def test_an_application_serves_the_accounts_that_it_may_use_while_it_is_enabled(
    fields: dict[str, Any], served: bool
) -> None:
    assert Application(app_id="shop", **fields).serves("app") is served
