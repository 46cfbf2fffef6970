"""What a broker's reason codes mean (MQTT 5, section 2.4); those of MQTT 3.1.1 come from paho as these."""

from __future__ import annotations

from gateway.errors import FailureKind, ProviderError
from gateway.transports.failing import not_taken

TAKEN_OVER = 0x8E
KEEP_ALIVE_TIMEOUT = 0x8D

_FIRST_FAILURE = 0x80
_BAD_LOGIN = frozenset({0x86, 0x87, 0x8A, 0x8C})  # user or password, not authorized, banned, method
_NO_ROOM = 0x97
_RATE = 0x9F
_REFUSED = frozenset({0x90, 0x95, 0x99})  # topic name, size, payload format

_WORDS = {
    0x80: "unspecified error",
    0x81: "malformed packet",
    0x82: "protocol error",
    0x83: "implementation specific error",
    0x84: "the broker does not speak this version of MQTT: set the account's parameters.protocol",
    0x85: "client identifier not valid",
    0x86: "bad user name or password",
    0x87: "not authorized",
    0x88: "server unavailable",
    0x89: "server busy",
    0x8A: "banned",
    0x8B: "server shutting down",
    0x8C: "bad authentication method",
    0x8D: "keep alive timeout",
    0x8E: "session taken over by another connection with the same client identifier",
    0x8F: "topic filter not valid",
    0x90: "topic name not valid",
    0x93: "receive maximum exceeded",
    0x95: "packet too large",
    0x96: "message rate too high",
    0x97: "quota exceeded",
    0x98: "administrative action",
    0x99: "payload format not valid",
    0x9A: "retain not supported",
    0x9B: "QoS not supported",
    0x9C: "use another server",
    0x9D: "server moved",
    0x9E: "shared subscriptions not supported: set the account's parameters.inbound",
    0x9F: "connection rate exceeded",
    0xA1: "subscription identifiers not supported",
    0xA2: "wildcard subscriptions not supported",
}


def failed(code: int) -> bool:
    return code >= _FIRST_FAILURE


def told(code: int) -> str:
    """What a broker says with it, in words for an operator."""
    return f"{_WORDS.get(code, 'a reason that MQTT 5 does not know')} ({code:#04x})"


def login_failure(code: int) -> ProviderError:
    """The error for a connection that the broker refused."""
    if code in _BAD_LOGIN:
        return _failure(FailureKind.AUTH, "account_credentials", code)
    if code in (_NO_ROOM, _RATE):
        return _failure(FailureKind.THROTTLED, "rate_limited", code)
    return not_taken(f"{code:#04x}", told(code))


def publication_failure(code: int) -> ProviderError:
    """The error for a publication that the broker refused."""
    if code == 0x87:
        return _failure(FailureKind.AUTH, "account_credentials", code)
    if code == _NO_ROOM:
        return _failure(FailureKind.THROTTLED, "rate_limited", code)
    if code in _REFUSED:
        return _failure(FailureKind.PERMANENT, "provider_error", code)
    return _failure(FailureKind.TRANSIENT, "provider_error", code)


def unsendable(text: str) -> ProviderError:
    """The error for a publication that MQTT, or this broker, cannot carry."""
    return ProviderError(
        FailureKind.PERMANENT, reason="provider_error", code="publication_invalid", text=text
    )


def too_long(size_bytes: int, most_bytes: int) -> ProviderError:
    return ProviderError(
        FailureKind.PERMANENT,
        reason="content_too_long",
        code="0x95",
        text=f"the publication has {size_bytes} bytes, and the broker takes {most_bytes}",
    )


def _failure(kind: FailureKind, reason: str, code: int) -> ProviderError:
    return ProviderError(kind, reason=reason, code=f"{code:#04x}", text=told(code))
