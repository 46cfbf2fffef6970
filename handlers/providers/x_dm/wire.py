"""X's own messages, as far as they are read: answers of the API v2, and deliveries of Account Activity.

Source: X's API reference and its guide to the data objects of Account Activity, November 2026.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from gateway.model.base import Wire

Json = dict[str, Any]


class EventRef(Wire):
    dm_event_id: str = Field(min_length=1)


class Created(Wire):
    """The answer to a message that was taken."""

    data: EventRef


class MediaRef(Wire):
    id: str = Field(min_length=1)


class Uploaded(Wire):
    """The answer to an upload."""

    data: MediaRef


class MeRef(Wire):
    username: str


class Me(Wire):
    """The answer of /2/users/me."""

    data: MeRef


class Wrong(Wire):
    """One error: with a number as of old, or as a problem (RFC 9457)."""

    code: int | None = None
    message: str | None = None
    type: str | None = None
    title: str | None = None
    detail: str | None = None


class Problem(Wrong):
    """The body of an answer that tells an error."""

    errors: tuple[Wrong, ...] = ()


class Delivery(Wire):
    """One request of Account Activity, or one item of it, which is cut down to one event and its sender."""

    for_user_id: str | None = None
    users: dict[str, Json] = {}
    direct_message_events: tuple[Json, ...] = ()
    direct_message_mark_read_events: tuple[Json, ...] = ()
    direct_message_indicate_typing_events: tuple[Json, ...] = ()


class User(Wire):
    name: str | None = None
    screen_name: str | None = None


class QuickReply(Wire):
    metadata: str


class Variant(Wire):
    url: str
    bitrate: int = -1  # absent for playlists, which are no files


class VideoInfo(Wire):
    variants: tuple[Variant, ...] = ()


class Media(Wire):
    type: str
    url: str | None = None  # how the text names it
    media_url_https: str | None = None
    video_info: VideoInfo = VideoInfo()


class Attachment(Wire):
    type: str
    media: Media | None = None


class MessageData(Wire):
    text: str = ""
    quick_reply_response: QuickReply | None = None
    attachment: Attachment | None = None


class MessageCreate(Wire):
    sender_id: str
    message_data: MessageData


class Message(Wire):
    id: str = Field(min_length=1)
    created_timestamp: str | None = None
    message_create: MessageCreate


class Typing(Wire):
    created_timestamp: str
    sender_id: str


class Read(Wire):
    created_timestamp: str | None = None
    sender_id: str
    last_read_event_id: str = Field(pattern=r"^[0-9]{1,20}$")
