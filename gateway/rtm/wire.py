"""What clients and the gateway say to each other, as JSON in the payload of an MQTT publication.

Upwards it is read by the models here, which refuse what they do not know. Downwards it is made by the
functions here; clients must ignore fields that they do not know, and drop a `message_id` or `mo_id` that they
have had. deploy/clients/PROTOCOL.md tells the whole of it to those who write clients.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from pydantic import Field, StringConstraints, TypeAdapter

from gateway.model.address import Address, Thread
from gateway.model.base import Contract, Identifier, Instant, Name, rfc3339
from gateway.model.content import (
    ButtonReply,
    ContactContent,
    Content,
    InboundMedia,
    InboundText,
    ListReply,
    LocationContent,
    ReactionContent,
    Short,
    Text,
    TypingContent,
    Url,
)
from gateway.rtm.names import Device
from gateway.rtm.refusals import RtmRefused

MAX_UP_BYTES = 65_536
"""The largest payload that is taken from a device."""

Platform = Literal["android", "ios", "web", "other"]
ThreadId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,128}$")]
Extras = Annotated[dict[Short, Short | tuple[Short, ...]], Field(max_length=32)]
Limit = Annotated[int, Field(ge=1, le=100)]


class UpMedia(Contract):
    """Media in an MO: by a URL where the application finds them, since the gateway keeps no files."""

    type: InboundMedia
    url: Url
    caption: Text | None = None
    filename: Short | None = None
    mime_type: Short | None = None


UpContent = Annotated[
    InboundText
    | UpMedia
    | LocationContent
    | ContactContent
    | ReactionContent
    | ButtonReply
    | ListReply
    | TypingContent,
    Field(discriminator="type"),
]


class ThreadChoice(Contract):
    """Which thread an MO belongs to: one by its id; or a conversation with the application by its title, or
    about a topic, which is made when there is none yet. Without any of them, the person's own conversation
    with the application."""

    id: ThreadId | None = None
    title: Short | None = None
    topic: Name | None = None


class UpMessage(Contract):
    """An MO, on a device's `up`."""

    id: Identifier
    """The client's own, unique for the device; what is repeated with the same id is taken once."""
    content: UpContent
    thread: ThreadChoice = ThreadChoice()
    in_reply_to: Short | None = None
    """The `message_id` or `mo_id` that it answers."""
    sent_at: Instant | None = None


class UpReceipt(Contract):
    """A receipt, on a device's `rcpt`."""

    message_id: Identifier
    status: Literal["delivered", "read"]
    at: Instant | None = None


class Presence(Contract):
    """Whether a device is connected, on its `presence`, retained. `online: false` is its will, and published
    before it disconnects in good order, since brokers then leave out the will."""

    online: bool
    session: Identifier
    """New for each connection, and the same in its will: so that a late will does not end what came after."""
    platform: Platform | None = None
    app_version: Short | None = None


class _Request(Contract):
    id: Identifier
    """Comes back as `of` in the answer."""


class ListThreads(_Request):
    action: Literal["threads"]
    status: Literal["open", "closed"] | None = None
    cursor: Short | None = None
    limit: Limit = 50


class CreateThread(_Request):
    """A conversation with the application; for all who follow `topic`, where there is one."""

    action: Literal["thread_create"]
    title: Short | None = None
    category: Short | None = None
    external_id: Short | None = None
    extras: Extras = {}
    topic: Name | None = None


class UpdateThread(_Request):
    """Fields that are absent stay as they are. A thread of a topic cannot be changed by a client."""

    action: Literal["thread_update"]
    thread_id: ThreadId
    title: Short | None = None
    category: Short | None = None
    external_id: Short | None = None
    extras: Extras | None = None
    status: Literal["open", "closed"] | None = None


class ListMessages(_Request):
    """The messages of a thread, oldest first."""

    action: Literal["messages"]
    thread_id: ThreadId
    since: Instant | None = None
    cursor: Short | None = None
    limit: Limit = 50


class ListTopics(_Request):
    action: Literal["topics"]
    cursor: Short | None = None
    limit: Limit = 50


class FollowTopic(_Request):
    action: Literal["topic_subscribe", "topic_unsubscribe"]
    topic: Name


class RegisterDevice(_Request):
    """What is told replaces what was known; an empty `push_token` takes it away."""

    action: Literal["device_register"]
    platform: Platform | None = None
    push_token: Annotated[str, StringConstraints(max_length=2_048)] | None = None
    app_version: Short | None = None


class RemoveDevice(_Request):
    """This device, as on signing out."""

    action: Literal["device_remove"]


Request = Annotated[
    ListThreads
    | CreateThread
    | UpdateThread
    | ListMessages
    | ListTopics
    | FollowTopic
    | RegisterDevice
    | RemoveDevice,
    Field(discriminator="action"),
]
REQUEST: TypeAdapter[Request] = TypeAdapter(Request)


def message_down(
    *,
    message_id: str,
    app_id: str,
    to: Address,
    sender: str | None,
    thread: Thread | None,
    content: Content,
    in_reply_to: str | None,
    sent_at: datetime,
    expires_at: datetime | None,
) -> bytes:
    """An MT, as devices get it on `down`."""
    return _json(
        {
            "type": "message",
            "message_id": message_id,
            "app_id": app_id,
            "to": {"kind": to.kind, "id": to.id},
            "from": sender,
            "thread": thread.model_dump(exclude_none=True) if thread else None,
            "content": content.model_dump(mode="json", exclude_none=True),
            "in_reply_to": in_reply_to,
            "sent_at": rfc3339(sent_at),
            "expires_at": rfc3339(expires_at) if expires_at else None,
        }
    )


def sync_message(
    *,
    mo_id: str,
    id: str,
    device: Device,
    thread: Mapping[str, Any],
    content: Mapping[str, Any],
    in_reply_to: str | None,
    sent_at: datetime,
) -> dict[str, Any]:
    """An MO, as other devices get it on `sync`: the person's own, and those of all who follow the topic."""
    return {
        "type": "mo",
        "mo_id": mo_id,
        "id": id,
        "from": {"user_id": device.user_id, "device_id": device.device_id},
        "thread": dict(thread),
        "content": dict(content),
        **({"in_reply_to": in_reply_to} if in_reply_to else {}),
        "sent_at": rfc3339(sent_at),
    }


def sync_receipt(*, message_id: str, status: str, device: Device, at: datetime) -> dict[str, Any]:
    """A receipt, as other devices get it on `sync`."""
    return {
        "type": "receipt",
        "message_id": message_id,
        "status": status,
        "from": {"user_id": device.user_id, "device_id": device.device_id},
        "at": rfc3339(at),
    }


def accepted(of: str, *, mo_id: str, thread_id: str) -> dict[str, Any]:
    """The answer to an MO whose device wanted one: that the application gets it."""
    return {"type": "accepted", "of": of, "mo_id": mo_id, "thread_id": thread_id}


def result(of: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a request."""
    return {"type": "result", "of": of, "result": dict(content)}


def refused(of: str | None, refusal: RtmRefused) -> dict[str, Any]:
    """The answer to what is not taken; `of` is its id, or a receipt's `message_id`, where there is one."""
    return {"type": "refused", "of": of, "code": refusal.code, "detail": refusal.detail}


def _json(document: Mapping[str, Any]) -> bytes:
    return orjson.dumps({name: value for name, value in document.items() if value is not None})
