"""`/v1/applications/<app_id>/topics`: the topics of an application, and who follows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, model_validator

from gateway.model.base import Contract, Instant, Name, now
from gateway.model.content import Short
from gateway.rtm.expressions import Topic
from gateway.rtm.names import UserId
from gateway.rtm.refusals import RtmRefused
from gateway.store.customers import Customers
from gateway.store.topics import TopicRecord, Topics
from gateway.web.api.configured import Configured, application_of
from gateway.web.api.operations import Call, Nothing, Operation, Route, bind
from gateway.web.api.paging import PageQuery, page

Users = Annotated[list[UserId], Field(max_length=1_000)]


class NewTopic(Contract):
    topic: Name
    """MT go to it, or to an expression of several: `a || b` (union), `a & b` (intersection), `a - b`
    (difference, with a space before the `-`), `a'` (complement), and parentheses."""
    description: Short | None = None
    group: Short | None = None
    open: bool = True
    """Whether people may subscribe by themselves."""


class TopicQuery(PageQuery):
    group: Annotated[str, Field(max_length=1_024)] | None = None
    """Only those of this group."""


class TopicAnswer(Contract):
    topic: str
    description: str | None = None
    group: str | None = None
    open: bool
    created_at: Instant


class TopicPage(Contract):
    items: list[TopicAnswer]
    next: str | None = None


class SubscriberChanges(Contract):
    add: Users = []
    remove: Users = []

    @model_validator(mode="after")
    def _one_or_the_other(self) -> SubscriberChanges:
        if not set(self.add).isdisjoint(self.remove):
            raise ValueError("nobody can be in both add and remove")
        return self


class SubscribersAnswer(Contract):
    unknown: list[str]
    """Those of the request whom the application does not know; the others are done."""


class SubscriberAnswer(Contract):
    user_id: str


class SubscriberPage(Contract):
    items: list[SubscriberAnswer]
    next: str | None = None


_TAG, _ALL = "topics", "/applications/{app_id}/topics"
_ONE = f"{_ALL}/{{topic}}"
_SUBSCRIBERS = f"{_ONE}/subscribers"

LIST = Operation("listTopics", "GET", _ALL, _TAG, "List topics", TopicQuery, Nothing, TopicPage)
CREATE = Operation(
    id="createTopic",
    method="POST",
    path=_ALL,
    tag=_TAG,
    summary="Make a topic",
    query=Nothing,
    body=NewTopic,
    answer=TopicAnswer,
    status=201,
    refusals=("already_exists",),
)
GET = Operation("getTopic", "GET", _ONE, _TAG, "Get a topic", Nothing, Nothing, TopicAnswer)
DELETE = Operation(
    id="deleteTopic",
    method="DELETE",
    path=_ONE,
    tag=_TAG,
    summary="Delete a topic: nobody follows it any more",
    query=Nothing,
    body=Nothing,
    status=204,
)
LIST_SUBSCRIBERS = Operation(
    "listSubscribers",
    "GET",
    _SUBSCRIBERS,
    _TAG,
    "List who follows a topic",
    PageQuery,
    Nothing,
    SubscriberPage,
)
CHANGE_SUBSCRIBERS = Operation(
    id="changeSubscribers",
    method="POST",
    path=_SUBSCRIBERS,
    tag=_TAG,
    summary="Let people follow a topic, or no longer",
    query=Nothing,
    body=SubscriberChanges,
    answer=SubscribersAnswer,
)
OPERATIONS = (LIST, CREATE, GET, DELETE, LIST_SUBSCRIBERS, CHANGE_SUBSCRIBERS)


@dataclass(frozen=True, slots=True)
class TopicRoutes:
    configured: Configured
    customers: Customers
    topics: Topics

    def routes(self) -> list[Route]:
        return [
            bind(LIST, self.list),
            bind(CREATE, self.create),
            bind(GET, self.get),
            bind(DELETE, self.delete),
            bind(LIST_SUBSCRIBERS, self.list_subscribers),
            bind(CHANGE_SUBSCRIBERS, self.change_subscribers),
        ]

    async def list(self, call: Call[TopicQuery, Nothing]) -> dict[str, Any]:
        await application_of(self.configured, call.app_id)
        query = call.query
        rows = await self.topics.page(call.app_id, group=query.group, after=query.after, limit=query.one_more)
        return page(query, rows, lambda topic: topic.topic, lambda topic: topic.described())

    async def create(self, call: Call[Nothing, NewTopic]) -> dict[str, Any]:
        await application_of(self.configured, call.app_id)
        wanted = call.body
        record = TopicRecord(
            app_id=call.app_id,
            topic=wanted.topic,
            created_at=now(),
            description=wanted.description,
            group=wanted.group,
            open=wanted.open,
        )
        if not await self.topics.add(record):
            raise RtmRefused("already_exists")
        return record.described()

    async def get(self, call: Call[Nothing, Nothing]) -> dict[str, Any]:
        return (await self._found(call.app_id, call.ids["topic"])).described()

    async def delete(self, call: Call[Nothing, Nothing]) -> None:
        await application_of(self.configured, call.app_id)
        topic = call.ids["topic"]
        removed = await self.topics.remove(call.app_id, topic)
        # Also when there is none: what was cut off before goes on.
        await self.customers.forget_topic(call.app_id, topic)
        if not removed:
            raise RtmRefused("unknown_topic")

    async def list_subscribers(self, call: Call[PageQuery, Nothing]) -> dict[str, Any]:
        topic, query = await self._found(call.app_id, call.ids["topic"]), call.query
        rows = await self.customers.audience(
            call.app_id, Topic(topic.topic), after=query.after, limit=query.one_more
        )
        return page(query, rows, lambda user_id: user_id, lambda user_id: {"user_id": user_id})

    async def change_subscribers(self, call: Call[Nothing, SubscriberChanges]) -> dict[str, Any]:
        topic, changes, at = await self._found(call.app_id, call.ids["topic"]), call.body, now()
        unknown: set[str] = set()
        if changes.add:
            unknown |= await self.customers.follow(call.app_id, topic.topic, changes.add, at)
        if changes.remove:
            unknown |= await self.customers.unfollow(call.app_id, topic.topic, changes.remove, at)
        return {"unknown": sorted(unknown)}

    async def _found(self, app_id: str, topic: str) -> TopicRecord:
        await application_of(self.configured, app_id)
        found = await self.topics.get(app_id, topic)
        if found is None:
            raise RtmRefused("unknown_topic")
        return found
