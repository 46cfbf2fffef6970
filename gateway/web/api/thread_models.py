"""Threads and their messages as the API takes and shows them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from gateway.model.base import Contract, Instant
from gateway.model.content import Short
from gateway.model.receipt import Status
from gateway.rtm.names import UserId
from gateway.rtm.wire import Extras, ThreadId
from gateway.store.threads import ThreadStatus, ThreadType
from gateway.web.api.paging import PageQuery

_ONE_OF_THEM: dict[str, Any] = {"oneOf": [{"required": ["user_id"]}, {"required": ["topic"]}]}


class NewThread(Contract, json_schema_extra=_ONE_OF_THEM):
    """A thread of one person, or of all who follow a topic."""

    type: ThreadType
    """conversation; or announcement, which nobody answers."""
    user_id: UserId | None = None
    topic: Annotated[str, StringConstraints(min_length=1, max_length=1_024, strip_whitespace=True)] | None = (
        None
    )
    """A topic, or an expression of several."""
    id: ThreadId | None = None
    """Without it, one is made."""
    title: Short | None = None
    category: Short | None = None
    external_id: Short | None = None
    extras: Extras = {}

    @model_validator(mode="after")
    def _one_of_them(self) -> NewThread:
        if (self.user_id is None) == (self.topic is None):
            raise ValueError("one of user_id and topic is needed, and not both")
        return self


class ThreadChanges(Contract):
    """What is absent stays; what is null is taken away."""

    title: Short | None = None
    category: Short | None = None
    external_id: Short | None = None
    extras: Extras | None = None
    status: ThreadStatus | None = None

    def given(self) -> dict[str, Any]:
        """The changes, as the store takes them."""
        changes = self.model_dump(exclude_unset=True)
        if changes.get("extras", ...) is None:
            changes["extras"] = {}
        if changes.get("status", ...) is None:
            del changes["status"]
        return changes


class ThreadQuery(PageQuery):
    status: ThreadStatus | None = None
    """Only those that are open, or closed."""


class MessageQuery(Contract):
    since: Instant | None = None
    """Only those that were taken then or later."""
    cursor: Annotated[str, Field(max_length=1_024)] | None = None
    """What `next` of the page before says."""
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    """How many at most."""


class ThreadAnswer(Contract):
    thread_id: str
    type: ThreadType
    status: ThreadStatus
    user_id: str | None = None
    topic: str | None = None
    title: str | None = None
    category: str | None = None
    external_id: str | None = None
    extras: dict[str, str | list[str]] | None = None
    created_at: Instant
    updated_at: Instant


class ThreadPage(Contract):
    items: list[ThreadAnswer]
    next: str | None = None


class Sender(Contract):
    user_id: str
    device_id: str | None = None


class MessageAnswer(Contract):
    direction: Literal["mt", "mo"]
    message_id: str | None = None
    """Of an MT."""
    mo_id: str | None = None
    """Of an MO."""
    id: str | None = None
    """Of an MO, the client's own."""
    thread_id: str
    content: dict[str, Any]
    """As in MT and MO."""
    at: Instant
    """When the gateway took it."""
    in_reply_to: str | None = None
    status: Status | None = None
    """Of an MT: as in DR, or where it stands before that. Also one that `failed` or `expired` was tried."""
    delivered_at: Instant | None = None
    read_at: Instant | None = None
    sender: Annotated[Sender | None, Field(alias="from")] = None
    """Of an MO."""


class MessagePage(Contract):
    items: list[MessageAnswer]
    next: str | None = None
