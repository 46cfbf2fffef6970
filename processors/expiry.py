"""The expiry monitor: finds MT whose time has passed and says so on `imgw.dr.in`, like any other outcome; and
MT that nobody works on any more, and hands them to the Retry processor.

The latter happens when the broker has lost the message that stood for an MT, or keeps it from us: RabbitMQ's
wait tiers have been seen to do that when a busy server restarts (3.10.8, 2026-11). The log knows better.

Several monitors may run at once: the DR processor takes each expiry once, whoever says it, and only one of
several repeats can claim an attempt.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import structlog

from gateway.broker.port import Broker
from gateway.errors import UnavailableError
from gateway.model.base import now
from gateway.model.receipt import Reason, Status, permanent
from gateway.store.records import REVIVED_AFTER, MTRecord
from gateway.store.transactions import Transactions
from gateway.telemetry.metrics import Metrics
from processors.reports import outcome_publication, revival_publication
from processors.retry import expired_before_send

logger = structlog.get_logger("expiry")

# An MT that was reported is left alone this long; if the report got lost after all, it is made again.
_REPEAT_AFTER = timedelta(minutes=5)
_JUST_TAKEN = timedelta(seconds=15)


class ExpiryMonitor:
    """Looks every `interval_seconds` for up to `batch` overdue MT, and at once again while there are more."""

    def __init__(
        self,
        transactions: Transactions,
        broker: Broker,
        metrics: Metrics,
        *,
        interval_seconds: float,
        batch: int,
    ) -> None:
        self._transactions = transactions
        self._broker = broker
        self._metrics = metrics
        self._interval_seconds = interval_seconds
        self._batch = batch
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="expiry monitor")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def sweep(self) -> int:
        """One look; returns how many MT were found overdue."""
        at = now()
        records = await self._transactions.due(at, self._batch)
        overdue: list[MTRecord] = []
        abandoned: list[MTRecord] = []
        for record in records:
            until = _busy_until(record)
            if until is not None and until > at:
                await self._transactions.postpone([record.reference], until)
            else:
                (overdue if record.expires_at <= at else abandoned).append(record)
        lag = (at - min(record.expires_at for record in overdue)).total_seconds() if overdue else 0.0
        self._metrics.expiry_lag.set(lag)
        await self._report(overdue)
        await asyncio.gather(*(self._revive(record, at) for record in abandoned))
        return len(records)

    async def _revive(self, record: MTRecord, at: datetime) -> None:
        """Hand it to the Retry processor. Where it only has to wait long (behind others of its account), the
        next look comes later each time."""
        idle = at - record.events[-1]["at"]
        if record.status in (Status.SENDING, Status.WAITING):
            await self._broker.publish(revival_publication(record))
            self._metrics.revived.inc()
            logger.warning(
                "mt.revived", app_id=record.app_id, message_id=record.message_id, status=record.status.value
            )
        until = min(record.expires_at, at + max(REVIVED_AFTER, idle))
        await self._transactions.postpone([record.reference], until)

    async def _report(self, overdue: list[MTRecord]) -> None:
        if not overdue:
            return
        outcomes = [
            outcome_publication(record, Status.EXPIRED, _reason(record), record.attempt, {})
            for record in overdue
        ]
        await asyncio.gather(*(self._broker.publish(outcome) for outcome in outcomes))
        # Only now: what could not be published is found again by the next look.
        await self._transactions.postpone([record.reference for record in overdue], now() + _REPEAT_AFTER)
        self._metrics.due.inc(len(overdue))

    async def _run(self) -> None:
        while True:
            try:
                found = await self.sweep()
            except UnavailableError as error:
                logger.warning("expiry.sweep_failed", error=str(error))
                found = 0
            if found < self._batch:
                await asyncio.sleep(self._interval_seconds)


def _busy_until(record: MTRecord) -> datetime | None:
    """Until when somebody may still be about to say what becomes of it: who is sending it, or who has only
    just taken it and may be rejecting it because its time had passed before."""
    if record.status is Status.SENDING and record.claim is not None:
        return record.claim.until
    return record.accepted_at + _JUST_TAKEN if record.status is Status.ACCEPTED else None


def _reason(record: MTRecord) -> Reason:
    sent = record.provider_message_ids and not record.parts_follow
    return permanent("no_receipt_in_time") if sent else expired_before_send(record)
