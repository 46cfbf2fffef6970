"""Tokens are made as RFC 7515 and 7519 say, and read without leniency."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from handlers.shared.jwts import Algorithm, SigningKey, make_jwt, read_jwt

SECRET, OTHER = b"a secret of thirty-two bytes, yes", b"another one of as many bytes, too"
CLAIMS = {"iss": "us", "aud": "msp", "iat": 1_700_000_000}


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


def token(claims: Any, header: Any = None, secret: bytes = SECRET) -> str:
    """By hand, so that it can also be wrong."""
    head = header if isinstance(header, bytes) else json.dumps(header or {"alg": "HS256"}).encode()
    body = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    signed = f"{encoded(head)}.{encoded(body)}"
    return f"{signed}.{encoded(hmac.digest(secret, signed.encode(), 'sha256'))}"


# The token of RFC 7515, appendix A.1, and its key.
RFC_KEY = base64.urlsafe_b64decode(
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow=="
)
RFC_TOKEN = (
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)


def test_a_made_token_is_what_the_rfc_says() -> None:
    made = make_jwt(CLAIMS, SECRET, headers={"kid": "k1"})
    head, body, signature = made.split(".")
    assert json.loads(base64.urlsafe_b64decode(head + "==")) == {"alg": "HS256", "kid": "k1", "typ": "JWT"}
    assert json.loads(base64.urlsafe_b64decode(body + "==")) == CLAIMS
    assert signature == encoded(hmac.new(SECRET, f"{head}.{body}".encode(), hashlib.sha256).digest())


@pytest.mark.parametrize(
    ("algorithm", "key", "proving"),
    [
        ("RS256", (rsa_key := rsa.generate_private_key(65_537, 2_048)), rsa_key.public_key()),
        ("ES256", (ec_key := ec.generate_private_key(ec.SECP256R1())), ec_key.public_key()),
        ("HS512", SECRET * 2, SECRET * 2),
    ],
    ids=["RS256", "ES256", "HS512"],
)
def test_every_algorithm_makes_what_it_reads(algorithm: Algorithm, key: SigningKey, proving: Any) -> None:
    made = make_jwt(CLAIMS, key, algorithm=algorithm)
    assert read_jwt(made, [proving], algorithm=algorithm, audience="msp", issuer="us") == CLAIMS


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [("not a key", "RS256"), (b"", "ES256"), (ec.generate_private_key(ec.SECP256R1()), "RS256")],
)
def test_a_key_that_does_not_fit_is_refused_without_being_shown(key: Any, algorithm: Algorithm) -> None:
    with pytest.raises(ValueError, match=f"^not a key for {algorithm}$"):
        make_jwt(CLAIMS, key, algorithm=algorithm)


def test_the_token_of_the_rfc_has_the_signature_of_the_rfc_but_is_of_2011() -> None:
    assert jwt.api_jws.decode(RFC_TOKEN, RFC_KEY, algorithms=["HS256"]).startswith(b'{"iss":"joe"')
    assert read_jwt(RFC_TOKEN, [RFC_KEY]) is None


def test_one_of_several_keys_is_enough() -> None:
    assert read_jwt(token(CLAIMS), [OTHER, SECRET], audience="msp") == CLAIMS
    assert read_jwt(token(CLAIMS), [OTHER], audience="msp") is None
    assert read_jwt(token(CLAIMS), [], audience="msp") is None


def test_times_are_checked_with_a_minute_to_spare() -> None:
    now = int(time.time())
    fine: list[Mapping[str, Any]] = [{"exp": now - 30}, {"nbf": now + 30}, {"iat": now + 30}, {"iat": 1}]
    wrong = [{"exp": now - 90}, {"nbf": now + 90}, {"iat": now + 90}, {"exp": "never"}, {"iat": []}]
    assert [read_jwt(token(claims), [SECRET]) for claims in fine] == fine
    assert [read_jwt(token(claims), [SECRET]) for claims in wrong] == [None] * len(wrong)


@pytest.mark.parametrize(
    "claims", [{}, {"aud": "else"}, {"aud": ["else"]}, {"aud": None}, {"aud": {"msp": 1}}, {"iss": "us"}]
)
def test_another_audience_is_refused(claims: dict[str, Any]) -> None:
    assert read_jwt(token(claims), [SECRET], audience="msp") is None


def test_another_issuer_and_a_missing_claim_are_refused() -> None:
    assert read_jwt(token({"iss": "them"}), [SECRET], issuer="us") is None
    assert read_jwt(token({"iss": "us"}), [SECRET], required=["iat"]) is None
    assert read_jwt(token({"iss": "us", "iat": 1}), [SECRET], required=["iat"]) == {"iss": "us", "iat": 1}


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "HS512"},
        {"alg": ["HS256"]},
        {"alg": {}},
        {"alg": "HS256", "crit": ["x"]},
        {"alg": "HS256", "b64": False, "crit": ["b64"]},
        {"typ": "JWT"},
        b"[]",
        b"null",
        b'"HS256"',
        b"\xff",
        b"[" * 3_000 + b"]" * 3_000,
        b'{"alg":' * 3_000,
        b"1" * 5_000,
    ],
)
def test_a_header_that_says_something_else_is_refused(header: Any) -> None:
    assert read_jwt(token({"iss": "us"}, header), [SECRET]) is None


@pytest.mark.parametrize("claims", [b"[]", b"null", b"", b"\xff", b"{", b"[" * 9_000, b"1" * 5_000])
def test_claims_that_are_no_object_are_refused(claims: bytes) -> None:
    assert read_jwt(token(claims), [SECRET]) is None


def test_any_changed_letter_is_refused() -> None:
    given = token(CLAIMS)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.+/=\n é"
    forged = (
        given[:at] + letter + given[at + 1 :]
        for at in range(len(given))
        for letter in (alphabet if at > len(given) - 3 else "Aa0-.=")
        if letter != given[at]
    )
    assert [wrong for wrong in forged if read_jwt(wrong, [SECRET]) is not None] == []


@pytest.mark.parametrize("change", ["{}=", "{}\n", " {}", "{}.", ".{}", "{}.a", "a.{}", "{}\udcff", "", ".."])
def test_what_is_added_to_a_token_is_refused(change: str) -> None:
    assert read_jwt(change.format(token(CLAIMS)), [SECRET]) is None
