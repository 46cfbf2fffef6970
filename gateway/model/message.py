"""MT and MO: the messages that platforms publish and read. `config/schema/` is generated from these."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from gateway.model.address import Address, AddressId, Person, Thread
from gateway.model.base import Contract, Identifier, Instant, Name
from gateway.model.content import Content, InboundContent, Short, TemplateContent
from gateway.model.receipt import DRStatus

MAX_BODY_BYTES = 1_048_576
MAX_VALIDITY_SECONDS = 2_592_000

Duplicates = Literal["allow", "avoid"]
AttributeValue = Annotated[str, StringConstraints(max_length=256)]


class Notification(Contract):
    """What a push message shows when no device of the recipient is connected (channel rtm)."""

    title: Annotated[str, StringConstraints(min_length=1, max_length=256)] | None = None
    """Default the thread's title, or else the application's name."""
    text: Annotated[str, StringConstraints(min_length=1, max_length=1_024)]


class MTMessage(Contract):
    """An outbound message, as a platform publishes it on `imgw.mt`."""

    message_id: Identifier | None = None
    """The publisher's id, unique within the application: publishing it twice sends once. Absent: made
    here."""
    app_id: Name
    """The application profile it is sent for."""
    channel: Name | None = None
    """What the person uses: whatsapp, telegram, sms … Routing chooses among the channel's accounts."""
    account: Name | None = None
    """A provider account by name, instead of routing."""
    to: AddressId | Address
    """The recipient. A string takes the channel's usual kind of address."""
    sender: Annotated[str, StringConstraints(min_length=1, max_length=128)] | None = Field(None, alias="from")
    """One of the account's sender identities; default the account's first."""
    content: Content
    """What it says."""
    window_fallback: TemplateContent | None = None
    """Sent instead when the session window is closed."""
    thread: Thread | None = None
    notification: Notification | None = None
    """Shown by push when no device of the recipient is connected, where the application has push accounts.
    Without it, nobody is woken. Only channel rtm has a use for it; others leave it out, so that an MT need
    not be written anew for each."""
    in_reply_to: Short | None = None
    """A provider message id or MO id to quote."""
    expires_at: Instant | None = None
    """Until when it is worth delivering. At most one of this and `validity_seconds`."""
    validity_seconds: Annotated[int, Field(ge=1, le=MAX_VALIDITY_SECONDS)] | None = None
    """The same as a duration, counted from acceptance."""
    priority: Literal["high", "normal", "bulk"] = "normal"
    attributes: Annotated[dict[Short, AttributeValue], Field(max_length=16)] = {}
    """What routing conditions look at: brand, country, market …"""
    correlation_id: Annotated[str, StringConstraints(max_length=128)] | None = None
    """Echoed in every DR."""
    callback_data: Annotated[str, StringConstraints(max_length=2_048)] | None = None
    """Echoed in every DR."""
    receipts: tuple[DRStatus, ...] | None = None
    """Which DR to publish besides the final one; default the application's."""
    degrade: Literal["allow", "never"] = "allow"
    """Whether content may be simplified for a channel that lacks a feature."""
    duplicates: Duplicates | None = None
    """What to do after an attempt with unknown outcome; default the application's."""

    @model_validator(mode="after")
    def _consistent(self) -> MTMessage:
        if self.channel is None and self.account is None:
            raise ValueError("needs channel or account")
        if self.expires_at is not None and self.validity_seconds is not None:
            raise ValueError("takes at most one of expires_at and validity_seconds")
        return self

    def due_at(self, accepted_at: datetime, default_validity_seconds: int) -> datetime:
        """Until when this message is worth delivering, as an instant."""
        if self.expires_at is not None:
            return self.expires_at
        return accepted_at + timedelta(seconds=self.validity_seconds or default_validity_seconds)


class MOMessage(Contract):
    """An inbound message, as the gateway publishes it on `imgw.out` with key `mo.<app_id>.<channel>`."""

    event_id: str
    """The same for a repetition of the same message: a function of account and provider message id."""
    mo_id: str
    app_id: Name
    channel: Name
    account: Name
    provider: Name
    provider_message_id: str
    sender: Person = Field(alias="from")
    """`id` goes back into an MT's `to` as it is."""
    device: str | None = None
    """Which device of that person, where the channel tells (rtm)."""
    to: str | None = None
    """Our number, page, bot or short code; for rtm the topics, where the thread is about some."""
    content: InboundContent
    keyword: str | None = None
    """The upper-cased first word, when routing used it."""
    thread: Thread | None = None
    in_reply_to: str | None = None
    """What it answers: `message_id` when that is one of ours, else the provider's id."""
    edited: bool = False
    deleted: bool = False
    sent_at: Instant | None = None
    """By the provider's word."""
    received_at: Instant
