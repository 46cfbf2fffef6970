"""What the WhatsApp Cloud API's statuses and error codes mean for us.

Source: Meta's reference of error codes and of the status webhook for Graph API v25.0, read in November 2026.
"""

from __future__ import annotations

from typing import Literal

from gateway.errors import FailureKind
from gateway.model.receipt import Reason
from handlers.shared.meta import GraphError, Meaning

STATUSES: dict[str, Literal["submitted", "delivered", "read", "failed"]] = {
    "sent": "submitted",
    "delivered": "delivered",
    "read": "read",
    "played": "read",  # a voice message was listened to
    "failed": "failed",
}

PERMANENT, TRANSIENT = FailureKind.PERMANENT, FailureKind.TRANSIENT
THROTTLED, AUTH = FailureKind.THROTTLED, FailureKind.AUTH

FAILURES: dict[int, Meaning] = {
    # Credentials, the number and the business account: nothing can be sent until somebody acts.
    0: (AUTH, "account_credentials"),
    3: (AUTH, "account_credentials"),
    10: (AUTH, "account_credentials"),
    33: (AUTH, "sender_invalid"),  # the business number was deleted
    190: (AUTH, "account_credentials"),
    368: (AUTH, "account_suspended"),
    131005: (AUTH, "account_credentials"),
    131031: (AUTH, "account_suspended"),
    131037: (AUTH, "sender_invalid"),  # the display name is not approved yet
    131042: (AUTH, "quota_exceeded"),  # payment
    131045: (AUTH, "sender_invalid"),
    133010: (AUTH, "sender_invalid"),
    # Too fast.
    4: (THROTTLED, "rate_limited"),
    80007: (THROTTLED, "rate_limited"),
    130429: (THROTTLED, "rate_limited"),
    131048: (THROTTLED, "rate_limited"),
    131064: (THROTTLED, "quota_exceeded"),
    133016: (THROTTLED, "rate_limited"),
    # Too fast for one recipient: a pause of the whole account would make everybody wait for that one.
    131056: (TRANSIENT, "rate_limited"),
    132069: (TRANSIENT, "rate_limited"),  # one flow
    # Passing.
    1: (TRANSIENT, "provider_error"),
    2: (TRANSIENT, "provider_unavailable"),
    131000: (TRANSIENT, "provider_error"),
    131016: (TRANSIENT, "provider_unavailable"),
    131052: (TRANSIENT, "media_unreachable"),
    131053: (TRANSIENT, "media_unreachable"),
    131057: (TRANSIENT, "provider_unavailable"),
    133004: (TRANSIENT, "provider_unavailable"),
    135000: (TRANSIENT, "provider_error"),
    # The recipient.
    130497: (PERMANENT, "country_restricted"),
    131021: (PERMANENT, "invalid_recipient"),
    131026: (PERMANENT, "recipient_unreachable"),
    131030: (PERMANENT, "invalid_recipient"),  # not on the list of a test number
    131062: (PERMANENT, "invalid_recipient"),
    137000: (PERMANENT, "recipient_unreachable"),
    # Consent, the session window and policy.
    130472: (PERMANENT, "policy_rejected"),
    131047: (PERMANENT, "outside_session_window"),
    131049: (PERMANENT, "policy_rejected"),  # not again within 24 h, says Meta
    131050: (PERMANENT, "recipient_opted_out"),
    131063: (PERMANENT, "policy_rejected"),
    # The message.
    100: (PERMANENT, "invalid_message"),
    131008: (PERMANENT, "invalid_message"),
    131009: (PERMANENT, "invalid_message"),
    131051: (PERMANENT, "unsupported_content"),
    132000: (PERMANENT, "template_parameters"),
    132001: (PERMANENT, "template_unknown"),
    132005: (PERMANENT, "template_parameters"),
    132007: (PERMANENT, "policy_rejected"),
    132008: (PERMANENT, "template_parameters"),
    132012: (PERMANENT, "template_parameters"),
    132015: (PERMANENT, "policy_rejected"),
    132016: (PERMANENT, "policy_rejected"),
    132068: (PERMANENT, "policy_rejected"),
}

# Meta names no time to wait; for one recipient it allows one message in 6 s, once a burst is used up.
RETRY_AFTER_SECONDS = {131056: 6.0}

# Code and subcode of what is asked for by an id that Meta does not have, or not for this token.
NO_SUCH_OBJECT = (100, 33)


def known_failure(error: GraphError) -> Meaning | None:
    """What an error code means; None for one that is not documented."""
    if 200 <= error.code <= 299:
        return AUTH, "account_credentials"  # permissions
    if (error.code, error.error_subcode) == NO_SUCH_OBJECT:
        return AUTH, "sender_invalid"  # the phone_number_id
    if error.code not in FAILURES and error.is_transient:
        return TRANSIENT, "provider_error"
    return FAILURES.get(error.code)


def reason_for(errors: tuple[GraphError, ...]) -> Reason:
    """Why a status says `failed`; an unknown code is permanent and kept."""
    if not errors:
        return Reason(code="provider_error", kind=PERMANENT)
    kind, code = known_failure(errors[0]) or (PERMANENT, "provider_error")
    return Reason(code=code, kind=kind, provider_code=str(errors[0].code), provider_text=errors[0].text)
