"""What an HTTP status means where a provider's own documentation does not say otherwise."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from gateway.errors import FailureKind, ProviderError
from gateway.transports.port import HttpResponse

_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]+)?")  # the fraction is not in the standard, and is sent
_NOT_TAKEN = frozenset({408, 425, 503})  # the server says that it did not act on the request


def http_failure(
    response: HttpResponse, *, code: str | None = None, text: str | None = None
) -> ProviderError:
    """The error for an answer that is not a success; `code` and `text` are the provider's own, if it gave
    any."""
    kind, reason = _meaning(response.status)
    return ProviderError(
        kind,
        reason=reason,
        code=code if code is not None else f"http_{response.status}",
        text=text,
        retry_after_seconds=retry_after(response),
    )


def unreadable(response: HttpResponse) -> ProviderError:
    """The error for a success that cannot be read: the message may well have been taken."""
    return ProviderError(
        FailureKind.UNCERTAIN,
        reason="provider_error",
        code=f"http_{response.status}",
        text="the provider's answer could not be read",
    )


def retry_after(response: HttpResponse) -> float | None:
    """The Retry-After header in seconds from now (RFC 9110, section 10.2.3); None when absent or not
    readable."""
    value = response.headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    try:
        at = parsedate_to_datetime(value)
        if at.tzinfo is None:  # "-0000": UTC, by a server that does not know its own zone (RFC 5322)
            at = at.replace(tzinfo=UTC)
        return max(0.0, (at - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError):
        return None


def _meaning(status: int) -> tuple[FailureKind, str]:
    if status == 429:
        return FailureKind.THROTTLED, "rate_limited"
    if status in (401, 403):
        return FailureKind.AUTH, "account_credentials"
    if status in _NOT_TAKEN:
        return FailureKind.TRANSIENT, "provider_unavailable"
    if 400 <= status < 500:
        return FailureKind.PERMANENT, "provider_error"
    return FailureKind.UNCERTAIN, "provider_error"
