"""What the LINE Messaging API's refusals mean for us.

LINE has no codes of its own: there are the HTTP status and an English message with details. What is not
recognised is judged by the status alone, with LINE's words kept.

Source: the Messaging API reference, status codes and error messages, November 2026.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.errors import FailureKind

PERMANENT, AUTH = FailureKind.PERMANENT, FailureKind.AUTH


class Meaning(NamedTuple):
    """The first that fits counts: the HTTP status, and words that the text holds (in lower case)."""

    status: int
    words: str
    kind: FailureKind
    reason: str


FAILURES = (
    Meaning(400, "'to'", PERMANENT, "invalid_recipient"),
    Meaning(400, "failed to send messages", PERMANENT, "recipient_unreachable"),  # there may be no such user
    Meaning(400, "send messages to yourself", PERMANENT, "invalid_recipient"),
    Meaning(400, "hasn't added the line official account", PERMANENT, "recipient_unreachable"),
    Meaning(400, "length must be", PERMANENT, "content_too_long"),
    Meaning(400, "", PERMANENT, "invalid_message"),
    Meaning(403, "", AUTH, "account_credentials"),  # the account's plan does not include it
    Meaning(404, "hasn't added the line official account", PERMANENT, "recipient_unreachable"),
    Meaning(413, "", PERMANENT, "content_too_long"),  # 2 MB in all
    # The month's messages are used up: nothing can be sent until more are bought or the month ends.
    Meaning(429, "monthly limit", AUTH, "quota_exceeded"),
)


def known_failure(status: int, text: str) -> tuple[FailureKind, str] | None:
    """What a refusal means; None for one that is not known."""
    said = text.lower()
    for meaning in FAILURES:
        if meaning.status == status and meaning.words in said:
            return meaning.kind, meaning.reason
    return None
