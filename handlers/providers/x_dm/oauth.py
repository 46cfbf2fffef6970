"""Signs requests in the name of a user: OAuth 1.0a (RFC 5849) with HMAC-SHA1, the one method X takes."""

from __future__ import annotations

import base64
import hmac
import secrets
import time
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlsplit

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Keys:
    """Those of the app (the consumer), and those that the user gave it."""

    consumer_key: str = field(repr=False)
    consumer_secret: str = field(repr=False)
    token: str = field(repr=False)
    token_secret: str = field(repr=False)


def authorization(keys: Keys, method: str, url: str) -> str:
    """The Authorization header of a request. Its body is no part of the signature, since it is no form."""
    given = {
        "oauth_consumer_key": keys.consumer_key,
        "oauth_nonce": secrets.token_hex(16),
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": str(int(time.time())),
        "oauth_token": keys.token,
        "oauth_version": "1.0",
    }
    given["oauth_signature"] = _signature(keys, method, url, given)
    return "OAuth " + ", ".join(f'{name}="{_encoded(value)}"' for name, value in sorted(given.items()))


def _signature(keys: Keys, method: str, url: str, given: dict[str, str]) -> str:
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    pairs = sorted((_encoded(name), _encoded(value)) for name, value in [*given.items(), *query])
    host = (parts.hostname or "").lower()
    if parts.port is not None and parts.port != _PORTS.get(parts.scheme):
        host = f"{host}:{parts.port}"
    place = f"{parts.scheme.lower()}://{host}{parts.path or '/'}"
    signed = "&".join(map(_encoded, (method.upper(), place, "&".join("=".join(pair) for pair in pairs))))
    key = f"{_encoded(keys.consumer_secret)}&{_encoded(keys.token_secret)}"
    return base64.b64encode(hmac.digest(key.encode(), signed.encode(), "sha1")).decode()


def _encoded(value: str) -> str:
    return quote(value, safe="")
