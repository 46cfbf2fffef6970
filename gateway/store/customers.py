"""The people of each application: who they are, their devices, and the topics they follow.

One collection an application, `customers_<app_id>`, so that the attributes of one are indexed without the
others, and an application goes with all that is known of its people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from pymongo import UpdateOne
from pymongo.errors import DuplicateKeyError

from gateway.model.application import Application
from gateway.model.base import now
from gateway.rtm.expressions import Expression
from gateway.rtm.names import Device
from gateway.store.connect import Database, store_errors
from gateway.store.customer_documents import (
    Customer,
    KnownDevice,
    Pipeline,
    attribute_field,
    attributes_changed,
    begun,
    ended,
    from_document,
    heard_of,
    who_follow,
)
from gateway.store.customer_indexes import ensure_customer_indexes
from gateway.store.group_commit import GroupCommit
from gateway.store.push_tokens import settle_push_tokens
from gateway.store.topic_changes import TopicChange, topic_followed, topic_left
from gateway.store.writes import upsert_each

__all__ = ["Customer", "Customers", "KnownDevice", "TopicChange"]


@dataclass(frozen=True, slots=True)
class _Touch:
    device: Device
    at: datetime
    platform: str | None
    push_token: str | None = field(repr=False)
    app_version: str | None

    def then(self, later: _Touch) -> _Touch:
        """Both in one."""
        return replace(
            later,
            at=max(self.at, later.at),
            platform=self.platform if later.platform is None else later.platform,
            push_token=self.push_token if later.push_token is None else later.push_token,
            app_version=self.app_version if later.app_version is None else later.app_version,
        )


class Customers:
    """All of them. What is asked and written once a message goes in groups."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._looks: GroupCommit[tuple[str, str], Customer | None] = GroupCommit(self._look_all, urgent=True)
        self._touches: GroupCommit[_Touch, None] = GroupCommit(self._touch_all)

    async def ensure(self, application: Application) -> None:
        """Make the collection of an application with its indexes: those of its indexed attributes, and no
        longer those that are not. Harmless when repeated, or done by several processes at once."""
        await ensure_customer_indexes(self._of(application.app_id), application)

    async def get(self, app_id: str, user_id: str) -> Customer | None:
        """In groups."""
        return await self._looks.do((app_id, user_id))

    async def upsert(
        self, app_id: str, attributes: Mapping[str, Mapping[str, Any]], at: datetime
    ) -> set[str]:
        """Add people, or change attributes of those there are: {user id: {attribute: value}}; an attribute
        that is None is taken away, one that is absent stays. Returns whom it has added.

        Raises RtmRefused with `invalid_attribute`, before anything is written, when a name is none, and
        GatewayError when MongoDB cannot keep a value.
        """
        writes = [
            UpdateOne({"_id": id}, attributes_changed(given, at), upsert=True)
            for id, given in attributes.items()
        ]
        if not writes:
            return set()
        results = await upsert_each(self._of(app_id), writes)
        for result in results:
            if isinstance(result, Exception):
                raise result
        return {id for id, added in zip(attributes, results, strict=True) if added}

    async def touch(
        self,
        device: Device,
        at: datetime,
        *,
        platform: str | None = None,
        push_token: str | None = None,
        app_version: str | None = None,
    ) -> None:
        """This device was heard of: add it, and its person, where they are not known yet. What is None stays
        as it is; an empty push token takes the token away, and a push token is taken from any other device
        that had it. Of a person the MAX_DEVICES devices last heard of are kept. In groups."""
        await self._touches.do(_Touch(device, at, platform, push_token, app_version))

    async def presence(
        self, device: Device, *, online: bool, session: str, at: datetime, retained: bool = False
    ) -> None:
        """A connection of this device has begun or ended. What comes out of order does no harm: the end of an
        older connection does not end the newer one, and a connection whose end is known already does not
        begin.

        The begin of a connection adds a device that is not known yet. An end does not: the last will of one
        that was forgotten must not bring it back. Nor must what the broker has `retained`, maybe for long: by
        that the device is not heard of.
        """
        of_presence = begun if online else ended
        change = of_presence(device.device_id, session, at, retained=retained)
        await self._change(device, change, upsert=online and not retained)

    async def remove_device(self, device: Device) -> bool:
        """Forget it. False when it is not known."""
        with store_errors():
            result = await self._of(device.app_id).update_one(
                {"_id": device.user_id, "devices.id": device.device_id},
                {"$pull": {"devices": {"id": device.device_id}}},
            )
        return bool(result.modified_count)

    async def forget_push_token(self, device: Device, push_token: str) -> None:
        """The push provider says that this token is no more; another one stays."""
        with store_errors():
            await self._of(device.app_id).update_one(
                {
                    "_id": device.user_id,
                    "devices": {"$elemMatch": {"id": device.device_id, "push_token": push_token}},
                },
                {"$unset": {"devices.$.push_token": "", "devices.$.token_at": ""}},
            )

    async def gone(self, device: Device) -> None:
        """Whatever connection this device had has ended: it was cut off, and has left no will."""
        with store_errors():
            await self._of(device.app_id).update_one(
                {
                    "_id": device.user_id,
                    "devices": {"$elemMatch": {"id": device.device_id, "online": True}},
                },
                {"$set": {"devices.$.online": False}},
            )

    async def delete(self, app_id: str, user_id: str) -> bool:
        """Forget a person, devices and topics with it. False when there is none."""
        with store_errors():
            result = await self._of(app_id).delete_one({"_id": user_id})
        return bool(result.deleted_count)

    async def page(
        self,
        app_id: str,
        *,
        where: Mapping[str, Any] | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> list[Customer]:
        """People in the order of their ids, from behind `after`; with `where`, those whose attributes have
        these values."""
        query: dict[str, Any] = {"_id": {"$gt": after}} if after is not None else {}
        query |= {attribute_field(name): {"$eq": value} for name, value in (where or {}).items()}
        with store_errors():
            cursor = self._of(app_id).find(query).sort("_id", 1).limit(limit)
            return [from_document(document) for document in await cursor.to_list(limit)]

    async def follow(self, app_id: str, topic: str, user_ids: Sequence[str], at: datetime) -> set[str]:
        """Let people follow a topic. Returns those that are not known; the others follow it now."""
        collection, asked = self._of(app_id), {"_id": {"$in": list(user_ids)}}
        with store_errors():
            await collection.update_many(
                {**asked, "topics": {"$ne": topic}},
                {**topic_followed(topic, at), "$set": {"updated_at": at}},
            )
            follow = await collection.find({**asked, "topics": topic}, {"_id": 1}).to_list(None)
        return set(user_ids) - _ids(follow)

    async def unfollow(self, app_id: str, topic: str, user_ids: Sequence[str], at: datetime) -> set[str]:
        """Returns those that are not known; the others do not follow it any more."""
        collection, asked = self._of(app_id), {"_id": {"$in": list(user_ids)}}
        with store_errors():
            await collection.update_many(
                {**asked, "topics": topic}, {**topic_left(topic, at), "$set": {"updated_at": at}}
            )
            known = await collection.find(asked, {"_id": 1}).to_list(None)
        return set(user_ids) - _ids(known)

    async def forget_topic(self, app_id: str, topic: str) -> None:
        """Nobody follows it any more."""
        with store_errors():
            await self._of(app_id).update_many({"topics": topic}, topic_left(topic, now()))

    async def audience(
        self, app_id: str, expression: Expression, *, after: str | None = None, limit: int | None = None
    ) -> list[str]:
        """The ids of all people that an expression of topics means, in order; from behind `after`."""
        query = who_follow(expression)
        if after is not None:
            query = {"$and": [{"_id": {"$gt": after}}, query]}
        with store_errors():
            cursor = self._of(app_id).find(query, {"_id": 1}).sort("_id", 1)
            rows = await cursor.limit(limit or 0).to_list(limit)
        return [row["_id"] for row in rows]

    async def drop(self, app_id: str) -> None:
        """Everybody of an application, and the collection."""
        with store_errors():
            await self._of(app_id).drop()

    async def drain(self) -> None:
        """Wait until everything that was to be written has been tried."""
        await self._touches.drain()

    def _of(self, app_id: str) -> Any:
        return self._database.db[f"customers_{app_id}"]

    async def _change(self, device: Device, change: Pipeline, *, upsert: bool) -> None:
        """Changes a device; with `upsert`, one that is not known as well."""
        query = {"_id": device.user_id}
        if not upsert:
            query["devices.id"] = device.device_id
        with store_errors():
            try:
                await self._of(device.app_id).update_one(query, change, upsert=upsert)
            except DuplicateKeyError:  # another process has just added the person
                await self._change(device, change, upsert=upsert)

    async def _look_all(self, keys: list[tuple[str, str]]) -> Sequence[Customer | None]:
        found: dict[tuple[str, str], Customer] = {}
        for app_id in {app_id for app_id, _ in keys}:
            asked = {user_id for each, user_id in keys if each == app_id}
            with store_errors():
                documents = await self._of(app_id).find({"_id": {"$in": list(asked)}}).to_list(None)
            found.update({(app_id, document["_id"]): from_document(document) for document in documents})
        return [found.get(key) for key in keys]

    async def _touch_all(self, touches: list[_Touch]) -> Sequence[Exception | None]:
        merged: dict[Device, _Touch] = {}
        for touch in touches:
            before = merged.get(touch.device)
            merged[touch.device] = before.then(touch) if before else touch
        failed: dict[Device, Exception] = {}
        for app_id in {device.app_id for device in merged}:
            those = [touch for touch in merged.values() if touch.device.app_id == app_id]
            results = await upsert_each(self._of(app_id), [_touch_write(touch) for touch in those])
            for touch, result in zip(those, results, strict=True):
                if isinstance(result, Exception):
                    failed[touch.device] = result
            await settle_push_tokens(
                self._of(app_id), {touch.push_token for touch in those if touch.push_token}
            )
        return [failed.get(touch.device) for touch in touches]


def _touch_write(touch: _Touch) -> UpdateOne:
    change = heard_of(
        touch.device.device_id,
        touch.at,
        platform=touch.platform,
        push_token=touch.push_token,
        app_version=touch.app_version,
    )
    return UpdateOne({"_id": touch.device.user_id}, change, upsert=True)


def _ids(rows: Iterable[Mapping[str, Any]]) -> set[str]:
    return {row["_id"] for row in rows}
