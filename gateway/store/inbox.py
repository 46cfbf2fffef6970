"""The messages of a thread, read from the log of MT and MO: they are kept as long as that is."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import orjson

from gateway.model.base import rfc3339
from gateway.model.content import PASSING
from gateway.model.receipt import Status
from gateway.rtm.names import read_mo_name
from gateway.rtm.refusals import RtmRefused
from gateway.store.connect import Database, store_errors
from gateway.store.inbound import MO_COLLECTION
from gateway.store.records import thread_key_of
from gateway.store.transactions import COLLECTION as MT_COLLECTION

PAGE_BYTES = 524_288
"""A page ends before its limit when its messages are larger together."""

_BATCH = 20  # messages read ahead: of the largest MT 20 MiB
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class InboxPage:
    """Messages as the API and clients are told of them, oldest first. `cursor` leads to what follows; None
    when nothing does yet.

    Each has `direction` (mt or mo), `message_id` or `mo_id`, `thread_id`, `content`, `at`, `in_reply_to`
    where it has one; an MT `status`, and `delivered_at` and `read_at` where it was; an MO `from`
    ({user_id, device_id}), and `id`, the client's own.
    """

    messages: list[dict[str, Any]]
    cursor: str | None


@dataclass(frozen=True, slots=True, order=True)
class _Position:
    """Where in a thread a message stands."""

    at: datetime
    id: str
    kind: Literal["mo", "mt"]


@dataclass(frozen=True, slots=True)
class _Kind:
    """How messages of one kind are kept."""

    name: Literal["mo", "mt"]
    at: str  # the names of fields
    id: str
    others: tuple[str, ...]
    shown: Mapping[str, Any]  # what all that are messages to people have in common


# As MTRecord.begun_at is: no device is believed a receipt for what has not begun, so none is to show it.
_BEGUN = {"events": {"$elemMatch": {"status": Status.SENDING.value, "occurred_at": {"$exists": False}}}}
_MT = _Kind(
    "mt",
    "accepted_at",
    "message_id",
    ("status", "body", "events.at", "events.occurred_at", "events.told"),
    _BEGUN,
)
_MO = _Kind("mo", "received_at", "mo_id", ("provider_message_id", "user_id", "body"), {})


class Inbox:
    def __init__(self, database: Database) -> None:
        self._mt = database.db[MT_COLLECTION]
        self._mo = database.db[MO_COLLECTION]

    async def messages(
        self,
        app_id: str,
        thread_id: str,
        *,
        since: datetime | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> InboxPage:
        """By the time at which the gateway took them. MT that nothing was tried with (yet) are left out:
        nobody got them; and so is what is no message, as that somebody types. A page may have fewer than
        `limit` though more follow (PAGE_BYTES).

        Raises RtmRefused with `invalid_payload` for a cursor that is none of ours.
        """
        key, after = thread_key_of(app_id, thread_id), None if cursor is None else _read_cursor(cursor)
        sides = (_Side(self._mt, _MT, key, since, after), _Side(self._mo, _MO, key, since, after))
        try:
            with store_errors():
                return await _page(sides, thread_id, limit)
        finally:
            for side in sides:
                await side.close()


async def _page(sides: tuple[_Side, _Side], thread_id: str, limit: int) -> InboxPage:
    messages: list[dict[str, Any]] = []
    last: _Position | None = None
    size = 0
    for side in sides:
        await side.advance()
    while True:
        ahead = [(side.position, side) for side in sides if side.position is not None]
        if not ahead:
            return InboxPage(messages, None)
        position, side = min(ahead, key=lambda each: each[0])
        size += len(side.document["body"])
        if last is not None and (len(messages) == limit or size > PAGE_BYTES):
            return InboxPage(messages, _cursor(last))
        messages.append(side.told(thread_id))
        last = position
        await side.advance()


class _Side:
    """The messages of one kind in a thread, one after the other."""

    def __init__(
        self, collection: Any, kind: _Kind, thread_key: str, since: datetime | None, after: _Position | None
    ) -> None:
        query: dict[str, Any] = {"thread_key": thread_key, **kind.shown}
        times = [at for at in (since, after.at if after else None) if at is not None]
        if times:
            query[kind.at] = {"$gte": max(times)}
        fields = (kind.at, kind.id, *kind.others)
        order = [(kind.at, 1), (kind.id, 1)]
        self._kind = kind
        self._after = after
        self._cursor = collection.find(query, dict.fromkeys(fields, 1)).sort(order).batch_size(_BATCH)
        self.document: Mapping[str, Any] = {}
        self.position: _Position | None = None
        self._said: Mapping[str, Any] = {}

    async def advance(self) -> None:
        """Go to the next one; `position` is None when there is none."""
        self.position = None
        async for document in self._cursor:
            position = _Position(document[self._kind.at], document[self._kind.id], self._kind.name)
            if self._after is not None and position <= self._after:  # of the same moment
                continue
            said = orjson.loads(document["body"])
            if said["content"]["type"] not in PASSING:
                self.document, self._said, self.position = document, said, position
                return

    def told(self, thread_id: str) -> dict[str, Any]:
        """The one it is at, as people are told of it."""
        tell = _mt if self._kind is _MT else _mo
        told = {
            "direction": self._kind.name,
            self._kind.id: self.document[self._kind.id],
            "thread_id": thread_id,
            "content": self._said["content"],
            "in_reply_to": self._said.get("in_reply_to"),
            "at": rfc3339(self.document[self._kind.at]),
            **tell(self.document),
        }
        return {name: value for name, value in told.items() if value is not None}

    async def close(self) -> None:
        await self._cursor.close()


def _mt(document: Mapping[str, Any]) -> dict[str, Any]:
    told = {status: event for event in document["events"] for status in event.get("told", ())}
    times: dict[str, str | None] = {}
    for status in (Status.DELIVERED.value, Status.READ.value):
        event = told.get(status)
        times[f"{status}_at"] = rfc3339(event.get("occurred_at", event["at"])) if event else None
    return {"status": document["status"], **times}


def _mo(document: Mapping[str, Any]) -> dict[str, Any]:
    device, own_id = read_mo_name(document["provider_message_id"])
    return {"from": {"user_id": document["user_id"], "device_id": device.device_id}, "id": own_id}


def _cursor(position: _Position) -> str:
    milliseconds = (position.at - _EPOCH) // _MILLISECOND
    text = orjson.dumps([milliseconds, position.id, position.kind])
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def _read_cursor(cursor: str) -> _Position:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        milliseconds, id, kind = orjson.loads(text)
        at = _EPOCH + milliseconds * _MILLISECOND
        if not isinstance(id, str) or kind not in ("mo", "mt"):
            raise ValueError("not ours")
    except (binascii.Error, ValueError, TypeError, OverflowError):
        # Without its cause, whose words may hold what was given.
        raise RtmRefused("invalid_payload", "cursor is none that was given out here") from None
    return _Position(at, id, kind)
