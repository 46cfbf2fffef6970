"""Slack's own messages, as far as they are read: answers of the Web API, events, and pressed buttons.

Source: Slack's reference of the Events API and of interaction payloads, read in November 2026.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from gateway.model.base import Wire

Json = dict[str, Any]


class Refused(Wire):
    """The answer to a call that failed."""

    ok: Literal[False]
    error: str = Field(min_length=1)


class Posted(Wire):
    """The answer to chat.postMessage."""

    ok: Literal[True]
    channel: str = Field(min_length=1)
    ts: str = Field(min_length=1)


class Done(Wire):
    """The answer to a call that makes no message."""

    ok: Literal[True]


class Who(Wire):
    """The answer to auth.test."""

    ok: Literal[True]
    team: str
    user: str


class FilePlace(Wire):
    """Where a file is, which may be outside of Slack."""

    url_private: str
    url_private_download: str | None = None


class FileInfo(Wire):
    """The answer to files.info."""

    ok: Literal[True]
    file: FilePlace


class Challenge(Wire):
    """What Slack asks when the URL is entered."""

    type: Literal["url_verification"]
    challenge: str


class Authorization(Wire):
    """Whom an event is sent to: our bot, for one."""

    user_id: str | None = None


class Delivery(Wire):
    """One event, and what is around it."""

    type: Literal["event_callback"]
    event_id: str = Field(min_length=1)
    api_app_id: str | None = None
    authorizations: tuple[Authorization, ...] = ()
    event: Json


class File(Wire):
    id: str = Field(min_length=1)
    name: str | None = None
    mimetype: str | None = None


class Message(Wire):
    """What somebody wrote."""

    user: str = Field(min_length=1)
    ts: str = Field(min_length=1)
    thread_ts: str | None = None
    text: str = ""
    files: tuple[File, ...] = ()


class Place(Wire):
    """Where an event happened, and when."""

    channel: str = Field(min_length=1)
    event_ts: str | None = None


class ReactedTo(Wire):
    channel: str = Field(min_length=1)
    ts: str = Field(min_length=1)


class Reaction(Wire):
    type: str
    user: str = Field(min_length=1)
    reaction: str
    item: ReactedTo
    event_ts: str | None = None


class Id(Wire):
    id: str = Field(min_length=1)


class Words(Wire):
    text: str | None = None


class Option(Wire):
    value: str
    text: Words = Words()


class Action(Wire):
    """One pressed button, or one row that was chosen. A button that opens a URL has no value."""

    action_ts: str = Field(min_length=1)
    value: str | None = None
    text: Words = Words()
    selected_option: Option | None = None


class PressedMessage(Wire):
    ts: str = Field(min_length=1)
    thread_ts: str | None = None


class Pressed(Wire):
    """Buttons under a message of ours."""

    type: Literal["block_actions"]
    api_app_id: str | None = None
    user: Id
    channel: Id
    message: PressedMessage
    actions: tuple[Action, ...] = ()
