"""What the Messenger Platform's error codes mean for us.

Meta puts the same subcode under several codes, so a subcode that is known decides alone.

Source: Meta's common error codes of the Messenger Platform for Graph API v25.0 and its changelog, read in
November 2026.
"""

from __future__ import annotations

from gateway.errors import FailureKind
from handlers.shared.meta import GraphError, Meaning

PERMANENT, TRANSIENT, UNCERTAIN = FailureKind.PERMANENT, FailureKind.TRANSIENT, FailureKind.UNCERTAIN
THROTTLED, AUTH = FailureKind.THROTTLED, FailureKind.AUTH

SUBCODES: dict[int, Meaning] = {
    33: (AUTH, "sender_invalid"),  # no such page, or the token may not see it
    1893063: (AUTH, "account_suspended"),  # the page may not send for some time
    2018022: (THROTTLED, "rate_limited"),
    # Meta's answer is broken, while the messages may all have been sent.
    1357046: (UNCERTAIN, "provider_error"),
    # The recipient.
    2018001: (PERMANENT, "invalid_recipient"),
    2018028: (PERMANENT, "invalid_recipient"),  # no tester, while the app is in development
    1545041: (PERMANENT, "recipient_unreachable"),
    2018108: (PERMANENT, "recipient_unreachable"),
    # The session window and policy.
    2018065: (PERMANENT, "outside_session_window"),
    2018278: (PERMANENT, "outside_session_window"),
    2534022: (PERMANENT, "outside_session_window"),
    2018354: (PERMANENT, "policy_rejected"),  # too soon after the last notification of the kind
    # The message.
    2018034: (PERMANENT, "content_too_long"),
    2018008: (PERMANENT, "media_unreachable"),
    2018047: (PERMANENT, "media_unreachable"),
    2018074: (PERMANENT, "media_unreachable"),
    2018294: (PERMANENT, "media_unreachable"),
    2018109: (PERMANENT, "media_too_large"),
}

CODES: dict[int, Meaning] = {
    # Credentials and the page: nothing can be sent until somebody acts.
    3: (AUTH, "account_credentials"),
    10: (AUTH, "account_credentials"),
    190: (AUTH, "account_credentials"),
    368: (AUTH, "account_suspended"),
    # Too fast: the app, the page, its calls.
    4: (THROTTLED, "rate_limited"),
    32: (THROTTLED, "rate_limited"),
    613: (THROTTLED, "rate_limited"),
    80006: (THROTTLED, "rate_limited"),
    # Too much with one person: a pause of the whole account would make everybody wait for that one.
    9: (TRANSIENT, "rate_limited"),
    # Passing.
    1: (TRANSIENT, "provider_error"),
    2: (TRANSIENT, "provider_unavailable"),
    1200: (TRANSIENT, "provider_error"),
    # The recipient and the message.
    551: (PERMANENT, "recipient_unreachable"),
    100: (PERMANENT, "invalid_message"),
}


def known_failure(error: GraphError) -> Meaning | None:
    """What an error means; None for one that is not documented."""
    if error.error_subcode in SUBCODES:
        return SUBCODES[error.error_subcode]
    if 200 <= error.code <= 299:
        return AUTH, "account_credentials"  # permissions
    if error.code not in CODES and error.is_transient:
        return TRANSIENT, "provider_error"
    return CODES.get(error.code)
