"""What the reasons that Apple gives mean for us.

Source: Apple's documentation of handling notification responses, November 2026.
"""

from __future__ import annotations

from pydantic import ValidationError

from gateway.errors import FailureKind, ProviderError
from gateway.model.base import Wire
from gateway.transports.classify import http_failure, retry_after
from gateway.transports.port import HttpResponse

PERMANENT, TRANSIENT = FailureKind.PERMANENT, FailureKind.TRANSIENT
THROTTLED, AUTH = FailureKind.THROTTLED, FailureKind.AUTH

FAILURES: dict[str, tuple[FailureKind, str]] = {
    # The recipient.
    "Unregistered": (PERMANENT, "recipient_gone"),
    "ExpiredToken": (PERMANENT, "recipient_gone"),
    "BadDeviceToken": (PERMANENT, "invalid_recipient"),
    "DeviceTokenNotForTopic": (PERMANENT, "invalid_recipient"),
    "MissingDeviceToken": (PERMANENT, "invalid_recipient"),
    # Our key, the app and the environment: nothing can be sent until somebody acts.
    "ExpiredProviderToken": (AUTH, "account_credentials"),
    "InvalidProviderToken": (AUTH, "account_credentials"),
    "MissingProviderToken": (AUTH, "account_credentials"),
    "BadCertificate": (AUTH, "account_credentials"),
    "BadCertificateEnvironment": (AUTH, "account_credentials"),
    "BadEnvironmentKeyIdInToken": (AUTH, "account_credentials"),
    "UnrelatedKeyIdInToken": (AUTH, "account_credentials"),
    "Forbidden": (AUTH, "account_credentials"),
    "TopicDisallowed": (AUTH, "sender_invalid"),
    "MissingTopic": (AUTH, "sender_invalid"),
    "BadTopic": (AUTH, "sender_invalid"),
    # Too fast; for one device, a pause of the whole account would make everybody wait for that one.
    "TooManyRequests": (TRANSIENT, "rate_limited"),
    "TooManyProviderTokenUpdates": (THROTTLED, "rate_limited"),
    # Passing.
    "IdleTimeout": (TRANSIENT, "provider_unavailable"),
    "InternalServerError": (TRANSIENT, "provider_error"),
    "ServiceUnavailable": (TRANSIENT, "provider_unavailable"),
    "Shutdown": (TRANSIENT, "provider_unavailable"),
    # The message.
    "PayloadTooLarge": (PERMANENT, "content_too_long"),
    "PayloadEmpty": (PERMANENT, "invalid_message"),
    "BadCollapseId": (PERMANENT, "invalid_message"),
    "BadExpirationDate": (PERMANENT, "invalid_message"),
    "BadMessageId": (PERMANENT, "invalid_message"),
    "BadPath": (PERMANENT, "invalid_message"),
    "BadPriority": (PERMANENT, "invalid_message"),
    "DuplicateHeaders": (PERMANENT, "invalid_message"),
    "InvalidPushType": (PERMANENT, "invalid_message"),
    "MethodNotAllowed": (PERMANENT, "invalid_message"),
}
TOKEN_TOO_OLD = "ExpiredProviderToken"  # noqa: S105 - a reason


class _Refusal(Wire):
    reason: str


def reason_in(response: HttpResponse) -> str | None:
    """The reason that an answer gives, if it gives one."""
    try:
        return _Refusal.model_validate_json(response.body).reason
    except ValidationError:
        return None


def failure(response: HttpResponse) -> ProviderError:
    """The error for an answer that is not a success."""
    code = reason_in(response)
    known = FAILURES.get(code or "")
    if known is None:
        return http_failure(response, code=code)
    kind, reason = known
    return ProviderError(kind, reason=reason, code=code, retry_after_seconds=retry_after(response))
