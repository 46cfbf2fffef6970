"""`/v1/applications/<app_id>/threads`: the threads of an application, and their messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.model.base import now, uuid7
from gateway.rtm.expressions import parse, topics_of
from gateway.rtm.refusals import RtmRefused
from gateway.store.customers import Customers
from gateway.store.inbox import Inbox
from gateway.store.threads import ThreadRecord, Threads
from gateway.store.topics import Topics
from gateway.web.api.configured import Configured, application_of
from gateway.web.api.customers import known
from gateway.web.api.operations import Call, Nothing, Operation, Route, bind
from gateway.web.api.paging import page
from gateway.web.api.thread_models import (
    MessagePage,
    MessageQuery,
    NewThread,
    ThreadAnswer,
    ThreadChanges,
    ThreadPage,
    ThreadQuery,
)

_TAG, _ALL = "threads", "/applications/{app_id}/threads"
_ONE = f"{_ALL}/{{thread_id}}"

LIST = Operation("listThreads", "GET", _ALL, _TAG, "List threads", ThreadQuery, Nothing, ThreadPage)
CREATE = Operation(
    id="createThread",
    method="POST",
    path=_ALL,
    tag=_TAG,
    summary="Make a thread",
    query=Nothing,
    body=NewThread,
    answer=ThreadAnswer,
    status=201,
    refusals=("unknown_user", "unknown_topic", "invalid_expression", "already_exists"),
)
GET = Operation("getThread", "GET", _ONE, _TAG, "Get a thread", Nothing, Nothing, ThreadAnswer)
CHANGE = Operation(
    id="changeThread",
    method="PATCH",
    path=_ONE,
    tag=_TAG,
    summary="Change a thread, or close or open it",
    query=Nothing,
    body=ThreadChanges,
    answer=ThreadAnswer,
)
LIST_MESSAGES = Operation(
    id="listMessages",
    method="GET",
    path=f"{_ONE}/messages",
    tag=_TAG,
    summary="List the messages of a thread, oldest first",
    query=MessageQuery,
    body=Nothing,
    answer=MessagePage,
    description="As long as the application's retention lasts. By when they were accepted; an MT that had to"
    " wait is there once it has been sent, before what has been read already: so let `since` reach back.",
)
OPERATIONS = (LIST, CREATE, GET, CHANGE, LIST_MESSAGES)


@dataclass(frozen=True, slots=True)
class ThreadRoutes:
    configured: Configured
    customers: Customers
    threads: Threads
    topics: Topics
    inbox: Inbox

    def routes(self) -> list[Route]:
        return [
            bind(LIST, self.list),
            bind(CREATE, self.create),
            bind(GET, self.get),
            bind(CHANGE, self.change),
            bind(LIST_MESSAGES, self.list_messages),
        ]

    async def list(self, call: Call[ThreadQuery, Nothing]) -> dict[str, Any]:
        await application_of(self.configured, call.app_id)
        query = call.query
        rows = await self.threads.of_application(
            call.app_id, status=query.status, after=query.after, limit=query.one_more
        )
        return page(query, rows, lambda thread: thread.thread_id, lambda thread: thread.described())

    async def create(self, call: Call[Nothing, NewThread]) -> dict[str, Any]:
        await application_of(self.configured, call.app_id)
        wanted, at = call.body, now()
        await self._somebodys(call.app_id, wanted)
        record = ThreadRecord(
            app_id=call.app_id,
            thread_id=wanted.id or uuid7(),
            type=wanted.type,
            created_at=at,
            updated_at=at,
            user_id=wanted.user_id,
            topic=wanted.topic,
            title=wanted.title,
            category=wanted.category,
            external_id=wanted.external_id,
            extras=wanted.extras,
        )
        if await self.threads.ensure(record) is not record:
            raise RtmRefused("already_exists")
        return record.described()

    async def get(self, call: Call[Nothing, Nothing]) -> dict[str, Any]:
        return (await self._found(call.app_id, call.ids["thread_id"])).described()

    async def change(self, call: Call[Nothing, ThreadChanges]) -> dict[str, Any]:
        record = await self._found(call.app_id, call.ids["thread_id"])
        if changes := call.body.given():
            updated = await self.threads.update(call.app_id, record.thread_id, changes, now())
            if updated is None:
                raise RtmRefused("unknown_thread")
            record = updated
        return record.described()

    async def list_messages(self, call: Call[MessageQuery, Nothing]) -> dict[str, Any]:
        thread, query = await self._found(call.app_id, call.ids["thread_id"]), call.query
        found = await self.inbox.messages(
            call.app_id, thread.thread_id, since=query.since, cursor=query.cursor, limit=query.limit
        )
        following = {"next": found.cursor} if found.cursor is not None else {}
        return {"items": found.messages, **following}

    async def _somebodys(self, app_id: str, wanted: NewThread) -> None:
        """Raises RtmRefused for somebody who is not known, or topics that there are not."""
        if wanted.user_id is not None:
            await known(self.customers, app_id, wanted.user_id)
        if wanted.topic is not None:
            unknown = await self.topics.unknown(app_id, topics_of(parse(wanted.topic)))
            if unknown:
                raise RtmRefused("unknown_topic", f"there is no topic {', '.join(sorted(unknown))}")

    async def _found(self, app_id: str, thread_id: str) -> ThreadRecord:
        await application_of(self.configured, app_id)
        found = await self.threads.get(app_id, thread_id)
        if found is None:
            raise RtmRefused("unknown_thread", "the application has no such thread")
        return found
