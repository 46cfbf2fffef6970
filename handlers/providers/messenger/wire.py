"""Messenger's own messages, as far as they are read: answers to a send, and the parts of a webhook.

Source: Meta's webhook reference of the Messenger Platform, Graph API v25.0, read in November 2026. What Meta
may leave out is optional.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from gateway.model.base import Wire

Json = dict[str, Any]
Timestamp = int | float | str | None  # milliseconds


class Sent(Wire):
    """The answer to a message."""

    message_id: str = Field(min_length=1)


class Page(Wire):
    """Whose access token it is."""

    id: str
    name: str | None = None


class Entry(Wire):
    """What happened at one page. `standby` is what another app of the page was told while it has the
    conversation; `changes` are other fields of the webhook."""

    id: str | int
    messaging: tuple[Json, ...] = ()
    standby: tuple[Json, ...] = ()
    changes: tuple[Json, ...] = ()


class Delivery(Wire):
    """One webhook request."""

    object: Literal["page"]
    entry: tuple[Entry, ...]


class Item(Wire):
    """A callback item of kind `mo` or `dr`: an entry cut down to one event."""

    id: str
    messaging: tuple[Json, ...] = Field(min_length=1, max_length=1)


class Party(Wire):
    id: str = Field(min_length=1)


class QuickReply(Wire):
    payload: str


class ReplyTo(Wire):
    mid: str | None = None


class Message(Wire):
    mid: str = Field(min_length=1)
    text: str | None = None
    quick_reply: QuickReply | None = None
    attachments: tuple[Json, ...] = ()
    reply_to: ReplyTo = ReplyTo()
    referral: Json | None = None


class Place(Wire):
    lat: float
    long: float


class Payload(Wire):
    url: str | None = None
    sticker_id: int | str | None = None
    coordinates: Place | None = None


class Attachment(Wire):
    type: str
    title: str | None = None
    payload: Payload | None = None


class Postback(Wire):
    mid: str | None = None
    title: str | None = None
    payload: str | None = None
    referral: Json | None = None


class OptIn(Wire):
    notification_messages_status: str | None = None


class Reaction(Wire):
    mid: str
    action: str
    emoji: str | None = None
    reaction: str | None = None  # the emoji's name


class MessageEdit(Wire):
    mid: str = Field(min_length=1)
    text: str


class Event(Wire):
    """Something that a person said or did; which, is told by what is there."""

    sender: Party
    timestamp: Timestamp = None
    message: Message | None = None
    postback: Postback | None = None
    referral: Json | None = None
    optin: Json | None = None
    reaction: Reaction | None = None
    message_edit: MessageEdit | None = None


class Delivered(Wire):
    mids: tuple[str, ...] = ()
    watermark: Timestamp = None


class Read(Wire):
    watermark: Timestamp = None


class Receipt(Wire):
    """Proof that messages reached a person, or were read."""

    sender: Party
    timestamp: Timestamp = None
    delivery: Delivered | None = None
    read: Read | None = None
