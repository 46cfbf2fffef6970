"""LINE's own messages, as far as they are read: answers of the Messaging API, and webhook events.

Source: the Messaging API reference and LINE's OpenAPI files, November 2026. What LINE may leave out is
optional; a part is only looked at when the event's type names it.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from gateway.model.base import Wire

Json = dict[str, Any]


class SentMessage(Wire):
    id: str = Field(min_length=1)


class Sent(Wire):
    """The answer to a push, and to its repetition."""

    sent_messages: tuple[SentMessage, ...] = Field(alias="sentMessages", min_length=1)

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(message.id for message in self.sent_messages)


class Detail(Wire):
    message: str | None = None
    property: str | None = None


class Refused(Wire):
    """The answer to a call that failed."""

    message: str
    details: tuple[Detail, ...] = ()

    @property
    def text(self) -> str:
        """All of LINE's words: "The request body has 1 error(s); messages[0].text: May not be empty"."""
        parts = [": ".join(filter(None, (each.property, each.message))) for each in self.details]
        return "; ".join(filter(None, (self.message, *parts)))


class BotInfo(Wire):
    """What is told of the bot itself."""

    display_name: str = Field(alias="displayName")
    basic_id: str = Field(alias="basicId")


class Delivery(Wire):
    """One webhook request; its events are still raw. There are none when LINE tries the connection."""

    destination: str | None = None
    events: tuple[Json, ...]


class Kind(Wire):
    """What decides how an event is treated."""

    type: str
    mode: str = "active"


class Source(Wire):
    """The chat it happened in. In groups `userId` may be missing."""

    type: str
    user_id: str | None = Field(None, alias="userId")
    group_id: str | None = Field(None, alias="groupId")
    room_id: str | None = Field(None, alias="roomId")


class Provider(Wire):
    """Where media are: with LINE, or at a URL that another service gave."""

    type: str = "line"
    url: str | None = Field(None, alias="originalContentUrl")


class Message(Wire):
    id: str = Field(min_length=1)
    type: str
    text: str | None = None
    quoted_message_id: str | None = Field(None, alias="quotedMessageId")
    content_provider: Provider = Field(Provider(), alias="contentProvider")
    file_name: str | None = Field(None, alias="fileName")
    package_id: str | None = Field(None, alias="packageId")
    sticker_id: str | None = Field(None, alias="stickerId")
    title: str | None = None
    address: str | None = None
    latitude: float | None = None
    longitude: float | None = None


class Postback(Wire):
    data: str


class Event(Wire):
    """One event. `webhookEventId` is the same when LINE delivers it again."""

    type: str
    timestamp: int | float | None = None
    source: Source
    webhook_event_id: str = Field(alias="webhookEventId", min_length=1)
    message: Message | None = None
    postback: Postback | None = None
    follow: Json = {}
    unsend: Json = {}


class EventItem(Wire):
    """A callback item: the delivery cut down to one event."""

    destination: str | None = None
    events: tuple[Json, ...] = Field(min_length=1, max_length=1)
