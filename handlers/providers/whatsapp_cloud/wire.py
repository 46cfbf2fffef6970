"""WhatsApp's own messages, as far as they are read: answers to a send, and the parts of a webhook.

Source: Meta's webhook reference for Graph API v25.0, read in November 2026. What Meta may leave out is
optional; a part is only looked at when `type` names it.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from gateway.model.base import Wire
from handlers.shared.meta import GraphError

Json = dict[str, Any]
Timestamp = str | int | float | None  # seconds as digits; milliseconds have been seen


class SentMessage(Wire):
    id: str = Field(min_length=1)


class Sent(Wire):
    """The answer to a message."""

    messages: tuple[SentMessage, ...] = Field(min_length=1)


class Done(Wire):
    """The answer to a read mark."""

    success: bool


class Change(Wire):
    field: str
    value: Json


class Entry(Wire):
    """What happened at one business account."""

    id: str | int | None = None
    changes: tuple[Change, ...]


class Delivery(Wire):
    """One webhook request."""

    entry: tuple[Entry, ...]


class Value(Wire):
    """The value of a change of a field that is read: any number of messages, statuses and preferences, each
    still raw."""

    metadata: Json = {}
    contacts: tuple[Json, ...] = ()
    messages: tuple[Json, ...] = ()
    statuses: tuple[Json, ...] = ()
    user_preferences: tuple[Json, ...] = ()


class Metadata(Wire):
    """Our number."""

    display_phone_number: str | None = None
    phone_number_id: str | None = None


class Profile(Wire):
    name: str | None = None


class Contact(Wire):
    """Who wrote. Without `wa_id` for people who hide their number behind a user name."""

    profile: Profile = Profile()
    wa_id: str | None = None
    user_id: str | None = None


class Context(Wire):
    id: str | None = None


class Said(Wire):
    """What a message says; in what, is told by the field that `type` names."""

    type: str
    context: Context = Context()
    referral: Json | None = None  # the ad that a person came by


class Message(Said):
    """What all messages have in common."""

    id: str = Field(min_length=1)
    timestamp: Timestamp = None
    sender: str | None = Field(None, alias="from")
    from_user_id: str | None = None
    group_id: str | None = None


class Edit(Wire):
    original_message_id: str = Field(min_length=1)
    message: Json


class Revoke(Wire):
    original_message_id: str = Field(min_length=1)


class Text(Wire):
    body: str


class Media(Wire):
    id: str
    caption: str | None = None
    filename: str | None = None
    mime_type: str | None = None


class Location(Wire):
    latitude: float
    longitude: float
    name: str | None = None
    address: str | None = None


class Reaction(Wire):
    message_id: str
    emoji: str = ""  # absent when the reaction is taken back


class TemplateButton(Wire):
    text: str | None = None
    payload: str | None = None


class Choice(Wire):
    id: str
    title: str | None = None


class Interactive(Wire):
    type: str
    button_reply: Choice | None = None
    list_reply: Choice | None = None


class CardName(Wire):
    formatted_name: str | None = None


class CardPhone(Wire):
    phone: str | None = None


class CardEmail(Wire):
    email: str | None = None


class Card(Wire):
    """One contact that somebody passed on."""

    name: CardName = CardName()
    phones: tuple[CardPhone, ...] = ()
    emails: tuple[CardEmail, ...] = ()


class Cards(Wire):
    contacts: tuple[Card, ...] = Field(min_length=1)


class System(Wire):
    type: str | None = None
    wa_id: str | None = None
    user_id: str | None = None


class Status(Wire):
    """One delivery receipt."""

    id: str = Field(min_length=1)
    status: str
    timestamp: Timestamp = None
    errors: tuple[GraphError, ...] = ()
    biz_opaque_callback_data: str | None = None


class MessageItem(Wire):
    """A callback item of kind `mo`: the change's value cut down to one message and whom it is from."""

    metadata: Metadata = Metadata()
    contacts: tuple[Contact, ...] = ()
    messages: tuple[Json, ...] = Field(min_length=1, max_length=1)


class Preference(Wire):
    """Whether a person wants marketing messages."""

    wa_id: str | None = None
    user_id: str | None = None
    value: str
    timestamp: Timestamp = None


class PreferenceItem(Wire):
    """A callback item of kind `mo`: the change's value cut down to one preference and whose it is."""

    metadata: Metadata = Metadata()
    contacts: tuple[Contact, ...] = ()
    user_preferences: tuple[Json, ...] = Field(min_length=1, max_length=1)


class StatusItem(Wire):
    """A callback item of kind `dr`: the change's value cut down to one status."""

    statuses: tuple[Status, ...] = Field(min_length=1, max_length=1)


class MediaPlace(Wire):
    """Where a medium can be fetched."""

    url: str


class Number(Wire):
    """What is told of a phone number."""

    display_phone_number: str
    verified_name: str | None = None

    @property
    def told(self) -> str:
        return f"{self.display_phone_number} {self.verified_name or ''}".strip()
