"""What the statuses and error codes of Vonage's two APIs mean for us.

Source: Vonage's lists of errors of the SMS API and of the Messages API, and its guide to delivery receipts,
November 2026.
"""

from __future__ import annotations

from typing import Literal

from gateway.errors import FailureKind
from gateway.model.receipt import Reason
from handlers.shared.numbers import without_numbers

Meaning = tuple[FailureKind, str]
News = Literal["submitted", "delivered", "read", "failed", "expired"]

PERMANENT, TRANSIENT = FailureKind.PERMANENT, FailureKind.TRANSIENT
THROTTLED, AUTH = FailureKind.THROTTLED, FailureKind.AUTH

SMS_STATUSES: dict[str, News] = {
    "accepted": "submitted",
    "buffered": "submitted",
    "delivered": "delivered",
    "expired": "expired",
    "failed": "failed",
    "rejected": "failed",
}
MESSAGE_STATUSES: dict[str, News] = {
    "submitted": "submitted",
    "delivered": "delivered",
    "read": "read",
    "rejected": "failed",
    "undeliverable": "failed",
}
TTL_OVER = "1360"

# `status` in the answer of the SMS API, which is always 200.
SMS_FAILURES: dict[str, Meaning] = {
    "1": (THROTTLED, "rate_limited"),
    "2": (PERMANENT, "invalid_message"),
    "3": (PERMANENT, "invalid_message"),
    "4": (AUTH, "account_credentials"),
    "5": (TRANSIENT, "provider_error"),
    "6": (PERMANENT, "invalid_recipient"),
    "7": (PERMANENT, "recipient_blocked"),
    "8": (AUTH, "account_suspended"),
    "9": (AUTH, "quota_exceeded"),
    "10": (THROTTLED, "rate_limited"),
    "11": (AUTH, "account_credentials"),
    "12": (PERMANENT, "content_too_long"),
    "13": (TRANSIENT, "provider_unavailable"),
    "14": (AUTH, "account_credentials"),
    "15": (PERMANENT, "sender_invalid"),
    "16": (PERMANENT, "invalid_message"),
    "22": (PERMANENT, "invalid_message"),
    "23": (PERMANENT, "invalid_message"),
    "29": (PERMANENT, "recipient_unreachable"),  # a trial account reaches listed numbers only
    "32": (AUTH, "account_credentials"),
    "33": (PERMANENT, "recipient_gone"),
}

# `err-code` in a receipt of the SMS API.
SMS_RECEIPT_FAILURES: dict[str, Meaning] = {
    "1": (TRANSIENT, "provider_error"),
    "2": (TRANSIENT, "recipient_unreachable"),
    "3": (PERMANENT, "recipient_gone"),
    "4": (PERMANENT, "recipient_blocked"),
    "5": (PERMANENT, "recipient_unreachable"),
    "6": (PERMANENT, "policy_rejected"),
    "7": (TRANSIENT, "recipient_unreachable"),
    "8": (TRANSIENT, "provider_unavailable"),
    "9": (PERMANENT, "recipient_opted_out"),
    "10": (PERMANENT, "invalid_message"),
    "11": (PERMANENT, "recipient_unreachable"),
    "12": (PERMANENT, "recipient_unreachable"),
    "13": (PERMANENT, "policy_rejected"),
    "14": (PERMANENT, "recipient_blocked"),
    "15": (PERMANENT, "recipient_unreachable"),
    "16": (TRANSIENT, "quota_exceeded"),
    "50": (PERMANENT, "policy_rejected"),
    "51": (PERMANENT, "policy_rejected"),
    "52": (PERMANENT, "policy_rejected"),
    "53": (PERMANENT, "policy_rejected"),
    "54": (PERMANENT, "policy_rejected"),
    "99": (TRANSIENT, "provider_error"),
}

# The Messages API names the same errors in answers and in statuses.
MESSAGE_FAILURES: dict[str, Meaning] = {
    "unauthorized": (AUTH, "account_credentials"),
    "forbidden": (AUTH, "account_credentials"),
    "low-balance": (AUTH, "quota_exceeded"),
    "throttled": (THROTTLED, "rate_limited"),
    "invalid-params": (PERMANENT, "invalid_message"),
    "1000": (THROTTLED, "rate_limited"),
    "1010": (PERMANENT, "invalid_message"),
    "1020": (PERMANENT, "invalid_message"),
    "1021": (PERMANENT, "invalid_message"),
    "1022": (PERMANENT, "template_parameters"),
    "1030": (TRANSIENT, "provider_error"),
    "1040": (PERMANENT, "invalid_message"),
    "1050": (PERMANENT, "recipient_blocked"),
    "1060": (AUTH, "account_suspended"),
    "1070": (AUTH, "quota_exceeded"),
    "1080": (AUTH, "account_credentials"),
    "1090": (PERMANENT, "content_too_long"),
    "1100": (TRANSIENT, "provider_unavailable"),
    "1110": (AUTH, "account_credentials"),
    "1120": (PERMANENT, "sender_invalid"),
    "1130": (PERMANENT, "invalid_message"),
    "1140": (AUTH, "account_credentials"),
    "1150": (PERMANENT, "invalid_message"),
    "1160": (PERMANENT, "recipient_unreachable"),
    "1170": (PERMANENT, "invalid_recipient"),
    "1180": (TRANSIENT, "recipient_unreachable"),
    "1190": (PERMANENT, "recipient_gone"),
    "1200": (PERMANENT, "recipient_unreachable"),
    "1210": (PERMANENT, "policy_rejected"),
    "1220": (TRANSIENT, "recipient_unreachable"),
    "1230": (TRANSIENT, "provider_unavailable"),
    "1240": (PERMANENT, "recipient_opted_out"),
    "1241": (THROTTLED, "rate_limited"),
    "1250": (PERMANENT, "recipient_unreachable"),
    "1260": (PERMANENT, "recipient_unreachable"),
    "1270": (PERMANENT, "policy_rejected"),
    "1280": (PERMANENT, "recipient_blocked"),
    "1290": (PERMANENT, "recipient_unreachable"),
    "1300": (PERMANENT, "recipient_unreachable"),
    "1310": (PERMANENT, "recipient_unreachable"),
    "1320": (PERMANENT, "provider_error"),  # sent already
    "1330": (PERMANENT, "provider_error"),
    "1340": (PERMANENT, "outside_session_window"),
    "1350": (AUTH, "quota_exceeded"),
    TTL_OVER: (PERMANENT, "recipient_unreachable"),
    "1370": (AUTH, "account_credentials"),
}


def reason_for(failures: dict[str, Meaning], code: str | None, text: str | None = None) -> Reason:
    """Why a receipt says that a message failed; an unknown code is permanent and kept."""
    kind, reason = failures.get(code or "", (PERMANENT, "provider_error"))
    return Reason(
        code=reason, kind=kind, provider_code=code or None, provider_text=without_numbers(text or None)
    )
