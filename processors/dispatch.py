"""One attempt to send one MT: from the claim to what follows from the provider's answer. Serves MT and
Retry."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from gateway.errors import ProviderError, StoreUnavailable
from gateway.model.account import ProviderAccount
from gateway.model.base import now, to_utc_milliseconds
from gateway.model.lifecycle import advance
from gateway.model.receipt import Reason, Status, permanent
from gateway.store.records import Claim, MTRecord
from gateway.store.transactions import Change, ProviderIdReused, Transactions
from gateway.telemetry.metrics import Metrics
from gateway.transports.port import Transports
from handlers.contract import Submitted
from processors.limiter import Limiter
from processors.outcome import Done
from processors.planning import Job, Plan
from processors.reports import (
    dr_publications,
    lane_publication,
    outcome_publication,
    repeat_publication,
    repeated_reports,
)
from processors.retry_policy import GiveUp, Wait, after_failure
from processors.sending import Sender, longest_seconds

logger = structlog.get_logger("dispatch")

# How much longer than the provider may take a claim is held: for the limiter, the store and a slow event
# loop.
_CLAIM_MARGIN_SECONDS = 15.0
_STORE_PAUSE_SECONDS = 0.5


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
        self._sender = Sender(limiter, transports, metrics)
        self._metrics = metrics
        self._name = name

    def claim(self, account: ProviderAccount, audience: Sequence[str] = ()) -> Claim:
        """A claim on an attempt that starts now, for as long as it can take."""
        seconds = longest_seconds(account, audience) + _CLAIM_MARGIN_SECONDS
        return Claim(self._name, to_utc_milliseconds(now() + timedelta(seconds=seconds)))  # as it is kept

    def begin(self, record: MTRecord, planned: Plan, attempt: int) -> Change:
        """The change by which this process begins an attempt: claimed, and what is sent now said so where it
        differs from what was planned before."""
        parts = len(planned.submissions)
        return Change(
            Status.SENDING,
            attempt,
            part_count=parts if parts != record.part_count else None,
            degraded=planned.degraded if planned.degraded != record.degraded else None,
            claim=self.claim(planned.account, planned.submissions[0].audience),
        )

    async def attempt(self, job: Job) -> Done:
        """Try it once, if the account's limits allow it soon; else it joins the account's lane."""
        if await self._limiter.enter(job.account.account):
            return await self._join_lane(job)
        return await self.attempt_let_in(job)

    async def attempt_let_in(self, job: Job) -> Done:
        """Try it once, in a slot of the limiter that was had before; what is sent in several messages, each
        further one in a slot of its own. Logs what came of it, says what to publish."""
        answer = await self._sender.send(job.account, job.plan.handler, job.submission)
        while isinstance(answer, Submitted) and not job.is_last_part:
            logged = await self._until_logged(job, answer, self._log_part)
            if not isinstance(logged, Job):
                return logged
            job = logged
            if await self._limiter.enter(job.account.account):
                return await self._join_lane(job)
            answer = await self._sender.send(job.account, job.plan.handler, job.submission)
        if isinstance(answer, Submitted):
            done = await self._until_logged(job, answer, self._log_submission)
            return done if isinstance(done, Done) else Done()
        if isinstance(answer, ProviderError):
            return await self.failed(job, answer)
        untried = job.record.attempt == 1 and not job.record.parts_sent
        status = Status.REJECTED if untried else Status.FAILED
        return self._give_up(job, GiveUp(permanent(answer.code, answer.detail)), status)

    async def failed(self, job: Job, error: ProviderError) -> Done:
        """What follows from a failure, or from an attempt whose outcome nobody knows any more."""
        logger.info(
            "mt.attempt_failed",
            message_id=job.record.message_id,
            app_id=job.record.app_id,
            account=job.account.account,
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
            duplicates=job.plan.duplicates,
            idempotent=job.plan.handler.capabilities.idempotent,
        )
        if isinstance(verdict, GiveUp):
            return self._give_up(job, verdict, Status.FAILED)
        self._metrics.retries.labels(job.account.account, error.kind.value).inc()
        return await self._wait(job, verdict)

    async def _until_logged(
        self,
        job: Job,
        submitted: Submitted,
        log: Callable[[Job, MTRecord, Submitted], Awaitable[Job | Done | None]],
    ) -> Job | Done:
        """Log what the provider has now. Only the log keeps others from sending it again: while the store is
        away, it is asked again for as long as the claim holds."""
        until = job.record.claim.until if job.record.claim else now()
        record: MTRecord | None = job.record
        while record is not None:
            try:
                logged = await log(job, record, submitted)
                if logged is not None:
                    return logged
                record = await self._transactions.get(job.record.reference)
            except ProviderIdReused:
                logger.error(
                    "provider.id_reused", account=job.account.account, message_id=job.record.message_id
                )
                submitted = replace(submitted, provider_message_ids=())
            except StoreUnavailable:
                if now() > until:
                    raise
                await asyncio.sleep(_STORE_PAUSE_SECONDS)
        return Done()

    async def _log_part(self, job: Job, record: MTRecord, submitted: Submitted) -> Job | Done | None:
        """Log that the provider has this message of several; the job that goes on with the next. Done when
        the MT has ended meanwhile, None when it is to be looked at again."""
        if record.status is not Status.SENDING or record.attempt != job.record.attempt:
            return Done()
        change = Change(
            Status.SENDING,
            record.attempt,
            provider_message_ids=_ids(job, submitted),
            parts_sent=job.record.parts_sent + 1,
            claim=self.claim(job.account, job.submission.audience),
        )
        moved = await self._transactions.move(record, change)
        return None if moved is None else replace(job, record=moved)

    async def _log_submission(self, job: Job, record: MTRecord, submitted: Submitted) -> Done | None:
        """Log it and tell it. None when somebody else has moved the MT meanwhile: then it is to be looked at
        again."""
        receipts = record.provider_sends_receipts and submitted.receipts_follow
        if receipts is not record.provider_sends_receipts:
            record = replace(record, provider_sends_receipts=receipts)
        news = advance(
            record.status, Status.SUBMITTED, ended_as=record.ended_as, provider_sends_receipts=receipts
        )
        if news is None and Status.SUBMITTED in record.told:  # logged, though no answer said so
            told = dr_publications(record, repeated_reports(record, [Status.SUBMITTED]), job.headers)
            return Done([*told, *job.plan.follow_ups])
        change = Change(
            status=news.status if news else record.status,
            attempt=job.record.attempt,
            ended_as=news.ended_as if news else None,
            provider_message_ids=_ids(job, submitted),
            parts_sent=len(job.plan.submissions) if len(job.plan.submissions) > 1 else None,
            told=tuple(report.status for report in news.reports) if news else (),
        )
        moved = await self._transactions.move(record, change)
        if moved is None:
            return None
        logger.debug("mt.submitted", message_id=moved.message_id, account=job.account.account)
        told = dr_publications(moved, news.reports if news else (), job.headers)
        return Done([*told, *job.plan.follow_ups])

    async def _wait(self, job: Job, wait: Wait) -> Done:
        moved = await self._waiting(job, wait.attempt, wait.reason, now() + timedelta(seconds=wait.seconds))
        if moved is None:
            return Done()
        waits = job.waits + 1 if wait.attempt == job.record.attempt else 0
        again = repeat_publication(
            moved, wait.seconds, attempt=wait.attempt, waits=waits, headers=job.headers
        )
        return Done([again])

    async def _join_lane(self, job: Job) -> Done:
        self._limiter.set_backlog(job.account.account, True)
        moved = await self._waiting(job, job.record.attempt, None, None)
        if moved is None:
            return Done()
        attempt, waits = job.record.attempt, job.waits
        return Done([lane_publication(moved, attempt=attempt, waits=waits, headers=job.headers)])

    async def _waiting(
        self, job: Job, attempt: int, reason: Reason | None, retry_at: datetime | None
    ) -> MTRecord | None:
        """Log that it waits; None when it has ended meanwhile, by a receipt or by its expiry."""
        change = Change(Status.WAITING, attempt, reason=reason, retry_at=retry_at)
        record: MTRecord | None = job.record
        # A receipt for a message of it that was sent before changes it, too, and ends nothing.
        while record is not None and record.claim == job.record.claim and record.status is Status.SENDING:
            moved = await self._transactions.move(record, change)
            if moved is not None:
                return moved
            record = await self._transactions.get(record.reference)
        return None

    def _give_up(self, job: Job, verdict: GiveUp, status: Status) -> Done:
        outcome = outcome_publication(job.record, status, verdict.reason, job.record.attempt, job.headers)
        return Done([outcome])


def _ids(job: Job, submitted: Submitted) -> tuple[str, ...]:
    """The provider's ids of all messages of it that were sent so far."""
    before = job.record.provider_message_ids if job.record.parts_sent else ()
    return tuple(dict.fromkeys((*before, *submitted.provider_message_ids)))
