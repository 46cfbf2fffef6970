"""Apple Messages, with PyJWT in Apple's place: it signs what comes, and proves what we send."""

from __future__ import annotations

import string
import time
from typing import Any

import jwt
import pytest

from gateway.errors import CallbackRefused
from tests.handlers.cases.apple_messages import TABLE, proved, token
from tests.handlers.cases.apple_messages_accounts import KEY, MSP, OLD_KEY
from tests.handlers.cases.apple_messages_sends import SENDS
from tests.handlers.fake_http import FakeHttp
from tests.handlers.tables import build

BODY = b'{"type":"typing_start"}'


def takes(authorization: str, account: str = "main") -> bool:
    try:
        build(TABLE, account).verify(proved(BODY, authorization))
    except CallbackRefused:
        return False
    return True


async def test_pyjwt_proves_the_token_of_a_request() -> None:
    http = FakeHttp(*SENDS[0].answers)
    await build(TABLE).send(SENDS[0].submission, http.transports)
    scheme, given = http.requests[0].headers["authorization"].split(" ")
    claims = jwt.decode(given, KEY, algorithms=["HS256"], issuer=MSP, options={"require": ["iat", "iss"]})
    assert (scheme, sorted(claims)) == ("Bearer", ["iat", "iss"])
    assert claims["iat"] == pytest.approx(time.time(), abs=30)


@pytest.mark.parametrize(
    ("claims", "taken"),
    [
        ({}, True),
        ({"iss": "Apple", "exp": 600}, True),
        ({"aud": [MSP, "another"]}, True),
        ({"aud": "another"}, False),
        ({"exp": -600}, False),
        ({"iat": 600}, False),
        ({"nbf": 600}, False),
    ],
)
def test_a_token_of_pyjwt_counts_when_it_is_for_us_and_for_now(claims: dict[str, Any], taken: bool) -> None:
    at = int(time.time())  # by which the times among them are
    given = {name: at + value if name in ("exp", "iat", "nbf") else value for name, value in claims.items()}
    assert takes(f"Bearer {token(**given)}") is taken


def test_both_secrets_count_while_one_is_being_changed() -> None:
    given = [f"Bearer {token(key)}" for key in (KEY, OLD_KEY)]
    assert [takes(each) for each in given] == [True, False]
    assert [takes(each, "changing") for each in given] == [True, True]


def test_no_other_letter_is_taken_anywhere_in_a_token() -> None:
    given = f"Bearer {token()}"
    letters = string.ascii_letters + string.digits + "-_+/=. "
    forged = (
        given[:at] + letter + given[at + 1 :]
        for at in range(len(given))
        for letter in letters
        if letter != given[at]
    )
    assert [each for each in forged if takes(each)] == []
