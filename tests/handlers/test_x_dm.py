"""What the table of x_dm cannot show: waits until a time to come, fetching of media, and the check."""

from __future__ import annotations

import asyncio
import time

import pytest

from gateway.errors import FailureKind, ProviderError
from gateway.transports.port import HttpRequest, HttpResponse
from handlers.providers.x_dm.codes import failure
from tests.handlers.cases.x_dm import TABLE, TON
from tests.handlers.cases.x_dm_accounts import BEARER, SIGNED, read
from tests.handlers.fake_http import FakeHttp
from tests.handlers.rows import Sent, answer
from tests.handlers.tables import build


def test_a_wait_is_as_long_as_the_limit_that_is_used_up() -> None:
    now = int(time.time())
    told = {
        "x_rate_limit_remaining": "0",
        "x_rate_limit_reset": str(now + 600),
        "x_user_limit_24hour_remaining": "0",
        "x_user_limit_24hour_reset": str(now + 7_200),
        "x_app_limit_24hour_remaining": "9",
        "x_app_limit_24hour_reset": str(now + 80_000),
    }
    error = failure(answer({}, 429, **told))
    assert error is not None
    assert (error.kind, error.reason, error.code) == (FailureKind.THROTTLED, "rate_limited", "http_429")
    assert error.retry_after_seconds == pytest.approx(7_200, abs=5)


def test_what_x_repeats_of_a_message_is_left_out() -> None:
    told = {
        "title": "Invalid Request",
        "detail": "The value [4242] of `participant_id` is not one of [a, b].",
        "type": "https://api.x.com/2/problems/invalid-request",
    }
    error = failure(answer(told, 400))
    assert error is not None
    assert error.text == "The value […] of `participant_id` is not one of […]."


async def fetched(media_id: str, account: str = "main") -> HttpRequest | None:
    return await build(TABLE, account).media(media_id, FakeHttp().transports)


def test_media_at_x_are_fetched_in_the_name_of_our_user() -> None:
    request = asyncio.run(fetched(TON))
    assert request is not None
    assert read(request) == Sent("GET", TON, SIGNED, "")
    assert asyncio.run(fetched(TON, "oauth2")) == HttpRequest(
        "GET", TON, {"authorization": f"Bearer {BEARER}"}
    )


@pytest.mark.parametrize(
    "place",
    [
        "https://evil.example/1.jpg",
        "https://ton.twitter.com.evil.example/1.jpg",
        "https://evilx.com/1.jpg",
        "https://ton.twitter.com@evil.example/1.jpg",
        "http://ton.twitter.com/1.jpg",
        "https://[x.com",
        "1146654567674912769",
        "",
    ],
)
def test_credentials_go_to_nobody_else(place: str) -> None:
    assert asyncio.run(fetched(place)) is None


def test_the_check_says_who_sends() -> None:
    http = FakeHttp(answer({"data": {"id": "77001", "name": "Shop", "username": "shop"}}))
    assert asyncio.run(build(TABLE).check(http.transports)) == "@shop"
    assert [read(request) for request in http.requests] == [
        Sent("GET", "https://x.example/2/users/me", SIGNED, "")
    ]


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (HttpResponse(401), FailureKind.AUTH),
        (HttpResponse(200, {}, b"<html/>"), FailureKind.UNCERTAIN),
        (answer({"errors": [{"code": 326, "message": "Locked"}]}, 403), FailureKind.AUTH),
    ],
)
def test_the_check_fails_as_a_send_does(told: HttpResponse, kind: FailureKind) -> None:
    with pytest.raises(ProviderError) as error:
        asyncio.run(build(TABLE).check(FakeHttp(told).transports))
    assert error.value.kind is kind
