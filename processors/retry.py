"""The Retry processor: makes the attempts after the first, and the first ones that had to wait."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gateway.broker.port import Delivery, Publication
from gateway.broker.topology import RETRY, after
from gateway.errors import FailureKind, MessageRefused
from gateway.model.base import now
from gateway.model.message import MTMessage
from gateway.model.receipt import Reason, Status, permanent
from gateway.store.records import MTRecord
from gateway.store.transactions import Change, Transactions
from processors.catalogue import Catalogue
from processors.dispatch import Dispatcher, Job
from processors.mt import CLAIMED_WAIT_SECONDS, outcome_unknown
from processors.outcome import Dead, Done, Outcome
from processors.planning import plan
from processors.reports import (
    ATTEMPT,
    REFERENCE,
    WAITS,
    dr_publications,
    outcome_publication,
    repeated_reports,
)


class RetryProcessor:
    """Processes deliveries of `imgw.retry`: an MT's body, with its reference and attempt number as
    headers."""

    def __init__(
        self, transactions: Transactions, dispatcher: Dispatcher, catalogue: Callable[[], Catalogue]
    ) -> None:
        self._transactions = transactions
        self._dispatcher = dispatcher
        self._catalogue = catalogue

    async def process(self, delivery: Delivery) -> Outcome:
        reference, attempt = delivery.headers.get(REFERENCE), delivery.headers.get(ATTEMPT)
        if not isinstance(reference, str) or not isinstance(attempt, int):
            return Dead("invalid_message", f"headers {REFERENCE} and {ATTEMPT} are needed")
        record = await self._transactions.get(reference)
        if record is None:
            return Dead("unknown_transaction", "the log has no such MT")
        if record.attempt != attempt:
            return Done()  # a repeat that has been overtaken
        if record.status is Status.WAITING:
            return await self._try(delivery, record)
        if record.status is Status.SENDING:
            return await self._in_doubt(delivery, record)
        if record.status is Status.SUBMITTED and delivery.redelivered:
            reports = repeated_reports(record, record.told)
            return Done(dr_publications(record, reports, delivery.headers))
        return Done()  # it has ended while it waited

    async def _try(self, delivery: Delivery, record: MTRecord) -> Done:
        if record.expires_at <= now():
            reason = expired_before_send(record)
            return Done(
                [outcome_publication(record, Status.EXPIRED, reason, record.attempt, delivery.headers)]
            )
        job = self._job(delivery, record)
        if isinstance(job, Publication):
            return Done([job])
        claim = self._dispatcher.claim(job.account)
        claimed = await self._transactions.move(record, Change(Status.SENDING, record.attempt, claim=claim))
        if claimed is None:
            return Done([_later(delivery)])
        return await self._dispatcher.attempt(replace(job, record=claimed))

    async def _in_doubt(self, delivery: Delivery, record: MTRecord) -> Done:
        if record.claim is not None and record.claim.until > now():
            return Done([_later(delivery)])
        job = self._job(delivery, record)
        if isinstance(job, Publication):
            return Done([job])
        return await self._dispatcher.failed(job, outcome_unknown())

    def _job(self, delivery: Delivery, record: MTRecord) -> Job | Publication:
        """The next attempt, or what ends the MT when it can no longer be sent as planned."""
        try:
            mt = MTMessage.model_validate_json(record.body)
            planned = plan(mt, record.message_id, self._catalogue(), account=record.account)
        except MessageRefused as refused:
            reason = permanent(refused.code, refused.detail)
            return outcome_publication(record, Status.FAILED, reason, record.attempt, delivery.headers)
        return Job(
            record=record,
            account=planned.account,
            handler=planned.handler,
            submission=planned.submission,
            duplicates=planned.duplicates,
            headers=delivery.headers,
            waits=int(delivery.headers.get(WAITS, 0)),
        )


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


def _later(delivery: Delivery) -> Publication:
    """The same once more, after somebody else's claim on it has had time to end."""
    same = Publication("", RETRY, delivery.body, delivery.type, delivery.message_id, delivery.headers)
    return after(CLAIMED_WAIT_SECONDS, RETRY, same)
