"""The Retry processor: makes the attempts after the first; and the lanes, where MT wait for their account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gateway.broker.port import Delivery, Publication
from gateway.broker.topology import RETRY, after, lane
from gateway.errors import FailureKind, MessageRefused
from gateway.model.account import WAIT_TIERS_SECONDS
from gateway.model.base import now
from gateway.model.message import MTMessage
from gateway.model.receipt import Reason, Status, permanent
from gateway.store.records import MTRecord
from gateway.store.sessions import Sessions
from gateway.store.transactions import Transactions
from processors.catalogue import Catalogue
from processors.dead_letters import may_have_come_before
from processors.dispatch import Dispatcher
from processors.limiter import Limiter
from processors.mt import CLAIMED_WAIT_SECONDS, outcome_unknown
from processors.outcome import Dead, Done, Outcome
from processors.planning import Job, plan
from processors.reports import (
    ATTEMPT,
    ORDER,
    REFERENCE,
    WAITS,
    dr_publications,
    outcome_publication,
    repeat_publication,
    repeated_reports,
)
from processors.rtm.outbound import InAppOutbound
from processors.sequencer import Sequencer
from processors.window import in_window


class RetryProcessor:
    """Processes deliveries of `imgw.retry`: an MT's body, with its reference and attempt number in headers.

    What its account cannot take now joins the account's lane. As a lane's processor (`patient`), it waits
    instead, as long as it takes, and keeps the order of MT of one application to one recipient.
    """

    def __init__(
        self,
        transactions: Transactions,
        sessions: Sessions,
        in_app: InAppOutbound,
        dispatcher: Dispatcher,
        limiter: Limiter,
        catalogue: Callable[[], Catalogue],
        *,
        patient: bool = False,
    ) -> None:
        self._transactions = transactions
        self._sessions = sessions
        self._in_app = in_app
        self._dispatcher = dispatcher
        self._limiter = limiter
        self._catalogue = catalogue
        self._patient = patient
        self._sequencer = Sequencer()

    async def process(self, delivery: Delivery) -> Outcome:
        if not self._patient:
            return await self._process(delivery)
        # Taken before anything is waited for, and so in the order of the lane.
        turn = self._sequencer.take(str(delivery.headers.get(ORDER, "")))
        try:
            await turn.come()
            return await self._process(delivery)
        finally:
            turn.done()

    async def _process(self, delivery: Delivery) -> Outcome:
        reference, attempt = delivery.headers.get(REFERENCE), delivery.headers.get(ATTEMPT)
        if not isinstance(reference, str) or not isinstance(attempt, int):
            return Dead("invalid_message", f"headers {REFERENCE} and {ATTEMPT} are needed")
        record = await self._transactions.get(reference)
        if record is None:
            return Dead("unknown_transaction", "the log has no such MT")
        if record.attempt != attempt:
            return _overtaken(delivery, record, attempt)
        if record.status is Status.WAITING:
            return await self._try(delivery, record)
        if record.status is Status.SENDING:
            return await self._in_doubt(delivery, record)
        if may_have_come_before(delivery) and Status.SUBMITTED in record.told:
            # That may never have been published, however far receipts have brought the MT meanwhile.
            return Done(self._submitted_again(delivery, record))
        return Done()  # it has ended while it waited

    def _submitted_again(self, delivery: Delivery, record: MTRecord) -> list[Publication]:
        """All that followed from its submission."""
        reports = repeated_reports(record, [Status.SUBMITTED])
        told = dr_publications(record, reports, delivery.headers)
        if not record.in_app:
            return told
        mt = MTMessage.model_validate_json(record.body)
        return [*told, *self._in_app.wakes(mt, record.message_id, delivery.headers)]

    async def _try(self, delivery: Delivery, record: MTRecord) -> Done:
        if record.expires_at <= now():
            reason = expired_before_send(record)
            return Done(
                [outcome_publication(record, Status.EXPIRED, reason, record.attempt, delivery.headers)]
            )
        try:
            job = self._job(delivery, record)
        except MessageRefused as refused:
            return _failed(delivery, record, refused)
        name = job.account.account
        if not self._patient and self._limiter.backlogged(name):
            return Done([_to(lane(name), delivery)])
        if await self._limiter.enter(name, patient=self._patient):
            self._limiter.set_backlog(name, True)
            return Done([_to(lane(name), delivery)])
        return await self._let_in(delivery, job)

    async def _let_in(self, delivery: Delivery, job: Job) -> Done:
        try:
            claimed = await self._claimed(job)
        except MessageRefused as refused:
            self._limiter.leave(job.account.account)
            return _failed(delivery, job.record, refused)
        except BaseException:
            self._limiter.leave(job.account.account)
            raise
        if claimed is None:
            self._limiter.leave(job.account.account)
            return Done([_later(delivery)])
        return await self._dispatcher.attempt_let_in(claimed)

    async def _claimed(self, job: Job) -> Job | None:
        """What may be sent now, claimed; None when somebody else has moved it, or when its time passed while
        it waited. Raises MessageRefused when its session window was closed while it waited."""
        record = job.record
        if record.expires_at <= now():
            return None
        # What was begun in the window cannot go on as a template.
        planned = replace(job.plan, fallback=None) if record.parts_sent else job.plan
        planned = await in_window(planned, self._sessions)
        if planned.handler.capabilities.in_app:
            mt = MTMessage.model_validate_json(record.body)
            planned = await self._in_app.addressed(planned, mt, job.headers)
        change = self._dispatcher.begin(record, planned, record.attempt)
        moved = await self._transactions.move(record, change)
        return None if moved is None else replace(job, record=moved, plan=planned)

    async def _in_doubt(self, delivery: Delivery, record: MTRecord) -> Done:
        if record.claim is not None and record.claim.until > now():
            return Done([_later(delivery)])
        try:
            job = self._job(delivery, record)
        except MessageRefused as refused:
            return _failed(delivery, record, refused)
        return await self._dispatcher.failed(job, outcome_unknown())

    def _job(self, delivery: Delivery, record: MTRecord) -> Job:
        """The next attempt. Raises MessageRefused when the MT can no longer be sent as planned."""
        planned = plan(
            MTMessage.model_validate_json(record.body),
            record.message_id,
            self._catalogue(),
            expires_at=record.expires_at,
            account=record.account,
        )
        return Job(record, planned, delivery.headers, int(delivery.headers.get(WAITS, 0)))


def _failed(delivery: Delivery, record: MTRecord, refused: MessageRefused) -> Done:
    """What ends an MT that can no longer be sent. Not as `rejected`, which a receipt for an attempt whose
    outcome nobody knows could never overtake."""
    reason = permanent(refused.code, refused.detail)
    return Done([outcome_publication(record, Status.FAILED, reason, record.attempt, delivery.headers)])


def expired_before_send(record: MTRecord) -> Reason:
    """Why an MT that never reached its provider has expired, with the provider's words of the last
    failure."""
    last = record.reason
    return Reason(
        code="expired_before_send",
        kind=last.kind if last else FailureKind.PERMANENT,
        provider_code=last.provider_code if last else None,
        provider_text=last.provider_text if last else None,
    )


def _overtaken(delivery: Delivery, record: MTRecord, attempt: int) -> Done:
    """A repeat whose attempt has been made already. If it is redelivered, what followed from that attempt may
    never have been published: then it is, again. Two repeats do no harm: only one can claim the attempt."""
    if not may_have_come_before(delivery) or record.status is not Status.WAITING or record.attempt < attempt:
        return Done()
    seconds = WAIT_TIERS_SECONDS[0]
    again = repeat_publication(record, seconds, attempt=record.attempt, waits=0, headers=delivery.headers)
    return Done([again])


def _to(queue: str, delivery: Delivery) -> Publication:
    """The same on another queue."""
    return Publication("", queue, delivery.body, delivery.type, delivery.message_id, delivery.headers)


def _later(delivery: Delivery) -> Publication:
    """The same once more, after somebody else's claim on it has had time to end."""
    return after(CLAIMED_WAIT_SECONDS, RETRY, _to(RETRY, delivery))
