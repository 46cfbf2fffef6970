"""Telegram's own messages, as far as they are read: answers of the Bot API, and updates.

Source: the Bot API reference (9.x), November 2026.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.model.base import Wire


class Chat(Wire):
    id: int
    type: str = "private"
    title: str | None = None


class MessageRef(Wire):
    """Which message: its number is unique only within its chat."""

    message_id: int
    chat: Chat

    @property
    def key(self) -> str:
        return f"{self.chat.id}:{self.message_id}"


class Accepted(Wire):
    """The answer to a call that succeeded: the messages it made, or only that it is done."""

    ok: Literal[True]
    result: MessageRef | tuple[MessageRef, ...] | Literal[True]


class Hints(Wire):
    retry_after: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    migrate_to_chat_id: int | None = None


class Refused(Wire):
    """The answer to a call that failed."""

    ok: Literal[False]
    error_code: int
    description: str = ""
    parameters: Hints = Hints()


class User(Wire):
    id: int
    first_name: str = ""
    last_name: str | None = None

    @property
    def name(self) -> str | None:
        return " ".join(filter(None, (self.first_name, self.last_name))) or None


class File(Wire):
    file_id: str
    file_name: str | None = None
    mime_type: str | None = None


class Location(Wire):
    latitude: float
    longitude: float


class Venue(Wire):
    location: Location
    title: str | None = None
    address: str | None = None


class Contact(Wire):
    phone_number: str = Field(min_length=1)
    first_name: str = ""
    last_name: str | None = None


class Message(MessageRef):
    """A message; which of the contents there is, is told by its being there."""

    date: int = 0
    sender: User | None = Field(None, alias="from")
    reply_to_message: MessageRef | None = None
    text: str | None = None
    caption: str | None = None
    photo: tuple[File, ...] = ()  # one picture in several sizes, the largest last
    animation: File | None = None
    video: File | None = None
    video_note: File | None = None
    audio: File | None = None
    voice: File | None = None
    document: File | None = None
    sticker: File | None = None
    venue: Venue | None = None
    location: Location | None = None
    contact: Contact | None = None


class Button(Wire):
    text: str
    callback_data: str | None = None


class Keyboard(Wire):
    inline_keyboard: tuple[tuple[Button, ...], ...] = ()


class PressedMessage(MessageRef):
    """The message whose button was pressed; without its contents when it is too old."""

    reply_markup: Keyboard = Keyboard()


class CallbackQuery(Wire):
    id: str
    sender: User = Field(alias="from")
    message: PressedMessage | None = None
    data: str | None = None


class Member(Wire):
    status: str


class MemberChange(Wire):
    chat: Chat
    sender: User = Field(alias="from")
    date: int = 0
    new_chat_member: Member


class Update(Wire):
    """One update; at most one of its parts is there."""

    update_id: int
    message: Message | None = None
    edited_message: Message | None = None
    callback_query: CallbackQuery | None = None
    my_chat_member: MemberChange | None = None


class FileRef(Wire):
    file_path: str


class FilePlace(Wire):
    """The answer of getFile."""

    result: FileRef


class MeRef(Wire):
    username: str


class Me(Wire):
    """The answer of getMe."""

    result: MeRef
