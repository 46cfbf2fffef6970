"""A Google service account: its key, and the access tokens it is good for (OAuth 2.0 by JWT, RFC 7523)."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlencode

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import AfterValidator, Field, HttpUrl, SecretStr, ValidationError

from gateway.errors import FailureKind, ProviderError
from gateway.model.base import Wire, now
from gateway.transports.classify import http_failure
from gateway.transports.port import HttpRequest, HttpResponse, HttpTransport, Token
from handlers.shared.jwts import make_jwt
from handlers.shared.secret import Secret

_SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_NO_KEY = "is not the key of a service account in JSON"
_LIFE_SECONDS = 3_600  # the longest that Google gives


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """Who asks for tokens, where, and with which key."""

    project_id: str
    email: str
    key_id: str
    key: RSAPrivateKey = field(repr=False)
    token_url: str


class _KeyFile(Wire):
    """What Google gives for a key."""

    project_id: str = Field(pattern=r"^[A-Za-z0-9:._-]{1,128}$")
    client_email: str = Field(min_length=1)
    private_key_id: str = Field(min_length=1)
    private_key: str = Field(repr=False)
    token_uri: HttpUrl = HttpUrl("https://oauth2.googleapis.com/token")


class _Granted(Wire):
    access_token: str = Field(min_length=1)
    expires_in: float = Field(_LIFE_SECONDS, gt=0, le=86_400)


class _Refused(Wire):
    error: str | None = None
    error_description: str | None = None


def service_account(secret: SecretStr) -> ServiceAccount:
    """The account of a key file. Raises ValueError for what is none."""
    try:
        file = _KeyFile.model_validate_json(secret.get_secret_value())
        # Proving that its numbers are primes takes a tenth of a second, and would find no slip of a hand.
        key = load_pem_private_key(
            file.private_key.encode(), password=None, unsafe_skip_rsa_key_validation=True
        )
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError(_NO_KEY) from None  # without what was given
    if not isinstance(key, RSAPrivateKey):
        raise ValueError(_NO_KEY)
    return ServiceAccount(file.project_id, file.client_email, file.private_key_id, key, str(file.token_uri))


def _usable(secret: SecretStr) -> SecretStr:
    service_account(secret)
    return secret


AccountKey = Annotated[Secret, AfterValidator(_usable)]


async def fetch_token(account: ServiceAccount, http: HttpTransport, *, timeout_seconds: float) -> Token:
    """A new access token. Raises ProviderError, which is never UNCERTAIN: no message has been sent yet."""
    form = {"grant_type": _GRANT, "assertion": assertion(account)}
    request = HttpRequest(
        method="POST",
        url=account.token_url,
        headers={"content-type": "application/x-www-form-urlencoded"},
        body=urlencode(form).encode(),
    )
    try:
        response = await http.request(request, timeout_seconds=timeout_seconds)
        return _granted(response)
    except ProviderError as error:
        if error.kind is not FailureKind.UNCERTAIN:
            raise
        raise _unavailable(error.code, error.retry_after_seconds) from error


def assertion(account: ServiceAccount) -> str:
    """What the account asks for a token with, signed by its key."""
    issued_at = int(time.time())
    claims = {
        "iss": account.email,
        "scope": _SCOPE,
        "aud": account.token_url,
        "iat": issued_at,
        "exp": issued_at + _LIFE_SECONDS,
    }
    return make_jwt(claims, account.key, algorithm="RS256", headers={"kid": account.key_id})


def _granted(response: HttpResponse) -> Token:
    if not 200 <= response.status < 300:
        raise _refusal(response)
    try:
        granted = _Granted.model_validate_json(response.body)
    except ValidationError as error:
        raise _unavailable(f"http_{response.status}", None) from error
    return Token(granted.access_token, now() + timedelta(seconds=granted.expires_in))


def _refusal(response: HttpResponse) -> ProviderError:
    try:
        told = _Refused.model_validate_json(response.body)
    except ValidationError:
        told = _Refused()
    failure = http_failure(response, code=told.error, text=told.error_description)
    if failure.kind is not FailureKind.PERMANENT:
        return failure
    # A refused grant says nothing of the message, whatever its status: nothing can be sent with this key.
    return ProviderError(FailureKind.AUTH, reason="account_credentials", code=failure.code, text=failure.text)


def _unavailable(code: str | None, retry_after_seconds: float | None) -> ProviderError:
    return ProviderError(
        FailureKind.TRANSIENT,
        reason="provider_unavailable",
        code=code,
        retry_after_seconds=retry_after_seconds,
    )
