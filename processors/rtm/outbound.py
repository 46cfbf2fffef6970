"""What an MT of the in-app channel needs before it is sent: that its recipient is known, who follows its
topics, and its thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from gateway.broker.port import Headers, Publication
from gateway.errors import MessageRefused
from gateway.model.address import Address, Thread
from gateway.model.base import now
from gateway.model.message import MTMessage
from gateway.rtm.expressions import parse, topics_of
from gateway.rtm.items import WakeUp, wake_publication
from gateway.rtm.names import read_device_name
from gateway.rtm.refusals import RtmRefused
from gateway.rtm.wire import ThreadId
from gateway.store.customers import Customers
from gateway.store.threads import ThreadRecord, Threads
from gateway.store.topics import Topics
from processors.catalogue import Catalogue
from processors.planning import Plan
from processors.reports import trace_of
from processors.rtm.conversations import implicit_of_topics, implicit_of_user, same_topics

_THREAD_ID: TypeAdapter[str] = TypeAdapter(ThreadId)


class InAppOutbound:
    def __init__(
        self,
        customers: Customers,
        threads: Threads,
        topics: Topics,
        catalogue: Callable[[], Catalogue],
    ) -> None:
        self._customers = customers
        self._threads = threads
        self._topics = topics
        self._catalogue = catalogue

    async def addressed(self, planned: Plan, mt: MTMessage, headers: Headers) -> Plan:
        """`planned` with what only the store knows, where its channel is in-app; otherwise as it is.

        Raises MessageRefused: `invalid_recipient` for a person, device, topic or expression that there is
        not; `recipient_unreachable` for topics that nobody follows; `thread_closed`; `invalid_message` for a
        thread id that clients could not name. Raises StoreUnavailable.
        """
        if not planned.handler.capabilities.in_app:
            return planned
        audience = await self._audience(mt.app_id, planned.to)
        thread = await self._thread(mt.app_id, planned.to, mt.thread, now())
        trace = {name: str(value) for name, value in trace_of(headers).items()}
        submissions = tuple(
            replace(submission, thread=thread, audience=audience, trace=trace)
            for submission in planned.submissions
        )
        message_id = submissions[0].reference.removeprefix(f"{mt.app_id}/")
        wakes = self.wakes(mt, message_id, headers)
        return replace(planned, submissions=submissions, follow_ups=wakes)

    def wakes(self, mt: MTMessage, message_id: str, headers: Headers) -> tuple[Publication, ...]:
        """What follows once it is submitted: that those of its recipients whose devices are not connected
        are woken, where it says with what words and its application has accounts that can."""
        application = self._catalogue().applications.get(mt.app_id)
        if mt.notification is None or application is None or not application.push:
            return ()
        return (wake_publication(WakeUp(app_id=mt.app_id, message_id=message_id), trace_of(headers)),)

    async def _audience(self, app_id: str, to: Address) -> tuple[str, ...]:
        """All that an MT to topics is for; nobody in particular for others."""
        if to.kind == "topic":
            return await self._followers(app_id, to.id)
        user_id, device_id = read_device_name(to.id)
        if to.kind not in ("user_id", "device") or (device_id is None) is (to.kind == "device"):
            text = "the channel takes a user_id, a device (user id/device id) or a topic"
            raise MessageRefused("invalid_recipient", text)
        customer = await self._customers.get(app_id, user_id)
        if customer is None:
            raise MessageRefused("invalid_recipient", "the application knows no such person")
        if device_id is not None and customer.device(device_id) is None:
            raise MessageRefused("invalid_recipient", "the person has no such device")
        return ()

    async def _followers(self, app_id: str, topics: str) -> tuple[str, ...]:
        try:
            expression = parse(topics)
        except RtmRefused as refused:
            raise MessageRefused("invalid_recipient", refused.detail) from refused
        unknown = await self._topics.unknown(app_id, topics_of(expression))
        if unknown:
            text = f"the application has no topic {', '.join(sorted(unknown))}"
            raise MessageRefused("invalid_recipient", text)
        audience = await self._customers.audience(app_id, expression)
        if not audience:
            raise MessageRefused("recipient_unreachable", "the topics mean nobody")
        return tuple(audience)

    async def _thread(self, app_id: str, to: Address, named: Thread | None, at: datetime) -> Thread:
        """The thread that it belongs to: the one that it names, or the usual one; made where there is
        none."""
        wanted = _wanted(app_id, to, named, at)
        stored = await self._threads.ensure(wanted)
        objection = _objection(wanted, stored)
        if objection is not None:
            raise MessageRefused("thread_closed", f"thread {stored.thread_id} is {objection}")
        return stored.as_named


def _wanted(app_id: str, to: Address, named: Thread | None, at: datetime) -> ThreadRecord:
    user_id = None if to.kind == "topic" else read_device_name(to.id)[0]
    if named is not None:
        topic = to.id if user_id is None else None
        return ThreadRecord(
            app_id, _named(named), named.type, at, at, user_id=user_id, topic=topic, title=named.title
        )
    if user_id is None:
        return implicit_of_topics(app_id, to.id, "announcement", at)
    return implicit_of_user(app_id, user_id, "conversation", at)


def _named(thread: Thread) -> str:
    """Its id, which clients must be able to name as well."""
    try:
        return _THREAD_ID.validate_python(thread.id)
    except ValidationError as error:
        text = "thread.id: this channel takes 1 to 128 of A-Z, a-z, 0-9 and . _ : -"
        raise MessageRefused("invalid_message", text) from error


def _objection(wanted: ThreadRecord, stored: ThreadRecord) -> str | None:
    """Why what should go to `wanted` cannot go to the thread of its id; None when it can."""
    if stored.type != wanted.type:
        return f"of type {stored.type}"
    if stored.user_id != wanted.user_id or not _about_the_same(wanted.topic, stored.topic):
        return "for somebody else"
    return "closed" if stored.status == "closed" else None


def _about_the_same(one: str | None, other: str | None) -> bool:
    return one == other if one is None or other is None else same_topics(one, other)
