"""Reads a recipient: a browser's PushSubscription, as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError

from gateway.errors import MessageRefused
from gateway.model.address import Address
from gateway.model.base import Wire
from handlers.providers.web_push.encryption import decoded

_AUTH_BYTES = 16
_HOST = re.compile(r"[a-z0-9.-]+")


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where a browser is reached, and what only it can read."""

    endpoint: str
    origin: str
    public_key: ec.EllipticCurvePublicKey
    auth_secret: bytes = field(repr=False)


class _Keys(Wire):
    p256dh: str
    auth: str


class _Given(Wire):
    endpoint: str
    keys: _Keys


def subscription_of(to: Address, push_services: Iterable[str]) -> Subscription:
    """The subscription that an address holds. Raises MessageRefused for one that cannot be used, or is not at
    one of the push services."""
    if to.kind != "subscription":
        raise MessageRefused("invalid_recipient", f"Web Push reaches a subscription, not a {to.kind}")
    try:
        given = _Given.model_validate_json(to.id)
        public_key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(given.keys.p256dh))
        auth_secret = decoded(given.keys.auth)
    except (ValidationError, ValueError) as error:
        raise MessageRefused("invalid_recipient", "not a subscription in JSON, with its keys") from error
    if len(auth_secret) != _AUTH_BYTES:
        raise MessageRefused("invalid_recipient", f"the auth secret has not {_AUTH_BYTES} bytes")
    return Subscription(given.endpoint, _origin(given.endpoint, push_services), public_key, auth_secret)


def _origin(endpoint: str, push_services: Iterable[str]) -> str:
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise MessageRefused("invalid_recipient", "the endpoint is not a URL") from error
    # A host of other signs could be another one to whoever connects to it.
    plain = _HOST.fullmatch(host) and "@" not in parts.netloc
    if parts.scheme != "https" or port not in (None, 443) or not plain:
        raise MessageRefused("invalid_recipient", "the endpoint is not an https URL of a push service")
    if not any(host == service or host.endswith(f".{service}") for service in push_services):
        raise MessageRefused("invalid_recipient", "the endpoint is at none of the account's push services")
    return f"https://{host}"
