"""The MT transaction as processors see it, and how it is kept as a document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from gateway.model.address import Address, Thread
from gateway.model.receipt import DRStatus, Reason, Status

# How long after an attempt should have been over, or begun, somebody looks why it was not.
REVIVED_AFTER = timedelta(seconds=60)


def reference_of(app_id: str, message_id: str) -> str:
    """The key of an MT: unique in the store, and what providers are given as our client reference."""
    return f"{app_id}/{message_id}"


def thread_key_of(app_id: str, thread_id: str) -> str:
    """The key of a thread of the in-app channel, and of the messages in it."""
    return f"{app_id}/{thread_id}"


def customer_key_of(app_id: str, user_id: str) -> str:
    """The key of a person of an application, by which receipts of the in-app channel are theirs."""
    return f"{app_id}/{user_id}"


def person_of(account: str, person_id: str) -> str:
    """The key of a person at an account. An msisdn is the same with and without its `+`: what providers call
    people differs from what platforms call them."""
    bare = person_id.removeprefix("+")
    return f"{account}/{bare if bare.isdecimal() else person_id}"


@dataclass(frozen=True, slots=True)
class Claim:
    """Who is making the attempt that is under way, and until when nobody else may think it abandoned."""

    by: str
    until: datetime


@dataclass(frozen=True, slots=True)
class MTRecord:
    """One MT: what it is, and where it stands.

    `rev` grows with each change and guards the next one. `attempt` is the number of the attempt under way,
    made last, or, while waiting, to be made next. `ended_as` is the status that was told as final.
    """

    app_id: str
    message_id: str
    status: Status
    accepted_at: datetime
    expires_at: datetime
    body: bytes  # the MT as it was published
    channel: str | None = None
    account: str | None = None
    provider: str | None = None
    to: Address | None = None
    person: str | None = None  # whom receipts without a message id may be about (`person_of`); else left out
    thread: Thread | None = None
    correlation_id: str | None = None
    callback_data: str | None = None
    receipts: tuple[DRStatus, ...] = ()
    provider_sends_receipts: bool = True
    degraded: tuple[str, ...] = ()
    retention_days: int = 90
    attempt: int = 0
    rev: int = 1
    ended_as: Status | None = None
    provider_message_ids: tuple[str, ...] = ()
    parts: Mapping[str, Status] = field(default_factory=dict)  # how far each of several parts has come
    part_count: int = 1  # in how many messages it goes
    parts_sent: int = 0  # how many of them the provider has taken
    in_app: bool = False  # of the gateway's own channel: kept by its thread and its recipient, too
    devices: Mapping[str, Status] = field(default_factory=dict)  # "user/device": how far it has come there
    wakeups: tuple[Mapping[str, Any], ...] = ()  # which devices were woken for it by push, and how that went
    claim: Claim | None = None
    reason: Reason | None = None
    events: tuple[Mapping[str, Any], ...] = ()

    @property
    def reference(self) -> str:
        return reference_of(self.app_id, self.message_id)

    @property
    def parts_follow(self) -> bool:
        """Whether some of its messages are sent, and others are still to be."""
        return 0 < self.parts_sent < self.part_count

    @property
    def begun_at(self) -> datetime | None:
        """When its last attempt, or the last of several messages in it, began."""
        # What receipts for single parts leave behind while it is being sent is no beginning.
        begun = (event for event in reversed(self.events) if event["status"] == Status.SENDING.value)
        return next((event["at"] for event in begun if "occurred_at" not in event), None)

    @property
    def told(self) -> dict[Status, Mapping[str, Any]]:
        """The statuses that DR were published for, in order, each with the event that let it."""
        return {Status(status): event for event in self.events for status in event.get("told", ())}


def due_at(expires_at: datetime, *, claim: Claim | None = None, retry_at: datetime | None = None) -> datetime:
    """When the monitor is to look at an MT that has not ended: when its time has passed, or before that when
    an attempt is not over, or not begun, long after it should be."""
    if claim is not None:
        return min(expires_at, claim.until + REVIVED_AFTER)
    return expires_at if retry_at is None else min(expires_at, retry_at + REVIVED_AFTER)


def to_document(record: MTRecord, event: Mapping[str, Any]) -> dict[str, Any]:
    """The document of a new MT, with its first event. Absent values are left out."""
    document: dict[str, Any] = {
        "_id": record.reference,
        "app_id": record.app_id,
        "message_id": record.message_id,
        "status": record.status.value,
        "accepted_at": record.accepted_at,
        "expires_at": record.expires_at,
        "due_at": due_at(record.expires_at, claim=record.claim),
        "body": record.body,
        "receipts": list(record.receipts),
        "provider_sends_receipts": record.provider_sends_receipts,
        "retention_days": record.retention_days,
        "attempt": record.attempt,
        "rev": record.rev,
        "events": [event],
    }
    for name in ("channel", "account", "provider", "person", "correlation_id", "callback_data"):
        value = getattr(record, name)
        if value is not None:
            document[name] = value
    if record.to is not None:
        document["to"] = {"kind": record.to.kind, "id": record.to.id}
    if record.thread is not None:
        document["thread"] = record.thread.model_dump(exclude_none=True)
    if record.degraded:
        document["degraded"] = list(record.degraded)
    if record.part_count > 1:
        document["part_count"] = record.part_count
    if record.in_app:
        document["in_app"] = True
        if record.thread is not None:
            document["thread_key"] = thread_key_of(record.app_id, record.thread.id)
    if record.claim is not None:
        document["claim"] = {"by": record.claim.by, "until": record.claim.until}
    return document


def from_document(document: Mapping[str, Any]) -> MTRecord:
    """The record of a document."""
    get = document.get
    to, thread, claim, reason, ended_as = (
        get(name) for name in ("to", "thread", "claim", "reason", "ended_as")
    )
    return MTRecord(
        app_id=document["app_id"],
        message_id=document["message_id"],
        status=Status(document["status"]),
        accepted_at=document["accepted_at"],
        expires_at=document["expires_at"],
        body=document["body"],
        channel=get("channel"),
        account=get("account"),
        provider=get("provider"),
        to=Address.model_construct(**to) if to else None,
        person=get("person"),
        thread=Thread.model_construct(**{"title": None, **thread}) if thread else None,
        correlation_id=get("correlation_id"),
        callback_data=get("callback_data"),
        receipts=tuple(document["receipts"]),
        provider_sends_receipts=document["provider_sends_receipts"],
        degraded=tuple(get("degraded", ())),
        retention_days=document["retention_days"],
        attempt=document["attempt"],
        rev=document["rev"],
        ended_as=Status(ended_as) if ended_as else None,
        provider_message_ids=tuple(get("provider_message_ids", ())),
        parts={part["id"]: Status(part["status"]) for part in get("parts", ())},
        part_count=get("part_count", 1),
        parts_sent=get("parts_sent", 0),
        in_app=get("in_app", False),
        devices={device["id"]: Status(device["status"]) for device in get("devices", ())},
        wakeups=tuple(get("wakeups", ())),
        claim=Claim(claim["by"], claim["until"]) if claim else None,
        reason=Reason.model_validate(reason) if reason else None,
        events=tuple(document["events"]),
    )
