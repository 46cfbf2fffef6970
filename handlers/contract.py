"""What a provider handler is: capabilities, and the eight things it can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal, Protocol

from gateway.model.account import ProviderAccount
from gateway.model.address import Address, Person, Thread
from gateway.model.base import Contract, Instant
from gateway.model.callback import CallbackItem, CallbackReply, CallbackRequest
from gateway.model.content import Content, InboundContent
from gateway.model.receipt import DeliveryReceipt
from gateway.rtm.items import UpItem
from gateway.transports.port import HttpRequest, Transports
from handlers.shared.splitting import Limit

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
MediaKind = Literal["image", "video", "audio", "document", "sticker"]
ButtonKind = Literal["reply", "url", "call", "location"]

PART_MARK = "#"  # neither application nor message ids have it
NO_TEXT = Limit(0)  # for media that carry no caption


@dataclass(frozen=True, slots=True)
class MediaRule:
    """What media of one kind the provider takes. Checked where it can be known before the send."""

    types: frozenset[str] = frozenset()  # MIME types; empty: any
    most_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class ListLimits:
    """What a list can hold."""

    rows: int
    title: Limit  # of a row, and of a section
    description: Limit
    button: Limit


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider's channel can carry, and what it tells afterwards.

    `content` maps each content kind that can be carried to the longest text or caption of one message; None
    where there is no such text or no limit, NO_TEXT where there is no caption. What the channel lacks is
    simplified by one rule for all (processors/fitting.py), or refused, before `send` is called; a text that
    is too long goes in several messages, one `send` each.
    """

    content: Mapping[ContentKind, Limit | None]
    receipts: bool  # whether delivery receipts come; without them `submitted` is the final state
    read_receipts: bool = False
    watermarks: bool = False  # whether a receipt may stand for all messages to a person up to some time
    buttons: Mapping[ButtonKind, int] = field(default_factory=dict)  # the most of each kind in one message
    mixed_buttons: bool = False  # whether one message may have buttons of several kinds
    buttons_under: frozenset[ContentKind] = frozenset({"text"})  # which kinds can have buttons
    button_title: Limit | None = None
    text_with_buttons: Limit | None = None  # where a text or caption must be shorter when it has buttons
    lists: ListLimits | None = None
    media: Mapping[MediaKind, MediaRule] = field(default_factory=dict)
    idempotent: bool = False  # whether sending the same key twice sends once
    session_window_seconds: int | None = None  # how long after an MO free-form messages are allowed
    replies: bool = False  # whether a message can quote another (`in_reply_to`)
    inbound: bool = True  # whether people can write back
    fetches_media: bool = False  # whether media in an MO are asked for by id (`media`)
    in_app: bool = False  # the gateway's own channel: its people, threads and topics are known here


@dataclass(frozen=True, slots=True)
class Submission:
    """One attempt to send one message: all that a handler needs to know of an MT, or of one of its parts.

    `reference` identifies the MT at the provider ("app_id/message_id"): the client reference wherever the
    provider takes one, and the same for every attempt.
    """

    reference: str
    to: Address
    sender: str | None
    content: Content
    in_reply_to: str | None = None
    thread: Thread | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    expires_at: datetime | None = None
    part: int = 1  # of how many messages the MT is sent in, the number of this one
    audience: tuple[str, ...] = ()  # in-app: the ids of all people that an MT to topics is for
    trace: Mapping[str, str] = field(default_factory=dict)  # in-app: traceparent and tracestate

    @property
    def key(self) -> str:
        """An idempotency key: the same for every attempt, another for every part."""
        return self.reference if self.part == 1 else f"{self.reference}{PART_MARK}{self.part}"


@dataclass(frozen=True, slots=True)
class Submitted:
    """The provider took it: its ids, in order. At least one, and unique within the account.

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
    """The provider's id of the message it answers, or our reference where the provider echoes that."""
    edited: bool = False
    deleted: bool = False
    sent_at: Instant | None = None
    origin: UpItem | None = None
    """In-app: the device's own words, and whose they are. Then `thread` is absent: which one it belongs to
    is decided by what the device says, and by the threads there are."""


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

    async def media(self, media_id: str, out: Transports) -> HttpRequest | None:
        """The request that fetches what an MO named by this id, or by this URL where the provider asks for
        our credentials; may ask the provider where it is. None where media need nothing of ours. Raises
        ProviderError."""

    async def check(self, out: Transports) -> str | None:
        """Asks the provider whether it takes the account's credentials, by the cheapest call that does no
        harm; what it said, for a person. None where there is no such call. Raises ProviderError."""
