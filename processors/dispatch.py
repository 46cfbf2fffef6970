"""One attempt to send one MT: from the claim to what follows from the provider's answer. Serves MT and
Retry."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from gateway.broker.port import Headers
from gateway.broker.topology import tier_for
from gateway.errors import FailureKind, MessageRefused, ProviderError
from gateway.model.account import ProviderAccount
from gateway.model.base import now
from gateway.model.lifecycle import advance
from gateway.model.message import Duplicates
from gateway.model.receipt import Reason, Status, permanent
from gateway.store.records import Claim, MTRecord
from gateway.store.transactions import Change, ProviderIdReused, Transactions
from gateway.telemetry.metrics import Metrics
from gateway.transports.port import Transports
from handlers.contract import Handler, Submission, Submitted
from processors.limiter import Limiter
from processors.outcome import Done
from processors.reports import dr_publications, outcome_publication, repeat_publication
from processors.retry_policy import GiveUp, Wait, after_failure, pause_of

logger = structlog.get_logger("dispatch")

# How much longer than the provider may take a claim is held: for the limiter, the store and a slow event
# loop.
_CLAIM_MARGIN_SECONDS = 15.0
_BACKSTOP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Job:
    """An MT that this process has claimed (`record` is `sending`) and all that is needed to try it."""

    record: MTRecord
    account: ProviderAccount
    handler: Handler
    submission: Submission
    duplicates: Duplicates
    headers: Headers
    waits: int = 0  # how often its provider has made it wait without an attempt being used


class Dispatcher:
    """Makes attempts. `name` is who claims them."""

    def __init__(
        self,
        transactions: Transactions,
        limiter: Limiter,
        transports: Transports,
        metrics: Metrics,
        name: str,
    ) -> None:
        self._transactions = transactions
        self._limiter = limiter
        self._transports = transports
        self._metrics = metrics
        self._name = name

    def claim(self, account: ProviderAccount) -> Claim:
        """A claim on an attempt that starts now, for as long as it can take."""
        seconds = account.timeout_seconds + _CLAIM_MARGIN_SECONDS
        return Claim(self._name, now() + timedelta(seconds=seconds))

    async def attempt(self, job: Job) -> Done:
        """Try it once, as soon as the account's limits allow. Logs what came of it and says what to
        publish."""
        busy_seconds = await self._limiter.enter(job.account.account)
        if busy_seconds:
            reason = Reason(code="rate_limited", kind=FailureKind.THROTTLED)
            wait = Wait(tier_for(busy_seconds), job.record.attempt, reason)
            return await self._wait(job, wait, waits=job.waits)  # nobody was asked
        try:
            submitted = await self._send(job)
        except MessageRefused as refused:
            self._count(job, "refused")
            reason = permanent(refused.code, refused.detail)
            status = Status.REJECTED if job.record.attempt == 1 else Status.FAILED
            return self._give_up(job, GiveUp(reason), status)
        except ProviderError as error:
            return await self.failed(job, error)
        finally:
            self._limiter.leave(job.account.account)
        self._count(job, "submitted")
        self._limiter.healthy(job.account.account, True)
        return await self._submitted(job, submitted)

    async def failed(self, job: Job, error: ProviderError) -> Done:
        """What follows from a failure, or from an attempt whose outcome nobody knows any more."""
        self._count(job, error.kind.value)
        name, pause = job.account.account, pause_of(error)
        if error.kind is FailureKind.AUTH:
            self._limiter.healthy(name, False)
        if pause:
            self._limiter.pause(name, pause)
        logger.info(
            "mt.attempt_failed",
            message_id=job.record.message_id,
            app_id=job.record.app_id,
            account=name,
            attempt=job.record.attempt,
            kind=error.kind.value,
            reason=error.reason,
            provider_code=error.code,
        )
        verdict = after_failure(
            error,
            attempt=job.record.attempt,
            waits=job.waits,
            schedule=job.account.retry,
            duplicates=job.duplicates,
            idempotent=job.handler.capabilities.idempotent,
        )
        if isinstance(verdict, GiveUp):
            return self._give_up(job, verdict, Status.FAILED)
        self._metrics.retries.labels(name, error.kind.value).inc()
        waits = job.waits + 1 if verdict.attempt == job.record.attempt else 0
        return await self._wait(job, verdict, waits=waits)

    async def _send(self, job: Job) -> Submitted:
        started = time.perf_counter()
        try:
            # The transport keeps the time; this only catches a handler that waits for something else.
            async with asyncio.timeout(job.account.timeout_seconds + _BACKSTOP_SECONDS):
                return await job.handler.send(job.submission, self._transports)
        except TimeoutError as error:
            raise ProviderError(
                FailureKind.UNCERTAIN, reason="provider_unavailable", code="time_out"
            ) from error
        finally:
            seconds = time.perf_counter() - started
            self._metrics.provider_seconds.labels(job.account.account, job.account.provider).observe(seconds)

    async def _submitted(self, job: Job, submitted: Submitted) -> Done:
        ids = submitted.provider_message_ids
        record: MTRecord | None = job.record
        while record is not None:
            receipts = record.provider_sends_receipts and submitted.receipts_follow
            record = replace(record, provider_sends_receipts=receipts)
            news = advance(
                record.status,
                Status.SUBMITTED,
                ended_as=record.ended_as,
                provider_sends_receipts=receipts,
            )
            change = Change(
                status=news.status if news else record.status,
                attempt=job.record.attempt,
                ended_as=news.ended_as if news else None,
                provider_message_ids=ids,
                told=tuple(report.status for report in news.reports) if news else (),
            )
            try:
                moved = await self._transactions.move(record, change)
            except ProviderIdReused:
                logger.error("provider.id_reused", account=job.account.account, message_id=record.message_id)
                ids = ()
                continue
            if moved is not None:
                logger.debug("mt.submitted", message_id=moved.message_id, account=job.account.account)
                return Done(dr_publications(moved, news.reports if news else (), job.headers))
            record = await self._transactions.get(job.record.reference)
        return Done()

    async def _wait(self, job: Job, wait: Wait, *, waits: int) -> Done:
        change = Change(Status.WAITING, wait.attempt, reason=wait.reason)
        moved = await self._transactions.move(job.record, change)
        if moved is None:  # it has ended meanwhile, by a receipt or by its expiry
            return Done()
        again = repeat_publication(
            moved, wait.seconds, attempt=wait.attempt, waits=waits, headers=job.headers
        )
        return Done([again])

    def _give_up(self, job: Job, verdict: GiveUp, status: Status) -> Done:
        outcome = outcome_publication(job.record, status, verdict.reason, job.record.attempt, job.headers)
        return Done([outcome])

    def _count(self, job: Job, outcome: str) -> None:
        self._metrics.attempts.labels(job.account.account, job.account.provider, outcome).inc()
