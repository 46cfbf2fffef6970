"""What WeChat's receipts and `errcode`s mean for us.

WeChat answers with HTTP 200 whatever happened; the `errcode` says what did, and 0 is success.

Source: the global return codes of the official accounts' documentation, read in November 2026.
"""

from __future__ import annotations

from typing import Literal

from gateway.errors import FailureKind
from gateway.model.receipt import Reason

STATUSES: dict[str, Literal["delivered", "failed"]] = {
    "success": "delivered",
    "failed:user block": "failed",
    "failed:system failed": "failed",
}

PERMANENT, TRANSIENT = FailureKind.PERMANENT, FailureKind.TRANSIENT
THROTTLED, AUTH = FailureKind.THROTTLED, FailureKind.AUTH

# The access token is not taken: one that has run out, and others, which asking again would only give back.
TOKEN_EXPIRED = 42001
TOKEN_REFUSED = frozenset({40001, 40014, TOKEN_EXPIRED})

FAILURES: dict[int, tuple[FailureKind, str]] = {
    # Credentials and the account: nothing can be sent until somebody acts.
    40001: (AUTH, "account_credentials"),
    40002: (AUTH, "account_credentials"),
    40013: (AUTH, "account_credentials"),
    40014: (AUTH, "account_credentials"),
    40125: (AUTH, "account_credentials"),
    40164: (AUTH, "account_credentials"),  # our address is not on the account's list
    40243: (AUTH, "account_credentials"),  # the secret is frozen
    41001: (AUTH, "account_credentials"),
    41002: (AUTH, "account_credentials"),
    41004: (AUTH, "account_credentials"),
    42001: (AUTH, "account_credentials"),
    42002: (AUTH, "account_credentials"),
    42007: (AUTH, "account_credentials"),
    48001: (AUTH, "account_credentials"),  # the account has no right to this call
    48004: (AUTH, "account_suspended"),
    50001: (AUTH, "account_credentials"),
    50002: (AUTH, "account_suspended"),
    # Too fast, and too much for one day.
    45009: (THROTTLED, "quota_exceeded"),
    45011: (THROTTLED, "rate_limited"),
    45066: (TRANSIENT, "rate_limited"),
    # Passing.
    -1: (TRANSIENT, "provider_unavailable"),
    -1000: (TRANSIENT, "provider_error"),
    # The session window: 48 hours, and five messages until the person does something again.
    45015: (PERMANENT, "outside_session_window"),
    45047: (PERMANENT, "outside_session_window"),
    # The recipient.
    40003: (PERMANENT, "invalid_recipient"),
    41009: (PERMANENT, "invalid_recipient"),
    43004: (PERMANENT, "recipient_unreachable"),  # does not follow the account
    43019: (PERMANENT, "recipient_unreachable"),  # is on the account's own black list
    43101: (PERMANENT, "recipient_opted_out"),
    48002: (PERMANENT, "recipient_opted_out"),
    50005: (PERMANENT, "recipient_opted_out"),
    # The message.
    40004: (PERMANENT, "media_unsupported"),
    40005: (PERMANENT, "media_unsupported"),
    40006: (PERMANENT, "media_too_large"),
    40007: (PERMANENT, "media_unreachable"),  # media ids last three days
    40008: (PERMANENT, "unsupported_content"),
    40009: (PERMANENT, "media_too_large"),
    40010: (PERMANENT, "media_too_large"),
    40011: (PERMANENT, "media_too_large"),
    40037: (PERMANENT, "template_unknown"),
    41005: (PERMANENT, "invalid_message"),
    41006: (PERMANENT, "invalid_message"),
    41007: (PERMANENT, "invalid_message"),
    41008: (PERMANENT, "invalid_message"),
    44001: (PERMANENT, "invalid_message"),
    44002: (PERMANENT, "invalid_message"),
    44003: (PERMANENT, "invalid_message"),
    44004: (PERMANENT, "invalid_message"),
    45001: (PERMANENT, "media_too_large"),
    45002: (PERMANENT, "content_too_long"),
    45003: (PERMANENT, "content_too_long"),
    45004: (PERMANENT, "content_too_long"),
    45005: (PERMANENT, "content_too_long"),
    45006: (PERMANENT, "content_too_long"),
    45007: (PERMANENT, "media_too_large"),
    45008: (PERMANENT, "content_too_long"),
    45065: (PERMANENT, "invalid_message"),
    47001: (PERMANENT, "invalid_message"),
    47003: (PERMANENT, "template_parameters"),
    48008: (PERMANENT, "unsupported_content"),
}


def status_of(word: str) -> Literal["delivered", "failed"] | None:
    """The status that a receipt tells: WeChat writes `failed: system failed` with a space, or without."""
    return STATUSES.get(word.replace(": ", ":").lower())


def reason_for(word: str) -> Reason:
    """Why a receipt says `failed`."""
    code = "recipient_blocked" if "user block" in word.lower() else "provider_error"
    return Reason(code=code, kind=PERMANENT, provider_code=word)
