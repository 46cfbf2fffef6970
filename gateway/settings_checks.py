"""What is right for a setting where its type alone does not say so; no message shows a secret value."""

from __future__ import annotations

import json
import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr

Network = IPv4Network | IPv6Network

_FERNET_KEY = re.compile(r"[A-Za-z0-9_-]{43}=")  # 32 bytes
# What a Bearer token may consist of (RFC 6750); 22 characters of base64 hold 128 bits.
_API_KEY = re.compile(r"(?=.{22,})[A-Za-z0-9._~+/-]+=*")


def server_url(*schemes: str) -> AfterValidator:
    """A check that a secret is a URL with one of the schemes and a host."""

    def check(value: SecretStr) -> SecretStr:
        try:
            parts = urlsplit(value.get_secret_value())
        except ValueError:
            raise ValueError("cannot be read as a URL") from None  # its message shows a part
        if parts.scheme not in schemes:
            raise ValueError(f"must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        if not parts.netloc.rpartition("@")[2]:
            raise ValueError("names no host")
        return value

    return AfterValidator(check)


def web_url(value: str) -> str:
    """A URL that others call us by, without a slash at its end."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be a URL beginning with https:// or http://")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("takes no user, query or fragment")
    return value.rstrip("/")


def fernet_keys(value: SecretStr) -> SecretStr:
    """One Fernet key or several, separated by commas."""
    if not all(_FERNET_KEY.fullmatch(key.strip()) for key in value.get_secret_value().split(",")):
        raise ValueError("each key is 32 bytes in URL-safe base64, several separated by commas")
    return value


def api_keys(value: SecretStr) -> SecretStr:
    """One key for the API or several, separated by commas."""
    if not all(_API_KEY.fullmatch(key.strip()) for key in value.get_secret_value().split(",")):
        raise ValueError("each key is 22 or more of A-Z a-z 0-9 . _ ~ + / - (several separated by commas)")
    return value


def networks(value: object) -> object:
    """Networks as a list, or as text: JSON, or separated by commas."""
    if isinstance(value, str):
        value = _listed(value)
    if not isinstance(value, list | tuple):
        return value  # pydantic says what it should be
    return tuple(_network(item) for item in value)


def lower(value: object) -> object:
    """Text in lower case; anything else as it is."""
    return value.lower() if isinstance(value, str) else value


def _listed(value: str) -> object:
    if not value.lstrip().startswith("["):
        return [part.strip() for part in value.split(",") if part.strip()]
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        raise ValueError("begins like a JSON list and is not one") from None


def _network(item: object) -> Network:
    if isinstance(item, IPv4Network | IPv6Network):
        return item
    try:
        return ip_network(str(item))
    except ValueError:
        raise ValueError(f"{item} is not a network such as 10.1.0.0/16 (no bits set behind it)") from None
