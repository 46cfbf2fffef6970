"""Tokens of clients: what is signed is read again, and nothing else is."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from pydantic import SecretStr

from gateway.model.application import Application
from gateway.rtm.names import Device
from gateway.rtm.refusals import RtmRefused
from gateway.rtm.tokens import Admission, ClientToken, admission, issue

FIRST, SECOND, OTHER = ("first-" + "f" * 32, "second-" + "s" * 32, "other-" + "o" * 32)
AT = datetime(2026, 11, 20, 10, 0, 0, tzinfo=UTC)
DEVICE = Device("shop", "alice@x", "phone")


def application(*secrets: str, app_id: str = "shop") -> Application:
    return Application(app_id=app_id, secrets=tuple(map(SecretStr, secrets)))


SHOP = application(FIRST)


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


def decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def signed(body: bytes, header: bytes = b'{"alg":"HS256","typ":"JWT"}', secret: str = FIRST) -> str:
    """By hand, so that it can also be wrong."""
    told = f"{encoded(header)}.{encoded(body)}"
    return f"{told}.{encoded(hmac.digest(secret.encode(), told.encode(), 'sha256'))}"


def claims(**changed: Any) -> dict[str, Any]:
    """Those of a good token, changed; what is None is left out."""
    good = decoded(issue(SHOP, DEVICE, 60, AT).value.split(".")[1])
    return {name: value for name, value in {**good, **changed}.items() if value is not None}


def token(secret: str = FIRST, **changed: Any) -> str:
    return signed(json.dumps(claims(**changed)).encode(), secret=secret)


def proved(token: str, application: Application, at: datetime) -> Device | None:
    """Whose the token is, if it is good."""
    admitted = admission(token, application, at)
    return admitted.device if admitted else None


def test_a_token_says_who_it_is_for_and_what_that_device_may_do() -> None:
    made = issue(application(FIRST, SECOND), DEVICE, 3_600, AT)
    header, body, signature = made.value.split(".")
    told = f"{header}.{body}"
    own = "imgw/v1/shop/u/alice%40x/d/phone"
    assert made == ClientToken(made.value, AT + timedelta(hours=1))
    assert signature == encoded(hmac.new(FIRST.encode(), told.encode(), hashlib.sha256).digest())
    kid = hmac.digest(FIRST.encode(), b"kid", "sha256").hex()[:8]
    assert decoded(header) == {"alg": "HS256", "typ": "JWT", "kid": kid}
    assert decoded(body) == {
        "iss": "im-gateway",
        "aud": "imgw.rtm",
        "sub": "alice@x",
        "app": "shop",
        "device": "phone",
        "iat": int(AT.timestamp()),
        "exp": int(AT.timestamp()) + 3_600,
        "username": "shop:alice%40x:phone",
        "clientid": "shop:alice%40x:phone",
        "acl": {
            "pub": [f"{own}/{kind}" for kind in ("up", "rcpt", "req", "presence")],
            "sub": [
                "imgw/v1/shop/u/alice%40x/down",
                "imgw/v1/shop/u/alice%40x/sync",
                f"{own}/down",
                f"{own}/res",
            ],
        },
    }


def test_a_token_is_not_shown() -> None:
    made = issue(SHOP, DEVICE, 60, AT)
    assert made.value not in repr(made)


def test_without_a_secret_there_are_no_tokens() -> None:
    with pytest.raises(RtmRefused) as raised:
        issue(application(), DEVICE, 60, AT)
    assert raised.value.code == "no_secret"
    assert proved(token(), application(), AT) is None


@pytest.mark.parametrize(
    "device",
    [
        DEVICE,
        Device("shop", "u", "d"),
        Device("shop", "A" + ":@+=" * 31 + "x:.", "d" + ".:" * 31),
    ],
)
def test_what_is_issued_proves_its_device(device: Device) -> None:
    admitted = admission(issue(SHOP, device, 60, AT).value, SHOP, AT)
    assert admitted == Admission(device, AT + timedelta(seconds=60))


@pytest.mark.parametrize("secrets", [(FIRST,), (FIRST, SECOND), (SECOND, FIRST)])
def test_either_of_two_secrets_proves_it(secrets: tuple[str, ...]) -> None:
    assert proved(issue(SHOP, DEVICE, 60, AT).value, application(*secrets), AT) == DEVICE


@pytest.mark.parametrize("secrets", [(SECOND,), (SECOND, OTHER)])
def test_once_its_secret_is_gone_a_token_proves_nothing(secrets: tuple[str, ...]) -> None:
    assert proved(issue(SHOP, DEVICE, 60, AT).value, application(*secrets), AT) is None


@pytest.mark.parametrize(
    ("seconds", "found"), [(-3_600, None), (-11, None), (-10, DEVICE), (0, DEVICE), (69, DEVICE), (70, None)]
)
def test_a_token_is_good_from_its_beginning_to_its_end_with_little_leeway(
    seconds: int, found: Device | None
) -> None:
    assert proved(issue(SHOP, DEVICE, 60, AT).value, SHOP, AT + timedelta(seconds=seconds)) == found


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "somebody"},
        {"iss": None},
        {"aud": "imgw"},
        {"aud": ["imgw.rtm"]},
        {"aud": None},
        {"sub": None},
        {"sub": 7},
        {"sub": "alice/#"},
        {"sub": "+"},
        {"sub": ""},
        {"sub": "\ud800"},
        {"sub": "alice\n"},
        {"sub": "a" * 129},
        {"app": "other"},
        {"app": None},
        {"app": ["shop"]},
        {"device": None},
        {"device": "phone/../tablet"},
        {"device": "d" * 65},
        {"iat": None},
        {"iat": "now"},
        {"exp": None},
        {"exp": "never"},
        {"exp": 1e400},
        {"exp": 1.8e9},
        {"exp": True},
        {"exp": 10**30},
        {"exp": -(10**30)},
    ],
)
def test_what_is_signed_but_not_as_it_must_be_proves_nothing(changed: Mapping[str, Any]) -> None:
    assert proved(token(), SHOP, AT) == DEVICE
    assert proved(token(**changed), SHOP, AT) is None


def test_a_token_of_another_application_proves_nothing_even_with_the_same_secret() -> None:
    assert proved(token(), application(FIRST, app_id="other"), AT) is None


GOOD = token()
HEAD, BODY, SIGNATURE = GOOD.split(".")
PUBLIC_KEY = b'{"alg":"RS256","typ":"JWT"}'
DEEP = b'{"app":' + b"[" * 4_000 + b"]" * 4_000 + b"}"


@pytest.mark.parametrize(
    "forged",
    [
        "",
        ".",
        "..",
        "a.b.c",
        GOOD[:-1],
        GOOD + "=",
        GOOD + "\n",
        f" {GOOD}",
        f"{HEAD}.{BODY}.",
        f"{HEAD}.{BODY}",
        f"{HEAD}.{BODY}.{'A' * 43}",
        f"{encoded(b'{}')}.{BODY}.{SIGNATURE}",
        jwt.encode(claims(), "", algorithm="none"),
        jwt.encode(claims(), FIRST * 2, algorithm="HS512"),
        signed(json.dumps(claims()).encode(), b'{"alg":"none","typ":"JWT"}'),
        signed(json.dumps(claims()).encode(), b'{"alg":"HS512","typ":"JWT"}'),
        signed(json.dumps(claims()).encode(), PUBLIC_KEY),
        signed(json.dumps(claims()).encode(), b'{"alg":["HS256"]}'),
        signed(json.dumps(claims()).encode(), b'{"alg":"HS256","crit":["exp"]}'),
        signed(json.dumps(claims()).encode(), b"[]"),
        signed(json.dumps(claims()).encode(), b"\xff"),
        token(secret=OTHER),
        token(secret=""),
        signed(b"null"),
        signed(b"[]"),
        signed(b"\xff"),
        signed(DEEP),
        signed(b'{"app":' + b"9" * 5_000 + b"}"),
        "é" * 10 + GOOD,
        f"{HEAD}.{'A' * 20_000}.{SIGNATURE}",
    ],
)
def test_a_forged_token_proves_nothing(forged: str) -> None:
    assert proved(forged, SHOP, AT) is None


def test_a_token_of_any_length_but_a_reasonable_one_is_not_even_read() -> None:
    padded = token(pad="x" * 20_000)
    assert proved(padded, SHOP, AT) is None
