"""What FCM's error codes mean for us.

Source: Firebase's reference of `ErrorCode` (HTTP v1), November 2026.
"""

from __future__ import annotations

from gateway.errors import FailureKind, ProviderError
from gateway.transports.classify import http_failure, retry_after
from gateway.transports.port import HttpResponse
from handlers.providers.fcm import wire

PERMANENT, TRANSIENT = FailureKind.PERMANENT, FailureKind.TRANSIENT
THROTTLED, AUTH = FailureKind.THROTTLED, FailureKind.AUTH

FAILURES: dict[str, tuple[FailureKind, str]] = {
    "UNREGISTERED": (PERMANENT, "recipient_gone"),
    # The token belongs to another project: a matter of this one recipient, not of our credentials.
    "SENDER_ID_MISMATCH": (PERMANENT, "invalid_recipient"),
    "INVALID_ARGUMENT": (PERMANENT, "invalid_message"),
    "THIRD_PARTY_AUTH_ERROR": (AUTH, "account_credentials"),
    "UNAUTHENTICATED": (AUTH, "account_credentials"),
    "PERMISSION_DENIED": (AUTH, "account_credentials"),
    "QUOTA_EXCEEDED": (THROTTLED, "rate_limited"),
    "RESOURCE_EXHAUSTED": (THROTTLED, "rate_limited"),
    "UNAVAILABLE": (TRANSIENT, "provider_unavailable"),
    "INTERNAL": (TRANSIENT, "provider_error"),
}
# Words in the text of INVALID_ARGUMENT, which stands for many things.
_MEANT = (("registration token", "invalid_recipient"), ("too big", "content_too_long"))

# What Firebase asks to wait where it names no time.
RETRY_AFTER_SECONDS = {"QUOTA_EXCEEDED": 60.0}


def failure(response: HttpResponse) -> ProviderError:
    """The error for an answer that is not a success."""
    error = wire.error_in(response)
    code, text = error.code, error.message or None
    known = FAILURES.get(code or "")
    if code is None or known is None:
        return http_failure(response, code=code, text=text)
    kind, reason = known
    if code == "INVALID_ARGUMENT":
        said = error.message.lower()
        reason = next((meant for words, meant in _MEANT if words in said), reason)
    told = (retry_after(response), error.retry_after_seconds, RETRY_AFTER_SECONDS.get(code))
    seconds = next((each for each in told if each is not None), None)
    return ProviderError(kind, reason=reason, code=code, text=text, retry_after_seconds=seconds)
