"""Viber's own messages, as far as they are read: answers of the bot API, and callbacks.

A message token is a number of 64 bits: JSON readers that make floating point of numbers lose its end. Here it
is read whole, from the bytes as they came, and is text from then on.

Source: Viber's REST bot API (7.3), November 2026.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StrictInt, StrictStr, StringConstraints

from gateway.model.base import Wire

Json = dict[str, Any]


def _as_text(token: object) -> object:
    return str(token) if isinstance(token, int) and not isinstance(token, bool) else token


Token = Annotated[StrictStr, StringConstraints(min_length=1), BeforeValidator(_as_text)]


class Outcome(Wire):
    """What every answer has."""

    status: StrictInt
    status_message: str | None = None


class Accepted(Wire):
    """The answer to a message that was taken."""

    message_token: Token


class AccountInfo(Wire):
    """What is told of the bot itself."""

    name: str
    uri: str | None = None

    @property
    def told(self) -> str:
        return f"{self.name} ({self.uri})" if self.uri else self.name


class Kind(Wire):
    """What decides how a callback is treated."""

    event: str


class User(Wire):
    id: str
    name: str | None = None


class Location(Wire):
    lat: float
    lon: float


class Contact(Wire):
    name: str | None = None
    phone_number: str | None = None


class Message(Wire):
    """What a person wrote; which of the fields there are follows from `type`."""

    type: str
    text: str | None = None
    media: str | None = None
    file_name: str | None = None
    sticker_id: int | str | None = None
    location: Location | None = None
    contact: Contact | None = None
    tracking_data: str | None = None


class Incoming(Wire):
    """A callback with a message: its message is also wanted as it came."""

    message: Json


class Callback(Wire):
    """One callback. Who it is about stands in `sender`, `user` or `user_id`, as the event has it."""

    event: str
    message_token: Token
    timestamp: int | float | None = None
    sender: User | None = None
    user: User | None = None
    user_id: str | None = None
    message: Message | None = None
    desc: str | None = None
    context: str | None = None
    subscribed: bool | None = None

    @property
    def person(self) -> User:
        found = self.sender or self.user or (User(id=self.user_id) if self.user_id else None)
        if found is None:
            raise ValueError("the callback is about nobody")
        return found


class Tracking(Wire):
    """What we send along with a message and Viber returns with whatever answers it: which message it was, and
    the ids and titles of its buttons."""

    reference: str
    buttons: dict[str, str] = Field(default_factory=dict)
