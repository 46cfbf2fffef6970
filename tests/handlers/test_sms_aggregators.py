"""What the tables do not show of twilio, vonage and infobip: checks of credentials, media, and settings."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import ConfigurationError, FailureKind, Problem, ProviderError
from gateway.transports.port import HttpResponse
from handlers.shared.basic import basic
from tests.handlers.cases import infobip, infobip_accounts, twilio, twilio_accounts, vonage, vonage_accounts
from tests.handlers.fake_http import FakeHttp
from tests.handlers.rows import Table, answer
from tests.handlers.tables import REGISTRY, build

TWILIO_AUTH = basic(twilio_accounts.ACCOUNT_SID, twilio_accounts.AUTH_TOKEN)
VONAGE_AUTH = basic(vonage_accounts.API_KEY, vonage_accounts.API_SECRET)
INFOBIP_AUTH = f"App {infobip_accounts.API_KEY}"


@pytest.mark.parametrize(
    ("table", "answered", "url", "authorization", "said"),
    [
        (
            twilio.TABLE,
            answer({"messages": []}),
            f"{twilio_accounts.URL}?PageSize=1",
            TWILIO_AUTH,
            f"account {twilio_accounts.ACCOUNT_SID}",
        ),
        (
            vonage.TABLE,
            answer({"value": 10.284, "autoReload": False}),
            "https://vonage.example/account/get-balance",
            VONAGE_AUTH,
            "balance 10.28",
        ),
        (
            infobip.TABLE,
            answer({"balance": 47.8, "currency": "EUR"}),
            "https://infobip.example/account/1/balance",
            INFOBIP_AUTH,
            "balance 47.80 EUR",
        ),
    ],
    ids=["twilio", "vonage", "infobip"],
)
async def test_a_check_asks_for_what_costs_nothing(
    table: Table, answered: HttpResponse, url: str, authorization: str, said: str
) -> None:
    http = FakeHttp(answered)
    assert await build(table).check(http.transports) == said
    assert [(each.method, each.url, dict(each.headers)) for each in http.requests] == [
        ("GET", url, {"authorization": authorization})
    ]


@pytest.mark.parametrize(
    "table", [twilio.TABLE, vonage.TABLE, infobip.TABLE], ids=lambda table: table.provider
)
async def test_a_check_tells_that_the_credentials_are_refused(table: Table) -> None:
    with pytest.raises(ProviderError) as failure:
        await build(table).check(FakeHttp(HttpResponse(401)).transports)
    assert (failure.value.kind, failure.value.reason) == (FailureKind.AUTH, "account_credentials")


@pytest.mark.parametrize("table", [vonage.TABLE, infobip.TABLE], ids=lambda table: table.provider)
async def test_a_check_whose_answer_cannot_be_read_says_so(table: Table) -> None:
    with pytest.raises(ProviderError) as failure:
        await build(table).check(FakeHttp(HttpResponse(200, {}, b"{}")).transports)
    assert failure.value.kind is FailureKind.UNCERTAIN


async def test_an_application_of_vonage_has_nothing_to_check_it_with() -> None:
    assert await build(vonage.TABLE, "application").check(FakeHttp().transports) is None


@pytest.mark.parametrize(
    ("table", "inside", "authorization", "outside"),
    [
        (
            twilio.TABLE,
            "https://twilio.example/2010-04-01/Accounts/AC/Media/ME1",
            TWILIO_AUTH,
            ["https://twilio.example.evil.example/x", "https://evil.example/x", "ME1"],
        ),
        (
            vonage.TABLE,
            "https://api-eu.nexmo.com/v3/media/1",
            VONAGE_AUTH,
            [
                "http://api-eu.nexmo.com/1",
                "https://nexmo.com.evil.example/1",
                "https://evil-nexmo.com/1",
                "https://[1",
            ],
        ),
        (
            infobip.TABLE,
            "https://infobip.example/whatsapp/1/senders/1/media/1",
            INFOBIP_AUTH,
            ["https://infobip.example.evil.example/1", "https://evil.example/1", "1"],
        ),
    ],
    ids=["twilio", "vonage", "infobip"],
)
async def test_our_credentials_go_to_the_provider_only(
    table: Table, inside: str, authorization: str, outside: list[str]
) -> None:
    handler, transports = build(table), FakeHttp().transports
    request = await handler.media(inside, transports)
    assert request is not None
    assert (request.method, request.url, dict(request.headers)) == (
        "GET",
        inside,
        {"authorization": authorization},
    )
    assert [await handler.media(url, transports) for url in outside] == [None] * len(outside)


@pytest.mark.parametrize(
    ("table", "account", "changes", "problem"),
    [
        (
            twilio.TABLE,
            "main",
            {"from": []},
            Problem("a.yaml", "needs from, parameters.messaging_service_sid, or both"),
        ),
        (
            vonage.TABLE,
            "main",
            {"from": []},
            Problem("a.yaml", "needs from: Vonage sends nothing without a sender"),
        ),
        (
            vonage.TABLE,
            "main",
            {"parameters": {"api": "sms"}},
            Problem("a.yaml", "the SMS API is for the channel sms"),
        ),
        (
            vonage.TABLE,
            "application",
            {"parameters": {"api": "sms"}},
            Problem("a.yaml", "the SMS API takes credentials of scheme key"),
        ),
        (
            vonage.TABLE,
            "application",
            {
                "credentials": {
                    "scheme": "application",
                    "application_id": "a",
                    "private_key": "-----BEGIN PRIVATE KEY-----",
                }
            },
            Problem("a.yaml: credentials.private_key", "is not a private key in PEM"),
        ),
        (
            infobip.TABLE,
            "main",
            {"from": []},
            Problem("a.yaml", "needs from: Infobip sends nothing without a sender"),
        ),
    ],
)
def test_an_account_that_could_not_send_is_refused(
    table: Table, account: str, changes: dict[str, Any], problem: Problem
) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        REGISTRY.account({**table.accounts[account], **changes}, "a.yaml")
    assert refusal.value.problems == (problem,)


def test_what_an_account_can_carry_follows_from_its_channel_and_parameters() -> None:
    def kinds(table: Table, account: str) -> set[str]:
        return set(build(table, account).capabilities.content)

    assert kinds(twilio.TABLE, "main") == {"text", "template", "raw"}
    mms = {"image", "video", "audio", "document"}
    assert kinds(twilio.TABLE, "number") == {"text", "template", "raw", *mms}
    assert kinds(twilio.TABLE, "whatsapp") == {"text", "template", "raw", "location", *mms}
    told = [build(twilio.TABLE, name).capabilities for name in ("main", "service", "whatsapp")]
    assert [(can.receipts, can.read_receipts, can.inbound) for can in told] == [
        (False, False, False),
        (True, False, True),
        (True, True, True),
    ]
    assert kinds(vonage.TABLE, "sms") == {"text", "raw"}
    assert kinds(infobip.TABLE, "main") == {"text", "raw"}
