"""Serves what a device asks for: its person's threads, their messages, and topics, and what it tells about
itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import orjson

from gateway.model.base import event_id
from gateway.rtm.names import Device
from gateway.rtm.refusals import RtmRefused
from gateway.rtm.wire import (
    CreateThread,
    FollowTopic,
    ListMessages,
    ListThreads,
    ListTopics,
    RegisterDevice,
    RemoveDevice,
    Request,
    UpdateThread,
)
from gateway.store.customers import Customers
from gateway.store.inbox import Inbox
from gateway.store.threads import ThreadRecord, Threads, is_theirs
from gateway.store.topics import Topics
from processors.rtm.conversations import implicit_of_user

_MOST_BYTES = 524_288  # of an answer: EMQX takes packets of 1 MiB, unless told otherwise
_CHANGEABLE = ("title", "category", "external_id", "extras", "status")


class Requests:
    """A device speaks only for its own person. Whatever is repeated has the same effect once."""

    def __init__(self, customers: Customers, threads: Threads, topics: Topics, inbox: Inbox) -> None:
        self._customers = customers
        self._threads = threads
        self._topics = topics
        self._inbox = inbox

    async def serve(self, device: Device, request: Request, at: datetime) -> dict[str, Any]:
        """What is answered. Raises RtmRefused for what cannot be had, and StoreUnavailable."""
        if isinstance(request, RemoveDevice):
            return {"removed": await self._customers.remove_device(device)}
        if isinstance(request, RegisterDevice):
            return await self._register(device, request, at)
        await self._customers.touch(device, at)
        match request:
            case ListThreads():
                return await self._list_threads(device, request)
            case CreateThread():
                return await self._create_thread(device, request, at)
            case UpdateThread():
                return await self._update_thread(device, request, at)
            case ListMessages():
                return await self._list_messages(device, request)
            case ListTopics():
                return await self._list_topics(device, request)
            case FollowTopic():
                return await self._follow(device, request, at)

    async def _register(self, device: Device, request: RegisterDevice, at: datetime) -> dict[str, Any]:
        await self._customers.touch(
            device,
            at,
            platform=request.platform,
            push_token=request.push_token,
            app_version=request.app_version,
        )
        return {"device_id": device.device_id}

    async def _list_threads(self, device: Device, request: ListThreads) -> dict[str, Any]:
        followed = await self._followed(device)

        async def page(limit: int) -> dict[str, Any]:
            threads = await self._threads.of_user(
                device.app_id,
                device.user_id,
                followed,
                status=request.status,
                after=request.cursor,
                limit=limit,
            )
            listed = {"threads": [thread.described() for thread in threads]}
            return _page(listed, threads[-1].thread_id if len(threads) == limit else None)

        return await _that_fits(page, request.limit)

    async def _create_thread(self, device: Device, request: CreateThread, at: datetime) -> dict[str, Any]:
        topic = request.topic
        if topic is not None and topic not in await self._followed(device):
            raise RtmRefused("unknown_topic")
        record = ThreadRecord(
            app_id=device.app_id,
            # The same when the request comes again.
            thread_id=event_id(device.app_id, device.user_id, device.device_id, "thread", request.id),
            type="conversation",
            created_at=at,
            updated_at=at,
            user_id=None if topic is not None else device.user_id,
            topic=topic,
            title=request.title,
            category=request.category,
            external_id=request.external_id,
            extras=request.extras,
        )
        return {"thread": (await self._threads.ensure(record)).described()}

    async def _update_thread(self, device: Device, request: UpdateThread, at: datetime) -> dict[str, Any]:
        thread = await self._threads.get(device.app_id, request.thread_id)
        if thread is None or thread.user_id != device.user_id:
            raise RtmRefused("unknown_thread")
        changes = {
            name: getattr(request, name)
            for name in _CHANGEABLE
            # There is no thread without a status: as null it is as good as absent.
            if name in request.model_fields_set and (name != "status" or request.status is not None)
        }
        # MT that name no thread need one: it is not for a person to shut them out.
        own = implicit_of_user(device.app_id, device.user_id, "conversation", at).thread_id
        if changes.get("status") == "closed" and (thread.type == "announcement" or thread.thread_id == own):
            raise RtmRefused("thread_fixed")
        changed = await self._threads.update(device.app_id, request.thread_id, changes, at, by="person")
        if changed is None:  # or it was removed in between
            raise RtmRefused("thread_fixed" if "status" in changes else "unknown_thread")
        return {"thread": changed.described()}

    async def _list_messages(self, device: Device, request: ListMessages) -> dict[str, Any]:
        thread = await self._threads.get(device.app_id, request.thread_id)
        if thread is None or not await self._may_read(device, thread):
            raise RtmRefused("unknown_thread")

        async def page(limit: int) -> dict[str, Any]:
            found = await self._inbox.messages(
                device.app_id,
                request.thread_id,
                since=request.since,
                cursor=request.cursor,
                limit=limit,
            )
            return _page({"messages": found.messages}, found.cursor)

        return await _that_fits(page, request.limit)

    async def _list_topics(self, device: Device, request: ListTopics) -> dict[str, Any]:
        """Those that the person follows, or may."""
        followed = await self._followed(device)
        topics = await self._topics.page(device.app_id, after=request.cursor, limit=request.limit)
        listed = [
            {**record.described(), "subscribed": record.topic in followed}
            for record in topics
            if record.open or record.topic in followed
        ]
        return _page({"topics": listed}, topics[-1].topic if len(topics) == request.limit else None)

    async def _follow(self, device: Device, request: FollowTopic, at: datetime) -> dict[str, Any]:
        app_id, topic, subscribes = device.app_id, request.topic, request.action == "topic_subscribe"
        record = await self._topics.get(app_id, topic)
        if record is None:
            raise RtmRefused("unknown_topic")
        if subscribes and not record.open:
            raise RtmRefused("topic_not_open")
        change = self._customers.follow if subscribes else self._customers.unfollow
        if await change(app_id, topic, [device.user_id], at):  # removed in between
            raise RtmRefused("unknown_user")
        return {"topic": topic, "subscribed": subscribes}

    async def _followed(self, device: Device) -> frozenset[str]:
        customer = await self._customers.get(device.app_id, device.user_id)
        return frozenset(customer.topics if customer else ())

    async def _may_read(self, device: Device, thread: ThreadRecord) -> bool:
        followed = frozenset[str]() if thread.topic is None else await self._followed(device)
        return is_theirs(thread, device.user_id, followed)


def _page(listed: dict[str, Any], cursor: str | None) -> dict[str, Any]:
    return listed if cursor is None else {**listed, "next": cursor}


async def _that_fits(page: Callable[[int], Awaitable[dict[str, Any]]], limit: int) -> dict[str, Any]:
    """A page of fewer, where so many are more than a broker takes at once."""
    while True:
        answer = await page(limit)
        if limit == 1 or len(orjson.dumps(answer)) <= _MOST_BYTES:
            return answer
        limit //= 2
