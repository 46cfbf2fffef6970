"""What the answers of push services mean for us.

RFC 8030 knows HTTP statuses only; what services say besides is kept for people, and read where one status
stands for two things. Source: RFC 8030, Mozilla's list of error numbers, and answers of Google's and Apple's
services seen in public trackers of push libraries, November 2026.
"""

from __future__ import annotations

from pydantic import ValidationError

from gateway.errors import FailureKind, ProviderError
from gateway.model.base import Wire
from gateway.transports.classify import http_failure, retry_after, unreadable
from gateway.transports.port import HttpResponse

PERMANENT, THROTTLED = FailureKind.PERMANENT, FailureKind.THROTTLED

FAILURES: dict[int, tuple[FailureKind, str]] = {
    404: (PERMANENT, "recipient_gone"),
    410: (PERMANENT, "recipient_gone"),
    413: (PERMANENT, "content_too_long"),
    406: (THROTTLED, "rate_limited"),  # Microsoft's way to say it
}
# The browser subscribed with another VAPID key than ours: a matter of this one recipient, who must subscribe
# again, though services answer as to wrong credentials. Words of Google, Mozilla and Apple, in this order.
_OTHER_KEY = ("do not correspond to the credentials", "public key mismatch", "vapidpkhashmismatch")
_MOST_TEXT = 200


class _Refusal(Wire):
    """Mozilla gives errno and message, Apple a reason."""

    errno: int | None = None
    message: str | None = None
    reason: str | None = None


def failure(response: HttpResponse) -> ProviderError:
    """The error for an answer that is not a success."""
    told = _refusal(response)
    code = told.reason or (None if told.errno is None else str(told.errno))
    text = told.message or told.reason
    known = FAILURES.get(response.status)
    if any(words in (text or "").lower() for words in _OTHER_KEY):
        known = PERMANENT, "invalid_recipient"
    if known is None:
        return http_failure(response, code=code, text=text)
    kind, reason = known
    return ProviderError(
        kind,
        reason=reason,
        code=code or f"http_{response.status}",
        text=text,
        retry_after_seconds=retry_after(response),
    )


def message_id(response: HttpResponse, key: str) -> str:
    """The id of the message: where the service keeps it. Raises ProviderError UNCERTAIN for an answer that
    does not say it was taken."""
    location = response.headers.get("location")
    if location:
        return location
    if response.status in (201, 202):  # taken, by a service that leaves the header out: ours is unique, too
        return key
    raise unreadable(response)


def _refusal(response: HttpResponse) -> _Refusal:
    try:
        return _Refusal.model_validate_json(response.body)
    except ValidationError:
        words = response.body[:_MOST_TEXT].decode(errors="replace").strip()
        return _Refusal(message=words) if words and words[0] not in "<{[" else _Refusal()
