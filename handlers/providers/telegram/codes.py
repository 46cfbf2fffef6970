"""What the Telegram Bot API's refusals mean for us.

Telegram answers with an HTTP-like `error_code` and an English `description`; there are no finer codes, and
the reference warns that both may change. So what is not recognised is judged by its `error_code` alone, with
Telegram's words kept.

Source: the Bot API reference (9.x), and descriptions seen in public trackers of bot libraries, November 2026.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.errors import FailureKind

PERMANENT, AUTH = FailureKind.PERMANENT, FailureKind.AUTH


class Meaning(NamedTuple):
    """The first that fits counts: the error code, and words that the description holds (in lower case)."""

    error_code: int
    words: str
    kind: FailureKind
    reason: str


FAILURES = (
    Meaning(401, "", AUTH, "account_credentials"),
    Meaning(404, "", AUTH, "account_credentials"),  # no bot has this token
    Meaning(403, "blocked by the user", PERMANENT, "recipient_blocked"),
    Meaning(403, "kicked", PERMANENT, "recipient_blocked"),
    Meaning(403, "deactivated", PERMANENT, "recipient_gone"),
    Meaning(403, "", PERMANENT, "recipient_unreachable"),  # the person has not started the bot, and the like
    Meaning(400, "chat not found", PERMANENT, "invalid_recipient"),
    Meaning(400, "peer_id_invalid", PERMANENT, "invalid_recipient"),
    Meaning(400, "upgraded to a supergroup", PERMANENT, "invalid_recipient"),
    Meaning(400, "not enough rights", PERMANENT, "recipient_unreachable"),
    Meaning(400, "too long", PERMANENT, "content_too_long"),
    Meaning(400, "file is too big", PERMANENT, "media_too_large"),
    Meaning(400, "failed to get http url content", PERMANENT, "media_unreachable"),
    Meaning(400, "wrong file identifier", PERMANENT, "media_unreachable"),
    Meaning(400, "wrong type of the web page content", PERMANENT, "media_unsupported"),
    Meaning(400, "can't parse", PERMANENT, "invalid_message"),
    Meaning(400, "button", PERMANENT, "invalid_message"),
    Meaning(413, "", PERMANENT, "media_too_large"),
)


def known_failure(error_code: int, description: str) -> tuple[FailureKind, str] | None:
    """What a refusal means; None for one that is not known."""
    said = description.lower()
    for meaning in FAILURES:
        if meaning.error_code == error_code and meaning.words in said:
            return meaning.kind, meaning.reason
    return None
