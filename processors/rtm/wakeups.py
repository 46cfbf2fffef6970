"""Wakes by push the devices of people who are not connected, for MT of the in-app channel that say how.

Who counts as connected may not be: a broker that is killed publishes no wills, and a connection whose network
is gone counts until its keepalive is over. So whoever is left out for that is looked at once more, half a
minute later. Of whom no device has said `delivered` or `read` by then, the devices are woken whatever their
presence says; once they have, nobody needs to be woken, as with an MT to one person, which is over then.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from pydantic import ValidationError

from gateway.broker.port import Delivery, Headers, Publication
from gateway.broker.topology import RTM_WAKE, after, tier_for
from gateway.errors import FailureKind, MessageRefused, ProviderError, StoreUnavailable
from gateway.model.address import Address
from gateway.model.application import Application
from gateway.model.base import now
from gateway.model.message import MTMessage
from gateway.model.receipt import NEGATIVE_ENDS, Status
from gateway.rtm.expressions import parse
from gateway.rtm.items import WakeUp, wake_publication
from gateway.rtm.names import read_device_name
from gateway.store.customers import Customer, Customers
from gateway.store.records import MTRecord, reference_of
from gateway.store.transactions import Transactions
from gateway.telemetry.metrics import Metrics
from gateway.together import together
from gateway.transports.port import Transports
from handlers.contract import Submitted
from processors.catalogue import Catalogue
from processors.limiter import Limiter
from processors.outcome import Dead, Done, Outcome
from processors.reports import WAITS, trace_of
from processors.retry_policy import GiveUp, after_failure
from processors.rtm.notifications import Target, submission_of, targets
from processors.rtm.receipts import MAX_DEVICES
from processors.rtm.second_looks import put_off, second_look
from processors.sending import Answer, Sender

logger = structlog.get_logger("rtm")

# Of how many followers of a topic the devices are woken in one go.
PAGE = 100

_NOTE_TRIES = 20
_STORE_PAUSE_SECONDS = 0.5
_REACHED = (Status.DELIVERED, Status.READ)


@dataclass(frozen=True, slots=True)
class _Job:
    """A wake-up with what it is about. `waits` is how often it has waited without an attempt being used."""

    wake: WakeUp
    waits: int
    record: MTRecord
    mt: MTMessage
    application: Application


@dataclass(frozen=True, slots=True)
class _Tried:
    """What became of waking one device: a row for the log of the MT, or after which wait tier it is tried
    again, as which attempt."""

    account: str
    device: str
    row: dict[str, Any] | None = None
    seconds: int = 0
    attempt: int = 0


class WakeProcessor:
    """Processes deliveries of `imgw.rtm.wake`.

    Each device is woken once for an MT, as the MT's own log says; where a process is killed between the two,
    once more. What a push provider does not take now is tried again by its account's schedule, for that
    account's devices alone. The log keeps only so many devices, so that wake-up names those that it is for.
    `receipts_wait` tells whether there are receipts that nobody has taken up yet: then silence means nothing.
    """

    def __init__(
        self,
        transactions: Transactions,
        customers: Customers,
        limiter: Limiter,
        transports: Transports,
        catalogue: Callable[[], Catalogue],
        metrics: Metrics,
        receipts_wait: Callable[[], Awaitable[bool]],
    ) -> None:
        self._transactions = transactions
        self._customers = customers
        self._limiter = limiter
        self._sender = Sender(limiter, transports, metrics)
        self._catalogue = catalogue
        self._metrics = metrics
        self._receipts_wait = receipts_wait

    async def process(self, delivery: Delivery) -> Outcome:
        try:
            wake = WakeUp.model_validate_json(delivery.body)
        except ValidationError as error:
            return Dead("invalid_message", f"not a wake-up: {error.error_count()} fields are wrong")
        record = await self._transactions.get(reference_of(wake.app_id, wake.message_id))
        if record is None or record.to is None or _is_over(record, record.to):
            return Done()
        job = self._job(wake, record, delivery.headers)
        return Done() if job is None else await self._wake(job, record.to, delivery.headers)

    def _job(self, wake: WakeUp, record: MTRecord, headers: Headers) -> _Job | None:
        """None when nobody is to be woken, as the MT and its application stand now."""
        application = self._catalogue().applications.get(wake.app_id)
        mt = MTMessage.model_validate_json(record.body, by_alias=True, by_name=False)
        if application is None or not application.enabled or mt.notification is None:
            return None
        waits = headers.get(WAITS, 0)
        return _Job(wake, waits if isinstance(waits, int) else 0, record, mt, application)

    async def _wake(self, job: _Job, to: Address, headers: Headers) -> Done:
        people, last = await self._people(job.wake, to)
        done = {str(row.get("device")) for row in job.record.wakeups}
        found = targets(people, to, job.application, self._catalogue(), done)
        due = _due(found, job)
        if due and job.wake.doubted and await self._receipts_wait():
            later = put_off(job.wake, headers)  # theirs may be among them
            if later is not None:
                return Done([later])
        tried = await together([self._try(target, job) for target in due])
        rows = [each.row for each in tried if each.row is not None]
        if rows:
            await self._note(job.record.reference, rows)
        follow = [*_again(job, tried, headers), *_doubts(found, job, headers)]
        if last is not None:
            further = WakeUp(app_id=job.wake.app_id, message_id=job.wake.message_id, after=last)
            follow.append(wake_publication(further, trace_of(headers)))
        return Done(follow)

    async def _people(self, wake: WakeUp, to: Address) -> tuple[list[Customer], str | None]:
        """Whose devices are looked at, and behind whom to go on; None when nobody is left."""
        if to.kind != "topic":
            person = await self._customers.get(wake.app_id, read_device_name(to.id)[0])
            return [] if person is None else [person], None
        if wake.devices is None:
            ids = await self._customers.audience(wake.app_id, parse(to.id), after=wake.after, limit=PAGE)
            last = ids[-1] if len(ids) == PAGE else None
        else:  # the first time round has seen to those behind
            ids, last = list(dict.fromkeys(read_device_name(name)[0] for name in wake.devices)), None
        people = await together([self._customers.get(wake.app_id, user_id) for user_id in ids])
        return [person for person in people if person is not None], last

    async def _try(self, target: Target, job: _Job) -> _Tried:
        name = target.account.account
        if not target.account.enabled:
            return self._failed(target, "disabled", "account_disabled")
        try:
            submission = submission_of(target, job.record, job.mt, job.application)
        except MessageRefused as refusal:
            return self._failed(target, "failed", refusal.code)
        seconds = await self._limiter.enter(name)
        if seconds:
            return self._later(target, job, tier_for(seconds), job.wake.attempt, "rate_limited")
        answer = await self._sender.send(target.account, target.handler, submission)
        return await self._answered(target, answer, job)

    async def _note(self, reference: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Only the log keeps these devices from being woken again: it is asked more than once."""
        for left in reversed(range(_NOTE_TRIES)):
            try:
                await self._transactions.note_wakeups(reference, rows)
                return
            except StoreUnavailable:
                if not left:
                    raise
                await asyncio.sleep(_STORE_PAUSE_SECONDS)

    async def _answered(self, target: Target, answer: Answer, job: _Job) -> _Tried:
        if isinstance(answer, Submitted):
            return self._submitted(target, answer.provider_message_ids)
        if isinstance(answer, MessageRefused):
            return self._failed(target, "failed", answer.code)
        _log(target, answer, job)
        if answer.kind is FailureKind.UNCERTAIN:  # rather not twice: it may have been shown
            return self._submitted(target, ())
        if answer.reason == "recipient_gone":
            with contextlib.suppress(StoreUnavailable):  # the provider will say so again
                await self._customers.forget_push_token(target.device, target.push_token)
        verdict = after_failure(
            answer,
            attempt=job.wake.attempt,
            waits=job.waits,
            schedule=target.account.retry,
            duplicates="avoid",
            idempotent=False,
        )
        if isinstance(verdict, GiveUp):
            outcome = "failed" if answer.kind is FailureKind.PERMANENT else "given_up"
            return self._failed(target, outcome, verdict.reason.code)
        return self._later(target, job, verdict.seconds, verdict.attempt, answer.reason)

    def _later(self, target: Target, job: _Job, seconds: int, attempt: int, reason: str) -> _Tried:
        if now() + timedelta(seconds=seconds) >= job.record.expires_at:
            return self._failed(target, "given_up", reason)
        return _Tried(target.account.account, target.name, seconds=seconds, attempt=attempt)

    def _submitted(self, target: Target, provider_message_ids: Sequence[str]) -> _Tried:
        return self._tried(target, "submitted", {"provider_message_ids": list(provider_message_ids)})

    def _failed(self, target: Target, outcome: str, reason: str) -> _Tried:
        return self._tried(target, outcome, {"reason": reason})

    def _tried(self, target: Target, outcome: str, what: dict[str, Any]) -> _Tried:
        name = target.account.account
        self._metrics.rtm_wakeups.labels(name, outcome).inc()
        return _Tried(name, target.name, row={"device": target.name, "account": name, **what, "at": now()})


