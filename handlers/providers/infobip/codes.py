"""What Infobip's statuses and error codes mean for us.

A status has a group, which tells the state, and an id; a receipt has an error besides, which tells the cause
at the network and whether it is permanent.

Source: Infobip's pages on message status codes, error codes and handling errors, November 2026.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.errors import FailureKind
from gateway.model.base import Wire
from gateway.model.receipt import Reason
from handlers.shared.numbers import without_numbers

News = Literal["submitted", "delivered", "failed", "expired"]

PERMANENT, TRANSIENT = FailureKind.PERMANENT, FailureKind.TRANSIENT

GROUPS: dict[int, News] = {
    0: "submitted",  # accepted
    1: "submitted",  # pending
    2: "failed",  # undeliverable
    3: "delivered",
    4: "expired",
    5: "failed",  # rejected
}
DELIVERED_TO_OPERATOR = 2  # of the group delivered, and yet not at the handset
DUPLICATE = 23  # the id that we gave was used before: the message is there already

STATUS_REASONS = {
    4: "recipient_unreachable",  # rejected by the operator
    6: "recipient_unreachable",  # no such network
    8: "invalid_recipient",  # no such prefix
    9: "recipient_unreachable",
    10: "recipient_opted_out",
    11: "sender_invalid",
    12: "quota_exceeded",
    13: "sender_invalid",
    14: "recipient_blocked",
    15: "recipient_unreachable",
    17: "quota_exceeded",
    18: "recipient_unreachable",  # a trial account reaches registered numbers only
    19: "recipient_unreachable",
    20: "rate_limited",
    21: "provider_error",
    24: "invalid_message",
    25: "content_too_long",
    29: "recipient_unreachable",
    31: "provider_error",
    51: "invalid_recipient",
    52: "invalid_recipient",
}
ERROR_REASONS = {
    1: "recipient_gone",  # unknown subscriber
    5: "recipient_gone",
    6: "recipient_unreachable",  # absent
    9: "recipient_unreachable",
    11: "recipient_unreachable",
    12: "recipient_unreachable",
    13: "recipient_blocked",  # barred
    27: "recipient_unreachable",  # absent
    31: "recipient_unreachable",  # busy
    32: "recipient_unreachable",  # no memory left
    33: "recipient_unreachable",
    34: "provider_unavailable",  # the network failed
    603: "policy_rejected",  # content
    4103: "rate_limited",
}


class Status(Wire):
    """The state of a message."""

    group: int | None = Field(None, alias="groupId")
    id: int | None = None
    name: str | None = None
    description: str | None = None


class Error(Wire):
    """What the network said; id 0 where it said nothing."""

    id: int = 0
    name: str | None = None
    description: str | None = None
    permanent: bool | None = None


def news_of(status: Status) -> News | None:
    """What a status means; None for one that has no meaning for us."""
    if status.id == DUPLICATE:
        return None  # it is about the repetition, not about the message
    if status.id == DELIVERED_TO_OPERATOR:
        return "submitted"
    return GROUPS.get(status.group) if status.group is not None else None


def reason_of(status: Status, error: Error) -> Reason:
    """Why a message failed, by the network's error where there is one, else by the status."""
    told = error if error.id else status
    reason = ERROR_REASONS.get(error.id) or STATUS_REASONS.get(status.id or 0, "provider_error")
    passing = bool(error.id) and error.permanent is False
    return Reason(
        code=reason,
        kind=TRANSIENT if passing else PERMANENT,
        provider_code=told.name or str(told.id),
        provider_text=without_numbers(told.description),
    )
