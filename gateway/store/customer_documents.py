"""How a person of an application is kept as a document, and the changes of one that MongoDB computes itself.

    {_id: user id, attributes: {name: value}, topics: [name], created_at, updated_at,
     topic_changes: [{topic, at, followed}],
     devices: [{id, platform, push_token, token_at, app_version, online, session, begun_at, ended: [session],
                seen_at}]}

Devices are in the order in which they were last heard of. Changes of topics: gateway/store/topic_changes.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway.rtm.expressions import Complement, Difference, Expression, Intersection, Topic, Union
from gateway.rtm.refusals import RtmRefused
from gateway.store.topic_changes import TopicChange, topic_changes_of
from gateway.store.writes import encoded

MAX_DEVICES = 100
"""Of each person, the devices last heard of. A web page may be a new device each time it is opened."""
_ENDED_KEPT = 5  # the sessions of a device that are known to have ended

_FIELDS = (
    "platform",
    "push_token",
    "token_at",
    "app_version",
    "online",
    "session",
    "begun_at",
    "ended",
    "seen_at",
)
_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_GONE = "$$REMOVE"

Pipeline = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A device of a person. `online`: whether a connection of it lasts."""

    device_id: str
    platform: str | None = None
    push_token: str | None = field(default=None, repr=False)
    app_version: str | None = None
    online: bool = False
    last_seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Customer:
    """A person of an application."""

    user_id: str
    attributes: Mapping[str, Any] = field(default_factory=dict, repr=False)
    devices: tuple[KnownDevice, ...] = ()
    """In the order of their ids."""
    topics: tuple[str, ...] = ()
    topic_changes: tuple[TopicChange, ...] = ()
    """The last ones, oldest first."""
    created_at: datetime | None = None
    updated_at: datetime | None = None

    def device(self, device_id: str) -> KnownDevice | None:
        return next((device for device in self.devices if device.device_id == device_id), None)

    def topics_since(self, at: datetime) -> Iterator[frozenset[str]]:
        """The topics that they follow, and those that they have followed at each moment since then, back in
        time, as far as the changes are kept."""
        followed = frozenset(self.topics)
        yield followed
        for change in reversed(self.topic_changes):
            followed = change.undone(followed)
            # Not the first older one ends it: the clocks of those who note them are not quite the same.
            if change.at >= at:
                yield followed


def from_document(document: Mapping[str, Any]) -> Customer:
    """The person of a document."""
    devices = sorted(document.get("devices", ()), key=lambda device: device["id"])
    return Customer(
        user_id=document["_id"],
        attributes=document.get("attributes", {}),
        devices=tuple(_known_device(device) for device in devices),
        topics=tuple(sorted(document.get("topics", ()))),
        topic_changes=topic_changes_of(document),
        created_at=document.get("created_at"),
        updated_at=document.get("updated_at"),
    )


def _known_device(row: Mapping[str, Any]) -> KnownDevice:
    return KnownDevice(
        device_id=row["id"],
        platform=row.get("platform"),
        push_token=row.get("push_token"),
        app_version=row.get("app_version"),
        online=row.get("online", False),
        last_seen_at=row.get("seen_at"),
    )


