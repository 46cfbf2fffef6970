"""Tokens of clients: JWT (RFC 7519) with HS256, signed with a secret of the application profile."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from gateway.model.application import Application
from gateway.rtm.names import Device, read_login
from gateway.rtm.refusals import RtmRefused

DEFAULT_SECONDS = 3_600
MAX_SECONDS = 86_400

SESSION_SECONDS = 86_400
"""For how long clients are told to have the broker keep their session: what comes while they are away."""

_ALGORITHM = "HS256"
_ISSUER = "im-gateway"
_AUDIENCE = "imgw.rtm"
_LEEWAY_SECONDS = 10  # for clocks that differ: those who sign and those who check are all ours
# The longest ids there are make one of about 10,000.
_MAX_CHARACTERS = 16_384
_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
# What PyJWT raises for a token that was made to break it; a part that is nested deeply is the last one.
_WRONG = (jwt.PyJWTError, ValueError, TypeError, ArithmeticError, RecursionError)
_AS_SIGNED: dict[str, Any] = {
    "require": ["iss", "aud", "sub", "iat", "exp"],
    "strict_aud": True,  # a list that names others, too, is none of ours
    # Against the time that is asked for, below.
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}


@dataclass(frozen=True, slots=True)
class ClientToken:
    value: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Admission:
    """What a token proves: which device, and until when."""

    device: Device
    expires_at: datetime


def issue(application: Application, device: Device, seconds: int, at: datetime) -> ClientToken:
    """A token for one device, with which it connects as `device.login` until then. Raises RtmRefused with
    `no_secret`.

    Besides what we read again, it holds what brokers that read tokens themselves go by: the user name and
    client id, and `acl`, the topics as EMQX takes them (docs.emqx.com, "Access Control List": in this form,
    what is not listed is denied).
    """
    if not application.secrets:
        raise RtmRefused("no_secret")
    issued_at = int(at.timestamp())
    expires_at = issued_at + seconds
    secret = _bytes(application, 0)
    claims = {
        "iss": _ISSUER,
        "aud": _AUDIENCE,
        "sub": device.user_id,
        "app": device.app_id,
        "device": device.device_id,
        "iat": issued_at,
        "exp": expires_at,
        "username": device.login,
        "clientid": device.login,
        "acl": {"pub": list(device.publications), "sub": list(device.subscriptions)},
    }
    value = jwt.encode(claims, secret, algorithm=_ALGORITHM, headers={"kid": _key_id(secret)})
    return ClientToken(value, datetime.fromtimestamp(expires_at, UTC))


def admission(token: str, application: Application, at: datetime) -> Admission | None:
    """Whose token this is; None when it is forged, has ended, or is not for this application."""
    claims = _signed(token, application)
    if claims is None or claims.get("app") != application.app_id:
        return None
    expires_at, issued_at = _time(claims.get("exp")), _time(claims.get("iat"))
    device = _device(claims)
    leeway = timedelta(seconds=_LEEWAY_SECONDS)
    if device is None or expires_at is None or issued_at is None:
        return None
    if at >= expires_at + leeway or issued_at > at + leeway:
        return None
    return Admission(device, expires_at)


def _signed(token: str, application: Application) -> Mapping[str, Any] | None:
    """The claims of a token that one of the application's secrets has signed for us.

    Both secrets are tried, whatever its `kid` says: that is for people and brokers with several keys.
    """
    if not _has_form(token):
        return None
    for number in range(len(application.secrets)):
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                _bytes(application, number),
                algorithms=[_ALGORITHM],
                audience=_AUDIENCE,
                issuer=_ISSUER,
                options=_AS_SIGNED,  # type: ignore[arg-type]
            )
        except _WRONG:
            continue
        return claims
    return None


def _has_form(token: str) -> bool:
    return len(token) <= _MAX_CHARACTERS and _FORM.fullmatch(token) is not None


def _device(claims: Mapping[str, Any]) -> Device | None:
    parts = [claims.get(name) for name in ("app", "sub", "device")]
    if not all(isinstance(part, str) for part in parts):
        return None
    device = Device(*map(str, parts))
    try:
        return device if read_login(device.login) == device else None
    except ValueError:  # half a character
        return None


def _time(claim: object) -> datetime | None:
    if not isinstance(claim, int) or isinstance(claim, bool):
        return None
    try:
        return datetime.fromtimestamp(claim, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _bytes(application: Application, number: int) -> bytes:
    return application.secrets[number].get_secret_value().encode()


def _key_id(secret: bytes) -> str:
    """Which secret it is, without a word about it."""
    return hmac.digest(secret, b"kid", "sha256").hex()[:8]