def _is_over(record: MTRecord, to: Address) -> bool:
    """Whether nobody needs to be woken for it any more. That one follower of a topic has it says nothing of
    the others."""
    if record.status in NEGATIVE_ENDS or record.expires_at <= now():
        return True
    return record.status in _REACHED and to.kind != "topic"


def _due(found: Sequence[Target], job: _Job) -> list[Target]:
    """Those that this wake-up is to wake."""
    if not job.wake.doubted:
        asleep = [target for target in found if not target.connected]
        return asleep if job.wake.devices is None else _named(asleep, job.wake.devices)
    if _is_full(job.record):
        return []
    said = job.record.devices.items()
    reached = {read_device_name(name)[0] for name, status in said if status in _REACHED}
    named = _named(found, job.wake.devices or ())
    return [target for target in named if target.device.user_id not in reached]


def _is_full(record: MTRecord) -> bool:
    """Whether it keeps no more devices: then nobody can tell what those have said that it does not have."""
    return len(record.devices) >= MAX_DEVICES


def _named(found: Iterable[Target], names: Collection[str]) -> list[Target]:
    wanted = set(names)
    return [target for target in found if target.name in wanted]


def _doubts(found: Iterable[Target], job: _Job, headers: Headers) -> list[Publication]:
    """The second look, which is for those that the first one leaves out; none where there are none."""
    if job.wake.devices is not None or _is_full(job.record):
        return []
    names = [target.name for target in found if target.connected]
    return [second_look(job.wake, names, headers)] if names else []


def _again(job: _Job, tried: Iterable[_Tried], headers: Headers) -> list[Publication]:
    """The same for the devices that have to wait, for each account of its own: one that is slow or down
    holds up no other, and uses up no attempts of it."""
    waiting: dict[str, list[_Tried]] = {}
    for each in tried:
        if each.row is None:
            waiting.setdefault(each.account, []).append(each)
    found = []
    for devices in waiting.values():
        attempt = max(each.attempt for each in devices)
        waits = job.waits + 1 if attempt == job.wake.attempt else 0
        names = tuple(each.device for each in devices)
        repeat = wake_publication(
            job.wake.model_copy(update={"attempt": attempt, "devices": names}),
            {**trace_of(headers), WAITS: waits},
        )
        found.append(after(max(each.seconds for each in devices), RTM_WAKE, repeat))
    return found


def _log(target: Target, error: ProviderError, job: _Job) -> None:
    logger.info(
        "wakeup.attempt_failed",
        message_id=job.wake.message_id,
        app_id=job.wake.app_id,
        account=target.account.account,
        attempt=job.wake.attempt,
        kind=error.kind.value,
        reason=error.reason,
        provider_code=error.code,
    )