def attributes_changed(attributes: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """Sets those that have a value, and takes the others away."""
    given = {attribute_field(name): value for name, value in attributes.items()}
    encoded(attributes)  # the driver's own refusal would be for all of them, and show the value
    update: dict[str, Any] = {
        "$set": {"updated_at": at, **{name: value for name, value in given.items() if value is not None}},
        "$setOnInsert": {"created_at": at},
    }
    removed = {name: "" for name, value in given.items() if value is None}
    return {**update, "$unset": removed} if removed else update


def attribute_field(name: str) -> str:
    """Where it is kept. Raises RtmRefused for a name that would lead to somewhere else."""
    if not _ATTRIBUTE.fullmatch(name):
        raise RtmRefused("invalid_attribute", "the name of an attribute is letters, digits and _")
    return f"attributes.{name}"


def heard_of(
    device_id: str,
    at: datetime,
    *,
    platform: str | None = None,
    push_token: str | None = None,
    app_version: str | None = None,
) -> Pipeline:
    """Adds a device, and the person, where there are none; what is None stays as it is."""
    changes: dict[str, Any] = {"seen_at": {"$max": ["$$old.seen_at", at]}}
    for name, value in (("platform", platform), ("app_version", app_version)):
        if value is not None:
            changes[name] = _literal(value)
    if push_token is not None:
        changes["push_token"] = _literal(push_token) if push_token else _GONE
        changes["token_at"] = at if push_token else _GONE
    return _with_device(device_id, changes, at)


def begun(device_id: str, session: str, at: datetime, *, retained: bool = False) -> Pipeline:
    """A connection has begun; unless it is known already, or has ended, or is older than the one that lasts.

    Times are compared only with one that lasts: its end has not been heard of, so that this begin may have
    come late. Else the end always is before the next begin, whatever the clocks say.
    """
    known = _literal(session)
    over = {"$in": [known, {"$ifNull": ["$$old.ended", []]}]}
    same = {"$eq": ["$$old.session", known]}
    older = {"$and": [{"$eq": ["$$old.online", True]}, {"$gt": ["$$old.begun_at", at]}]}

    def unless_old(name: str, value: Any) -> dict[str, Any]:
        return {"$cond": [{"$or": [over, same, older]}, f"$$old.{name}", value]}

    changes = {
        "session": unless_old("session", known),
        "begun_at": unless_old("begun_at", at),
        "online": unless_old("online", True),
    }
    return _said(device_id, changes, at, retained)


def ended(device_id: str, session: str, at: datetime, *, retained: bool = False) -> Pipeline:
    """A connection has ended. Of one that is not the last, it is kept in mind for when its begin comes."""
    known = _literal(session)
    before = {"$ifNull": ["$$old.ended", []]}
    noted = {"$slice": [{"$concatArrays": [before, [known]]}, -_ENDED_KEPT]}
    changes = {
        "online": {"$and": [{"$eq": ["$$old.online", True]}, {"$ne": ["$$old.session", known]}]},
        "ended": {"$cond": [{"$in": [known, before]}, before, noted]},
    }
    return _said(device_id, changes, at, retained)


def who_follow(expression: Expression) -> dict[str, Any]:
    """The query for all people that an expression of topics means."""
    return _query(expression, negated=False)


def _said(device_id: str, changes: Mapping[str, Any], at: datetime, retained: bool) -> Pipeline:
    """With what the device says of its connection. What was retained says nothing of when it was there."""
    if retained:
        return _in_its_place(device_id, changes)
    return _with_device(device_id, {**changes, "seen_at": {"$max": ["$$old.seen_at", at]}}, at)


def _in_its_place(device_id: str, changes: Mapping[str, Any]) -> Pipeline:
    """As `_with_device`, but the device has to be there, and stays where it is."""
    this = {"$eq": ["$$old.id", _literal(device_id)]}
    each = {"$cond": [this, _changed(device_id, changes), "$$old"]}
    return [{"$set": {"devices": {"$map": {"input": "$devices", "as": "old", "in": each}}}}]


def _with_device(device_id: str, changes: Mapping[str, Any], at: datetime) -> Pipeline:
    """Replaces a device by itself with `changes`, whose values may look at it as `$$old`, as the last one."""
    new = _changed(device_id, changes)
    devices = {"$ifNull": ["$devices", []]}

    def those(comparison: str) -> dict[str, Any]:
        this = {comparison: ["$$this.id", _literal(device_id)]}
        return {"$filter": {"input": devices, "as": "this", "cond": this}}

    old = {"$ifNull": [{"$arrayElemAt": [those("$eq"), 0]}, {}]}
    last = {"$let": {"vars": {"old": old}, "in": new}}
    every = {"$concatArrays": [those("$ne"), [last]]}
    fields = {
        "devices": {"$slice": [every, -MAX_DEVICES]},
        "created_at": {"$ifNull": ["$created_at", at]},
        "updated_at": {"$ifNull": ["$updated_at", at]},
    }
    return [{"$set": fields}]


def _changed(device_id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": _literal(device_id), **{name: changes.get(name, f"$$old.{name}") for name in _FIELDS}}


def _literal(value: str) -> dict[str, str]:
    """Else MongoDB would read a `$` at its beginning as the name of a field."""
    return {"$literal": value}


def _query(expression: Expression, *, negated: bool) -> dict[str, Any]:
    # Complements are carried down to the topics, which keeps the query as flat as the expression.
    match expression:
        case Topic(name):
            return {"topics": {"$ne": name} if negated else name}
        case Complement(of):
            return _query(of, negated=not negated)
        case Union(left, right):
            both = [_query(left, negated=negated), _query(right, negated=negated)]
            return {"$and" if negated else "$or": both}
        case Intersection(left, right):
            both = [_query(left, negated=negated), _query(right, negated=negated)]
            return {"$or" if negated else "$and": both}
        case Difference(left, right):
            both = [_query(left, negated=negated), _query(right, negated=not negated)]
            return {"$or" if negated else "$and": both}
