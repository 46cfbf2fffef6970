"""JSON Web Tokens (RFC 7519): makes those that providers want, and reads those they prove themselves with."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

Algorithm = Literal["HS256", "HS512", "RS256", "ES256"]
SigningKey = str | bytes | RSAPrivateKey | EllipticCurvePrivateKey
ProvingKey = str | bytes | RSAPublicKey | EllipticCurvePublicKey

_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_LEEWAY_SECONDS = 60
# What PyJWT raises for a token that was made to break it; a header that is nested deeply is the last one.
_WRONG = (jwt.PyJWTError, ValueError, TypeError, ArithmeticError, RecursionError)


def make_jwt(
    claims: Mapping[str, Any],
    key: SigningKey,
    *,
    algorithm: Algorithm = "HS256",
    headers: Mapping[str, str] | None = None,
) -> str:
    """A signed token. `key` is the secret as bytes for HS256 and HS512, else a private key, also as PEM;
    `headers` come besides `alg` and `typ`. Raises ValueError for a key that does not fit the algorithm."""
    try:
        return jwt.encode(dict(claims), key, algorithm=algorithm, headers=dict(headers or {}))
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise ValueError(f"not a key for {algorithm}") from error


def read_jwt(
    token: str,
    keys: Iterable[ProvingKey],
    *,
    algorithm: Algorithm = "HS256",
    audience: str | None = None,
    issuer: str | None = None,
    required: Iterable[str] = (),
) -> dict[str, Any] | None:
    """The claims of a token that is signed with one of the keys; None for any other.

    Only this one algorithm counts, whatever the token says. `exp`, `nbf` and `iat` are checked where they are
    there, with a minute for clocks that differ; `audience` and `issuer` where they are given; `required`
    names claims that must be there. Every letter of the token counts, also in bits that base64 would ignore.
    """
    if not _FORM.fullmatch(token) or not all(map(_canonical, token.split("."))):
        return None
    options = {
        "require": list(required),
        "verify_aud": audience is not None,
        "verify_iss": issuer is not None,
    }
    for key in keys:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=audience,
                issuer=issuer,
                leeway=_LEEWAY_SECONDS,
                options=options,  # type: ignore[arg-type]
            )
        except _WRONG:
            continue
        return claims
    return None


def _canonical(part: str) -> bool:
    """Whether this is the one way to write these bytes in base64url."""
    try:
        plain = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        return False
    return base64.urlsafe_b64encode(plain).decode().rstrip("=") == part
