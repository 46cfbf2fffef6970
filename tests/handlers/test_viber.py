"""What the table of viber cannot say: media, the check of the account, and that tokens stay exact."""

from __future__ import annotations

import pytest

from gateway.errors import FailureKind, ProviderError
from gateway.transports.port import HttpRequest, HttpResponse
from tests.handlers.cases.viber import ANN, TABLE, prove, told, written
from tests.handlers.cases.viber_accounts import TOKEN, refusal
from tests.handlers.fake_http import FakeHttp
from tests.handlers.rows import answer
from tests.handlers.tables import build

# The largest of 64 bits, one that floating point cannot hold, and more than Viber documents.
TOKENS = ("18446744073709551615", "9007199254740993", "36893488147419103233")


async def test_media_need_nothing_of_ours() -> None:
    assert await build(TABLE).media("https://dl.example/p.jpg", FakeHttp().transports) is None


async def test_the_check_names_the_bot() -> None:
    http = FakeHttp(answer({"status": 0, "status_message": "ok", "name": "Shop", "uri": "shopbot"}))
    assert await build(TABLE).check(http.transports) == "Shop (shopbot)"
    headers = {"x-viber-auth-token": TOKEN, "content-type": "application/json"}
    url = "https://viber.example/pa/get_account_info"
    assert http.requests == [HttpRequest("POST", url, headers, b"{}")]


@pytest.mark.parametrize(
    ("answered", "kind", "reason"),
    [
        (refusal(2, "invalidAuthToken"), FailureKind.AUTH, "account_credentials"),
        (refusal(0, "ok"), FailureKind.UNCERTAIN, "provider_error"),
        (HttpResponse(503), FailureKind.TRANSIENT, "provider_unavailable"),
    ],
)
async def test_a_check_that_fails_says_why(answered: HttpResponse, kind: FailureKind, reason: str) -> None:
    with pytest.raises(ProviderError) as error:
        await build(TABLE).check(FakeHttp(answered).transports)
    assert (error.value.kind, error.value.reason) == (kind, reason)


@pytest.mark.parametrize("token", TOKENS)
async def test_a_token_is_the_same_digits_when_sent_and_in_its_receipts(token: str) -> None:
    handler, row = build(TABLE), TABLE.sends[0]
    taken = HttpResponse(200, {}, b'{"status":0,"message_token":%s}' % token.encode())
    submitted = await handler.send(row.submission, FakeHttp(taken).transports)
    seen = prove(b'{"event":"seen","message_token":%s,"user_id":"u"}' % token.encode())
    (item,) = handler.split(seen)
    (receipt,) = handler.parse_dr(item)
    assert submitted.provider_message_ids == (token,)
    assert receipt.provider_message_id == token


@pytest.mark.parametrize(
    "body",
    [told("unsubscribed"), told("message", sender=ANN), written("text", text=5)],
    ids=["about nobody", "a message that is missing", "a text that is none"],
)
def test_a_callback_that_lacks_what_it_is_about_is_kept_and_cannot_be_read(body: bytes) -> None:
    handler = build(TABLE)
    (item,) = handler.split(prove(body))
    assert item.kind == "mo"
    with pytest.raises(ValueError, match=r"\S"):
        handler.parse_mo(item)
