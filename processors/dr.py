"""The DR processor: matches every receipt and outcome to its MT, advances the state, and passes the news
on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from pydantic import ValidationError

from gateway.broker.port import Delivery, Headers, Publication
from gateway.broker.topology import DR_IN, TYPE_CALLBACK, TYPE_OUTCOME, after
from gateway.model.base import now
from gateway.model.lifecycle import Advance, Report, advance, advance_parts
from gateway.model.outcome import OutcomeEvent
from gateway.model.receipt import (
    NEGATIVE_ENDS,
    DeliveryReceipt,
    Reason,
    Reporter,
    Status,
    permanent,
)
from gateway.rtm.refusals import RtmRefused
from gateway.store.inbound import InboundLog, ReceiptRecord
from gateway.store.records import MTRecord, customer_key_of, reference_of
from gateway.store.transactions import Change, Transactions
from gateway.telemetry.metrics import Metrics
from gateway.together import together
from processors.callback_items import ReceivedItem, read_item, receipts_in
from processors.catalogue import Configured
from processors.dead_letters import may_have_come_before
from processors.matching import Matches, match_all, match_one
from processors.outcome import Dead, Done, Outcome
from processors.reports import dr_publications, repeated_reports
from processors.rtm.receipts import InAppReceipts, has_come, progress, said_at, still_going_out

logger = structlog.get_logger("dr")

# A receipt can overtake the answer to its own send. It waits this long, in turn, for its MT to be known.
MATCH_WAITS_SECONDS = (1, 5, 30)
_LOOKS = "x-looks"

# Of a receipt for several MT, the first of these is what came of it.
_OUTCOMES = ("late", "applied", "repeated", "unmatched")


@dataclass(frozen=True, slots=True)
class News:
    """What is to be applied to an MT: a status, why, when it happened and for which attempt."""

    status: Status
    reason: Reason | None = None
    occurred_at: datetime | None = None
    attempt: int | None = None
    part: str | None = None  # the provider's id of the part that it is about
    reporter: Reporter | None = None  # the device that says so, of the in-app channel


class DRProcessor:
    """Processes deliveries of `imgw.dr.in`: providers' receipts, and outcomes of the gateway's own making."""

    def __init__(
        self,
        transactions: Transactions,
        inbound: InboundLog,
        in_app: InAppReceipts,
        configured: Configured,
        metrics: Metrics,
    ) -> None:
        self._transactions = transactions
        self._inbound = inbound
        self._in_app = in_app
        self._configured = configured
        self._metrics = metrics

    async def process(self, delivery: Delivery) -> Outcome:
        if delivery.type == TYPE_OUTCOME:
            return await self._outcome(delivery)
        if delivery.type == TYPE_CALLBACK:
            return await self._callback(delivery)
        return Dead("invalid_message", "neither a callback item nor an outcome")

    async def _outcome(self, delivery: Delivery) -> Outcome:
        try:
            event = OutcomeEvent.model_validate_json(delivery.body)
        except ValidationError:
            return Dead("invalid_message", "not an outcome")
        record = await self._transactions.get(reference_of(event.app_id, event.message_id))
        if record is None:
            return Dead("unknown_transaction", "the log has no such MT")
        if event.status == "expired" and _being_sent(record):
            return Done()  # the attempt under way decides; the monitor looks again
        news = News(Status(event.status), event.reason, event.occurred_at, event.attempt)
        publications, _ = await self._apply(record, news, delivery)
        return Done(publications)

    async def _callback(self, delivery: Delivery) -> Outcome:
        received = await read_item(delivery, self._configured)
        if isinstance(received, Dead):
            return received
        try:
            receipts = receipts_in(received)
        except ValueError as error:
            return Dead("unreadable_receipt", type(error).__name__)
        results = await together(
            [
                self._receipt(receipt, received, delivery, f"{received.key}/{number}")
                for number, receipt in enumerate(receipts)
            ]
        )
        publications = [publication for found, _ in results for publication in found]
        if any(again for _, again in results):
            publications.append(_look_again(delivery))
        return Done(publications)

    async def _receipt(
        self, receipt: DeliveryReceipt, received: ReceivedItem, delivery: Delivery, key: str
    ) -> tuple[list[Publication], bool]:
        """Apply one receipt: what to publish, and whether to look again for what it is about."""
        if receipt.reporter is not None and receipt.status is not None:
            news = News(Status(receipt.status), reporter=receipt.reporter)
            return await self._from_device(receipt, news, receipt.reporter, received, delivery, key)
        matches = await self._matches(receipt, received, delivery)
        again = matches.pending and _looks(delivery) < len(MATCH_WAITS_SECONDS)
        if again and not matches.records:
            return [], True
        publications: list[Publication] = []
        if not matches.records and receipt.watermark is None:
            outcome = "unmatched"
            logger.warning("dr.unmatched", account=received.account, status=receipt.provider_status)
        elif receipt.status is None:
            outcome = "unknown_status"
            logger.warning("dr.unknown_status", account=received.account, status=receipt.provider_status)
        else:
            news = _news(Status(receipt.status), receipt, received.received_at, matches.part)
            applied = await together([self._apply(record, news, delivery) for record in matches.records])
            publications = [publication for published, _ in applied for publication in published]
            outcome = min((each for _, each in applied), key=_OUTCOMES.index, default="repeated")
        self._metrics.receipts.labels(received.account, outcome).inc()
        await self._inbound.add_receipt(_receipt_record(receipt, received, key, outcome, matches.records))
        return publications, again

    async def _from_device(
        self,
        receipt: DeliveryReceipt,
        news: News,
        reporter: Reporter,
        received: ReceivedItem,
        delivery: Delivery,
        key: str,
    ) -> tuple[list[Publication], bool]:
        """The same of the in-app channel, whose MT are known before they are sent."""
        account, headers = received.account, delivery.headers
        try:
            record = await self._in_app.subject(receipt, reporter, account)
        except RtmRefused as refused:
            return [self._in_app.refused(receipt, reporter, account, refused, headers)], False
        if still_going_out(record):
            return [], True
        at = said_at(receipt, record, received.received_at)
        publications, outcome = await self._apply(record, replace(news, occurred_at=at), delivery)
        told_before = may_have_come_before(delivery) and has_come(record, reporter, news.status)
        if outcome in ("applied", "late") or told_before:
            publications += self._in_app.echo(record, reporter, news.status, at, account, headers)
        self._metrics.receipts.labels(account, outcome).inc()
        await self._inbound.add_receipt(_receipt_record(receipt, received, key, outcome, [record]))
        return publications, False

    async def _matches(self, receipt: DeliveryReceipt, received: ReceivedItem, delivery: Delivery) -> Matches:
        if receipt.watermark is None:
            return await match_one(self._transactions, receipt, received.account)
        if receipt.status is None:
            return Matches()
        return await match_all(
            self._transactions,
            receipt.watermark,
            received.account,
            Status(receipt.status),
            receipt.occurred_at or received.received_at,
            redelivered=may_have_come_before(delivery),
        )

    async def _apply(self, record: MTRecord, news: News, delivery: Delivery) -> tuple[list[Publication], str]:
        """Move the MT by this news and say what to publish. Looks again while others move it."""
        current: MTRecord | None = record
        while current is not None:
            parts, status = _parts(current, news)
            devices = (
                current.devices if news.reporter is None else progress(current, news.reporter, news.status)
            )
            step = None if status is None else _advance(current, status)
            if step is None and parts == current.parts and devices is current.devices:
                return _repeated(current, news, delivery), "repeated"
            change = _change(current, step, news, parts)
            if news.reporter is not None:
                change = replace(change, devices=devices, device=news.reporter.name)
            moved = await self._transactions.move(current, change)
            if moved is not None:
                self._count(moved, step)
                reports = step.reports if step else ()
                return dr_publications(moved, reports, delivery.headers), _outcome_of(reports)
            current = await self._transactions.get(record.reference)
        return [], "unmatched"

    def _count(self, record: MTRecord, step: Advance | None) -> None:
        for report in step.reports if step else ():
            self._metrics.statuses.labels(record.channel or "none", report.status.value).inc()
            if report.status is Status.DELIVERED:
                seconds = (now() - record.accepted_at).total_seconds()
                self._metrics.delivery_latency.labels(record.channel or "none").observe(seconds)


def _news(status: Status, receipt: DeliveryReceipt, received_at: datetime, part: str | None = None) -> News:
    reason = receipt.reason
    if reason is None and status in NEGATIVE_ENDS:  # a provider that does not say why
        reason = permanent("provider_error" if status is Status.FAILED else "no_receipt_in_time")
    return News(status, reason, receipt.occurred_at or received_at, part=part)


def _parts(record: MTRecord, news: News) -> tuple[Mapping[str, Status], Status | None]:
    """How far the parts have come, and what that is for the message as a whole."""
    ids = record.provider_message_ids
    if news.part not in ids or (len(ids) == 1 and not record.parts_follow):
        return record.parts, news.status
    return advance_parts(record.parts, ids, news.part, news.status, more_follow=record.parts_follow)


def _advance(record: MTRecord, status: Status) -> Advance | None:
    return advance(
        record.status,
        status,
        ended_as=record.ended_as,
        provider_sends_receipts=record.provider_sends_receipts,
    )


def _change(record: MTRecord, step: Advance | None, news: News, parts: Mapping[str, Status]) -> Change:
    return Change(
        status=step.status if step else record.status,
        attempt=record.attempt if news.attempt is None else news.attempt,
        ended_as=step.ended_as if step else None,
        parts=parts or None,
        claim=None if step else record.claim,
        reason=news.reason,
        occurred_at=news.occurred_at,
        told=tuple(report.status for report in step.reports) if step else (),
    )


def _outcome_of(reports: Sequence[Report]) -> str:
    return "late" if any(report.late for report in reports) else "applied"


def _repeated(record: MTRecord, news: News, delivery: Delivery) -> list[Publication]:
    """Old news. If it may be old because this very delivery was cut off before it was passed on, pass it on
    again."""
    if not may_have_come_before(delivery) or news.status not in record.told:
        return []
    statuses = [Status.DELIVERED, Status.READ] if news.status is Status.READ else [news.status]
    told = [status for status in statuses if status in record.told]
    return dr_publications(record, repeated_reports(record, told), delivery.headers)


def _being_sent(record: MTRecord) -> bool:
    return record.status is Status.SENDING and record.claim is not None and record.claim.until > now()


def _looks(delivery: Delivery) -> int:
    looks = delivery.headers.get(_LOOKS, 0)
    return looks if isinstance(looks, int) else 0


def _look_again(delivery: Delivery) -> Publication:
    looks = _looks(delivery)
    headers: Headers = {**delivery.headers, _LOOKS: looks + 1}
    same = Publication("", DR_IN, delivery.body, delivery.type, delivery.message_id, headers)
    return after(MATCH_WAITS_SECONDS[min(looks, len(MATCH_WAITS_SECONDS) - 1)], DR_IN, same)


def _receipt_record(
    receipt: DeliveryReceipt, received: ReceivedItem, key: str, outcome: str, matched: Sequence[MTRecord]
) -> ReceiptRecord:
    reporter = receipt.reporter
    return ReceiptRecord(
        event_key=key,
        account=received.account,
        provider_message_id=receipt.provider_message_id or "",
        provider_status=receipt.provider_status,
        status=receipt.status,
        outcome=outcome,
        reference=matched[0].reference if len(matched) == 1 else None,
        body=received.item.body,
        occurred_at=receipt.occurred_at,
        received_at=received.received_at,
        person=customer_key_of(reporter.app_id, reporter.user_id) if reporter else None,
    )
