"""What the tables of Meta's products do not show: media by id, checks of credentials, the window of a tag."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import FailureKind, ProviderError
from gateway.transports.port import HttpRequest, HttpResponse
from handlers.contract import Handler
from tests.handlers.cases import messenger, whatsapp_cloud
from tests.handlers.cases.messenger_accounts import ACCESS_TOKEN as PAGE_TOKEN
from tests.handlers.cases.messenger_accounts import PAGE
from tests.handlers.cases.whatsapp_cloud_accounts import ACCESS_TOKEN
from tests.handlers.fake_http import FakeHttp
from tests.handlers.rows import Failed, Table, answer
from tests.handlers.tables import build

WHATSAPP, MESSENGER = whatsapp_cloud.TABLE, messenger.TABLE
WHATSAPP_TOKEN = {"authorization": f"Bearer {ACCESS_TOKEN}"}
MESSENGER_TOKEN = {"authorization": f"Bearer {PAGE_TOKEN}"}
NUMBER = "https://graph.example/v25.0/106540352242922?fields=display_phone_number,verified_name"
ME = "https://graph.example/v25.0/me?fields=id,name"
CDN = "https://lookaside.example/whatsapp_business/attachments/?mid=55"


def refusal(code: int, subcode: int | None = None) -> HttpResponse:
    return answer({"error": {"code": code, "error_subcode": subcode, "message": "m"}}, 400)


async def outcome(result: Any) -> Any:
    try:
        return await result
    except ProviderError as error:
        return Failed(error.kind, error.reason, error.code, error.retry_after_seconds)


async def test_media_of_whatsapp_are_asked_for_by_id_and_fetched_with_the_same_token() -> None:
    http = FakeHttp(answer({"url": CDN, "mime_type": "image/jpeg", "id": "55"}))
    found = await build(WHATSAPP).media("55", http.transports)
    assert http.requests == [HttpRequest("GET", "https://graph.example/v25.0/55", WHATSAPP_TOKEN)]
    assert found == HttpRequest("GET", CDN, WHATSAPP_TOKEN)


async def test_the_id_of_a_medium_stays_within_its_place_in_the_url() -> None:
    http = FakeHttp(answer({"url": CDN}))
    await build(WHATSAPP).media("../me?a=b", http.transports)
    assert [request.url for request in http.requests] == ["https://graph.example/v25.0/..%2Fme%3Fa%3Db"]


@pytest.mark.parametrize(
    ("response", "failed"),
    [
        (refusal(100, 33), Failed(FailureKind.PERMANENT, "media_unreachable", "100")),
        (refusal(100), Failed(FailureKind.PERMANENT, "invalid_message", "100")),
        (refusal(190), Failed(FailureKind.AUTH, "account_credentials", "190")),
        (refusal(4), Failed(FailureKind.THROTTLED, "rate_limited", "4")),
        (HttpResponse(503), Failed(FailureKind.TRANSIENT, "provider_unavailable", "http_503")),
        (answer({"id": "55"}), Failed(FailureKind.UNCERTAIN, "provider_error", "http_200")),
    ],
)
async def test_media_of_whatsapp_that_cannot_be_had_are_a_failure(
    response: HttpResponse, failed: Failed
) -> None:
    assert await outcome(build(WHATSAPP).media("55", FakeHttp(response).transports)) == failed


async def test_media_of_messenger_need_nothing_of_ours() -> None:
    http = FakeHttp()
    assert await build(MESSENGER).media("https://cdn.example/1", http.transports) is None
    assert http.requests == []


@pytest.mark.parametrize(
    ("table", "response", "said"),
    [
        (WHATSAPP, answer({"display_phone_number": "+44 77", "verified_name": "Shop"}), "+44 77 Shop"),
        (WHATSAPP, answer({"display_phone_number": "+44 77"}), "+44 77"),
        (WHATSAPP, answer({}), Failed(FailureKind.UNCERTAIN, "provider_error", "http_200")),
        (WHATSAPP, refusal(100, 33), Failed(FailureKind.AUTH, "sender_invalid", "100")),
        (WHATSAPP, refusal(190), Failed(FailureKind.AUTH, "account_credentials", "190")),
        (MESSENGER, answer({"id": PAGE, "name": "Shop"}), "page Shop"),
        (MESSENGER, answer({"id": PAGE}), f"page {PAGE}"),
        (MESSENGER, answer({"id": "1", "name": "Other"}), Failed(FailureKind.AUTH, "sender_invalid", None)),
        (MESSENGER, answer({}), Failed(FailureKind.UNCERTAIN, "provider_error", "http_200")),
        (MESSENGER, refusal(190, 463), Failed(FailureKind.AUTH, "account_credentials", "190/463")),
    ],
)
async def test_a_check_asks_whose_credentials_they_are(
    table: Table, response: HttpResponse, said: str | Failed
) -> None:
    http = FakeHttp(response)
    assert await outcome(build(table).check(http.transports)) == said
    url, token = (NUMBER, WHATSAPP_TOKEN) if table is WHATSAPP else (ME, MESSENGER_TOKEN)
    assert http.requests == [HttpRequest("GET", url, token)]


def test_the_tag_of_people_who_answer_opens_the_window_for_longer() -> None:
    windows = {account: window_hours(build(MESSENGER, account)) for account in MESSENGER.accounts}
    assert windows == {"main": 24, "desk": 168}


def window_hours(handler: Handler) -> int:
    return (handler.capabilities.session_window_seconds or 0) // 3_600
