"""What Twilio's statuses and error codes mean for us.

Source: Twilio's dictionary of errors and warnings, its table of WhatsApp's codes, and its list of message
statuses, November 2026.
"""

from __future__ import annotations

from typing import Literal

from gateway.errors import FailureKind
from gateway.model.receipt import Reason
from handlers.shared.numbers import without_numbers

STATUSES: dict[str, Literal["submitted", "delivered", "read", "failed"]] = {
    "accepted": "submitted",
    "scheduled": "submitted",
    "queued": "submitted",
    "sending": "submitted",
    "sent": "submitted",
    "delivered": "delivered",
    "read": "read",
    "undelivered": "failed",
    "failed": "failed",
    "canceled": "failed",
}
VALIDITY_OVER = 30036

PERMANENT, TRANSIENT = FailureKind.PERMANENT, FailureKind.TRANSIENT
THROTTLED, AUTH = FailureKind.THROTTLED, FailureKind.AUTH

FAILURES: dict[int, tuple[FailureKind, str]] = {
    # The account: nothing can be sent until somebody acts.
    10001: (AUTH, "account_suspended"),
    20003: (AUTH, "account_credentials"),
    20005: (AUTH, "account_suspended"),
    20006: (AUTH, "account_credentials"),
    20008: (AUTH, "account_credentials"),
    20404: (AUTH, "account_credentials"),  # no such account
    30002: (AUTH, "account_suspended"),
    63001: (AUTH, "account_credentials"),
    63008: (AUTH, "account_credentials"),
    63020: (AUTH, "account_suspended"),
    63022: (AUTH, "sender_invalid"),
    63051: (AUTH, "account_suspended"),
    # Too fast.
    14107: (THROTTLED, "rate_limited"),
    20429: (THROTTLED, "rate_limited"),
    21611: (THROTTLED, "rate_limited"),  # the sender's queue is full
    63017: (THROTTLED, "rate_limited"),
    63018: (THROTTLED, "rate_limited"),
    63038: (THROTTLED, "quota_exceeded"),  # of the day
    30001: (TRANSIENT, "rate_limited"),
    # Passing.
    21730: (TRANSIENT, "provider_unavailable"),  # maintenance
    30008: (TRANSIENT, "provider_error"),
    30410: (TRANSIENT, "provider_unavailable"),
    63010: (TRANSIENT, "provider_error"),
    63012: (TRANSIENT, "provider_unavailable"),
    # The recipient.
    21211: (PERMANENT, "invalid_recipient"),
    21408: (PERMANENT, "country_restricted"),
    21604: (PERMANENT, "invalid_recipient"),
    21608: (PERMANENT, "recipient_unreachable"),  # a trial account reaches confirmed numbers only
    21610: (PERMANENT, "recipient_opted_out"),
    21612: (PERMANENT, "recipient_unreachable"),
    21614: (PERMANENT, "invalid_recipient"),
    21635: (PERMANENT, "invalid_recipient"),
    30003: (TRANSIENT, "recipient_unreachable"),  # switched off, or out of reach
    30004: (PERMANENT, "recipient_blocked"),
    30005: (PERMANENT, "recipient_gone"),
    30006: (PERMANENT, "recipient_unreachable"),
    63003: (PERMANENT, "recipient_unreachable"),
    63014: (PERMANENT, "recipient_blocked"),
    63015: (PERMANENT, "recipient_unreachable"),
    63024: (PERMANENT, "recipient_unreachable"),
    63033: (PERMANENT, "recipient_blocked"),
    63036: (PERMANENT, "recipient_unreachable"),
    # The sender.
    21212: (PERMANENT, "sender_invalid"),
    21603: (PERMANENT, "sender_invalid"),
    21606: (PERMANENT, "sender_invalid"),
    21659: (PERMANENT, "sender_invalid"),
    21660: (PERMANENT, "sender_invalid"),
    21701: (PERMANENT, "sender_invalid"),
    21703: (PERMANENT, "sender_invalid"),
    30024: (PERMANENT, "sender_invalid"),
    30032: (PERMANENT, "sender_invalid"),
    30034: (PERMANENT, "sender_invalid"),  # not registered for application-to-person traffic
    63002: (PERMANENT, "sender_invalid"),
    63007: (PERMANENT, "sender_invalid"),
    # The session window and policy.
    30007: (PERMANENT, "policy_rejected"),
    63013: (PERMANENT, "policy_rejected"),
    63016: (PERMANENT, "outside_session_window"),
    63032: (PERMANENT, "policy_rejected"),
    63040: (PERMANENT, "policy_rejected"),
    63041: (PERMANENT, "policy_rejected"),
    63042: (PERMANENT, "policy_rejected"),
    63049: (PERMANENT, "policy_rejected"),
    # The message.
    21602: (PERMANENT, "invalid_message"),
    21605: (PERMANENT, "content_too_long"),
    21617: (PERMANENT, "content_too_long"),
    21619: (PERMANENT, "invalid_message"),
    21620: (PERMANENT, "media_unreachable"),
    21623: (PERMANENT, "invalid_message"),
    21655: (PERMANENT, "template_unknown"),
    21656: (PERMANENT, "template_parameters"),
    30011: (PERMANENT, "media_unsupported"),
    30019: (PERMANENT, "media_too_large"),
    30036: (PERMANENT, "recipient_unreachable"),  # the validity period passed
    63005: (PERMANENT, "unsupported_content"),
    63006: (PERMANENT, "invalid_message"),
    63019: (PERMANENT, "media_unreachable"),
    63021: (PERMANENT, "invalid_message"),
    63027: (PERMANENT, "template_unknown"),
    63028: (PERMANENT, "template_parameters"),
    63029: (PERMANENT, "template_unknown"),
    63030: (PERMANENT, "invalid_message"),
}


def reason_for(code: str | None, text: str | None) -> Reason:
    """Why a receipt says that a message failed; an unknown code is permanent and kept."""
    number = int(code) if code and code.isascii() and code.isdigit() and len(code) < 10 else 0
    kind, reason = FAILURES.get(number, (PERMANENT, "provider_error"))
    return Reason(
        code=reason, kind=kind, provider_code=code or None, provider_text=without_numbers(text or None)
    )
