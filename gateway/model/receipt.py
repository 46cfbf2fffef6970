"""Delivery receipts: the statuses of an MT, their ranks, the reason codes, and the DR that platforms read."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import model_validator

from gateway.errors import FailureKind
from gateway.model.address import Address, Thread
from gateway.model.base import Contract, Identifier, Instant, Name
from gateway.rtm.names import device_name


class Status(StrEnum):
    """The state of an MT."""

    ACCEPTED = "accepted"  # logged, nothing tried yet
    SENDING = "sending"  # an attempt is under way
    WAITING = "waiting"  # between two attempts
    SUBMITTED = "submitted"  # the provider took it
    DELIVERED = "delivered"  # it reached the person's device
    READ = "read"  # the person saw it
    FAILED = "failed"  # tried and refused, or tries exhausted
    EXPIRED = "expired"  # its time passed without a receipt
    REJECTED = "rejected"  # never tried: invalid, no route, unsupported …


# A status is only ever replaced by one of higher rank. Delivered and read stand above the negative ends,
# since a provider's late proof of delivery outweighs our giving up.
RANK: dict[Status, int] = {
    Status.ACCEPTED: 0,
    Status.SENDING: 1,
    Status.WAITING: 1,
    Status.SUBMITTED: 2,
    Status.FAILED: 3,
    Status.EXPIRED: 3,
    Status.REJECTED: 3,
    Status.DELIVERED: 4,
    Status.READ: 5,
}

DRStatus = Literal["accepted", "submitted", "delivered", "read", "failed", "expired", "rejected"]
DEFAULT_RECEIPTS: tuple[DRStatus, ...] = ("submitted", "delivered", "read")
NEGATIVE_ENDS = frozenset({Status.FAILED, Status.EXPIRED, Status.REJECTED})

# The stable reason codes and what each means. Providers' own codes are kept beside them.
REASONS: dict[str, str] = {
    "invalid_message": "the MT does not follow the contract",
    "unknown_application": "no application profile has this app_id",
    "unknown_account": "no account has this name, or the application may not use it",
    "no_route": "no account of the channel fits the message",
    "account_disabled": "the named account is switched off",
    "unsupported_content": "the channel cannot carry this content",
    "content_too_long": "a text is longer than the channel takes",
    "media_unsupported": "the channel does not take this kind of media",
    "media_too_large": "the media is larger than the channel takes",
    "media_unreachable": "the provider could not fetch the media",
    "invalid_recipient": "the recipient's address is not one",
    "recipient_unreachable": "the recipient exists but cannot be reached on this channel",
    "recipient_blocked": "the recipient has blocked the sender",
    "recipient_opted_out": "the recipient does not want such messages",
    "recipient_gone": "the recipient's account or device no longer exists",
    "outside_session_window": "the recipient has not written recently enough for a free-form message",
    "thread_closed": "the thread is closed, for somebody else, or of another type",
    "template_unknown": "the provider knows no such template",
    "template_parameters": "the parameters do not fit the template",
    "sender_invalid": "the sender identity is not the account's",
    "country_restricted": "not allowed in the recipient's country",
    "policy_rejected": "against the provider's policy",
    "quota_exceeded": "the account's quota or credit is used up",
    "account_credentials": "the provider refuses the account's credentials",
    "account_suspended": "the provider has suspended the account",
    "rate_limited": "sent faster than the provider takes",
    "provider_unavailable": "the provider could not be reached or did not answer",
    "provider_error": "the provider failed, or said something that is not known yet",
    "outcome_unknown": "the provider may or may not have taken it, and duplicates are to be avoided",
    "expired_before_send": "its time passed before it could be sent",
    "no_receipt_in_time": "its time passed without a delivery receipt",
    "internal_error": "a fault in the gateway",
}


class Reason(Contract):
    """Why an MT failed, expired or was rejected."""

    code: str
    """One of the stable reason codes."""
    kind: FailureKind
    provider_code: str | None = None
    provider_text: str | None = None


def permanent(code: str, text: str | None = None) -> Reason:
    """A reason that no repetition would change."""
    return Reason(code=code, kind=FailureKind.PERMANENT, provider_text=text)


class DR(Contract):
    """A delivery receipt, as the gateway publishes it on `imgw.out` with key `dr.<app_id>.<status>`."""

    event_id: str
    """The same for a repetition of the same news; receivers drop repetitions by it."""
    message_id: Identifier
    app_id: Name
    channel: Name | None = None
    account: Name | None = None
    provider: Name | None = None
    to: Address | None = None
    thread: Thread | None = None
    correlation_id: str | None = None
    callback_data: str | None = None
    status: DRStatus
    final: bool
    """True exactly once per message."""
    reason: Reason | None = None
    """Why; never absent for failed, expired and rejected."""
    attempt: int = 0
    """The number of the try it is about."""
    provider_message_ids: tuple[str, ...] = ()
    """Theirs, all parts."""
    degraded: tuple[str, ...] = ()
    """What was simplified, in words that a person understands."""
    late: bool = False
    """True for a delivered or read after another final status was passed on."""
    device: str | None = None
    """The device that said so, as user id and device id with a / between them (rtm)."""
    occurred_at: Instant
    """At the provider, as it said."""
    recorded_at: Instant
    """Here."""


class Watermark(Contract):
    """All messages of an account to one person, up to some time."""

    recipient: str
    """The person's id, as in an MT's `to`."""
    until: Instant


class Reporter(Contract):
    """The device that a receipt comes from, of the in-app channel."""

    app_id: Name
    user_id: str
    device_id: str
    correlation: str | None = None
    """What it wants back with an answer, in hexadecimal."""

    @property
    def name(self) -> str:
        return device_name(self.user_id, self.device_id)


class DeliveryReceipt(Contract):
    """One receipt in normal form, as a handler reads it from a callback; not yet matched to an MT.

    Found by `provider_message_id`, by `reference`, which is what the handler sent along as our client
    reference (`Submission.reference`, or `key`) and the provider echoed, or by both; or else by `watermark`.
    """

    provider_message_id: str | None = None
    reference: str | None = None
    watermark: Watermark | None = None
    """The receipt is for everything sent to a person up to some time."""
    status: Literal["submitted", "delivered", "read", "failed", "expired"] | None
    """None: a status that has no meaning for us; logged with its raw code and counted."""
    provider_status: str
    """The provider's own word."""
    reason: Reason | None = None
    """Why, for failed and expired."""
    occurred_at: Instant | None = None
    reporter: Reporter | None = None
    """Who says so, where that is a device of the in-app channel, which speaks for its own messages only."""

    @model_validator(mode="after")
    def _says_what_it_is_for(self) -> DeliveryReceipt:
        one = self.provider_message_id is not None or self.reference is not None
        if one == (self.watermark is not None):
            raise ValueError("needs either provider_message_id or reference, or both, or else a watermark")
        return self
