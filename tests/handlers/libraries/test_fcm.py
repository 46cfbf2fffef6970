"""google-auth as the other side: it accepts what FCM's handler asks for access tokens with."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from google.auth import jwt as google_jwt
from google.oauth2.service_account import Credentials
from pydantic import SecretStr

from handlers.providers.fcm.service_account import assertion, service_account
from tests.handlers.cases.fcm_accounts import KEY, PEM, SERVICE_ACCOUNT, TOKEN_URL

PUBLIC_PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"


def claims_in(token: str | bytes) -> dict[str, Any]:
    claims = google_jwt.decode(token, certs={"key-1": PUBLIC_PEM})  # type: ignore[no-untyped-call]
    claims["lasts"] = claims.pop("exp") - claims.pop("iat")
    return dict(claims)


def header_in(token: str | bytes) -> dict[str, Any]:
    return dict(google_jwt.decode_header(token))  # type: ignore[no-untyped-call]


def test_google_auth_accepts_the_assertion() -> None:
    ours = assertion(service_account(SecretStr(SERVICE_ACCOUNT)))
    assert claims_in(ours) == {
        "iss": "push@shop-1.example",
        "scope": SCOPE,
        "aud": TOKEN_URL,
        "lasts": 3600,
    }
    assert header_in(ours) == {"typ": "JWT", "alg": "RS256", "kid": "key-1"}


def test_google_auth_asks_with_the_same_header_and_claims_to_its_own_token_url() -> None:
    info = {
        "client_email": "push@shop-1.example",
        "token_uri": "https://oauth2.googleapis.com/token",
        "private_key": PEM,
        "private_key_id": "key-1",
    }
    theirs = Credentials.from_service_account_info(info, scopes=[SCOPE])  # type: ignore[no-untyped-call]
    token = theirs._make_authorization_grant_assertion()
    ours = assertion(service_account(SecretStr(SERVICE_ACCOUNT)))
    assert claims_in(token) == claims_in(ours) | {"aud": info["token_uri"]}
    assert header_in(token) == header_in(ours)
