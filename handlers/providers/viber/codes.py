"""What the Viber bot API's statuses and events mean for us.

Viber answers HTTP 200 and tells the outcome in `status`.

Source: Viber's REST bot API, error codes and message receipts, November 2026.
"""

from __future__ import annotations

from typing import Literal

from gateway.errors import FailureKind

STATUSES: dict[str, Literal["delivered", "read", "failed"]] = {
    "delivered": "delivered",
    "seen": "read",
    "failed": "failed",
}

PERMANENT, TRANSIENT = FailureKind.PERMANENT, FailureKind.TRANSIENT
THROTTLED, AUTH = FailureKind.THROTTLED, FailureKind.AUTH

FAILURES: dict[int, tuple[FailureKind, str]] = {
    1: (PERMANENT, "invalid_message"),
    2: (AUTH, "account_credentials"),
    3: (PERMANENT, "invalid_message"),
    4: (PERMANENT, "invalid_message"),
    5: (PERMANENT, "recipient_gone"),
    6: (PERMANENT, "recipient_opted_out"),  # not subscribed, or not any more
    7: (AUTH, "account_suspended"),
    8: (AUTH, "account_credentials"),
    9: (AUTH, "account_suspended"),
    10: (AUTH, "account_credentials"),  # no webhook is set: nothing is taken until there is one
    11: (PERMANENT, "recipient_unreachable"),  # a device without bots
    12: (THROTTLED, "rate_limited"),
    13: (PERMANENT, "recipient_unreachable"),  # all of the person's devices are too old for this message
    14: (PERMANENT, "invalid_message"),
    15: (AUTH, "account_credentials"),
    16: (PERMANENT, "unsupported_content"),
    17: (PERMANENT, "unsupported_content"),
    18: (PERMANENT, "unsupported_content"),
    19: (PERMANENT, "policy_rejected"),
    20: (PERMANENT, "policy_rejected"),
    21: (PERMANENT, "country_restricted"),
    22: (AUTH, "quota_exceeded"),
    23: (AUTH, "quota_exceeded"),  # the month's free messages outside of sessions
    24: (AUTH, "quota_exceeded"),
}

# Viber documents any other number as a general error, which says that nothing was sent and not why.
GENERAL_ERROR = (TRANSIENT, "provider_error")


def failure_of(status: int) -> tuple[FailureKind, str]:
    """What a status other than 0 means."""
    return FAILURES.get(status, GENERAL_ERROR)
