"""What a provider handler is: capabilities, and the six things it can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

from gateway.model.account import ProviderAccount
from gateway.model.address import Address, Person, Thread
from gateway.model.base import Contract, Instant
from gateway.model.callback import CallbackItem, CallbackReply, CallbackRequest
from gateway.model.content import Content, InboundContent
from gateway.model.receipt import DeliveryReceipt
from gateway.transports.port import Transports

ContentKind = Literal[
    "text",
    "image",
    "video",
    "audio",
    "document",
    "sticker",
    "location",
    "contact",
    "list",
    "template",
    "reaction",
    "typing",
    "read",
    "raw",
]
ButtonKind = Literal["reply", "url", "call", "location"]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider's channel can carry, and what it tells afterwards.

    `content` maps each content kind that can be carried to the longest text or caption it takes, in
    characters; None where there is no such text or no limit, 0 where there is a caption elsewhere but not
    here. What is not in it is refused before `send` is called.
    """

    content: Mapping[ContentKind, int | None]
    receipts: bool  # whether delivery receipts come; without them `submitted` is the final state
    read_receipts: bool = False
    buttons: Mapping[ButtonKind, int] = field(default_factory=dict)  # the most of each kind in one message
    button_title: int | None = None  # the longest title of a button, in characters
    idempotent: bool = False  # whether sending the same reference twice sends once
    session_window_seconds: int | None = None  # how long after an MO free-form messages are allowed
    replies: bool = False  # whether a message can quote another (`in_reply_to`)
    inbound: bool = True  # whether people can write back


@dataclass(frozen=True, slots=True)
class Submission:
    """One attempt to send: all that a handler needs to know of an MT.

    `reference` identifies the MT at the provider ("app_id/message_id"): the client reference or idempotency
    key wherever the provider takes one, and the same for every attempt.
    """

    reference: str
    to: Address
    sender: str | None
    content: Content
    in_reply_to: str | None = None
    thread: Thread | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Submitted:
    """The provider took it: its ids, all parts in order. At least one, and unique within the account.

    `receipts_follow` is False for what no receipt is ever sent for, although the account's capabilities have
    receipts: a typing indicator, a reaction. Then `submitted` is the final state of this one message.
    """

    provider_message_ids: tuple[str, ...]
    receipts_follow: bool = True


class InboundMessage(Contract):
    """One MO in normal form, as a handler reads it from a callback item; not yet routed to an application."""

    provider_message_id: str
    """Unique within the account, and the same for a repetition of the same callback."""
    sender: Person
    to: str | None = None
    content: InboundContent
    thread: Thread | None = None
    in_reply_to: str | None = None
    """The provider's id of the message it answers."""
    edited: bool = False
    deleted: bool = False
    sent_at: Instant | None = None


class Handler(Protocol):
    """A provider's knowledge, bound to one account. Pure but for `send`, whose only way out is `out`.

    `parse_mo` and `parse_dr` raise ValueError (a pydantic ValidationError is one) for an item that cannot be
    read. An item of kind `event` is neither message nor receipt: both answer with nothing.
    """

    provider: ClassVar[str]  # equals the module's name
    channel: ClassVar[str]  # the usual channel of its accounts
    Account: ClassVar[type[ProviderAccount]]

    def __init__(self, account: Any) -> None:
        """Built for one account, which is an instance of `Account`: already validated."""

    @property
    def capabilities(self) -> Capabilities:
        """A class attribute where it is the same for every account; then the table of providers shows it."""

    async def send(self, submission: Submission, out: Transports) -> Submitted:
        """One attempt. Raises ProviderError, or MessageRefused for what this provider cannot carry."""

    def verify(self, request: CallbackRequest) -> None:
        """Raises CallbackRefused unless the request is the provider's own."""

    def split(self, request: CallbackRequest) -> Sequence[CallbackItem]:
        """The items of a verified request. Raises CallbackRefused with status 400 when it is not readable."""

    def reply(self, request: CallbackRequest) -> CallbackReply:
        """What the provider wants to hear once the items are safe, challenges included."""

    def parse_mo(self, item: CallbackItem) -> Sequence[InboundMessage]: ...

    def parse_dr(self, item: CallbackItem) -> Sequence[DeliveryReceipt]: ...
