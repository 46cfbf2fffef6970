"""Which MT a receipt is about: one, by the provider's id or our reference; or all that were sent to a person
up to some time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.model.receipt import RANK, DeliveryReceipt, Status, Watermark
from gateway.store.records import MTRecord, person_of
from gateway.store.transactions import Transactions
from handlers.contract import PART_MARK

# A watermark is by the provider's clock, the beginning of an attempt by ours.
CLOCKS_DIFFER = timedelta(seconds=1)

_SENT = (Status.SENDING, Status.SUBMITTED, Status.DELIVERED, Status.READ)


@dataclass(frozen=True, slots=True)
class Matches:
    """The MT that a receipt is about, and the provider's id of the message, of one that goes in several.

    `pending`: it may be about one more, that is not known yet or is still being sent.
    """

    records: tuple[MTRecord, ...] = ()
    pending: bool = False
    part: str | None = None


async def match_one(transactions: Transactions, receipt: DeliveryReceipt, account: str) -> Matches:
    """The MT that has the provider's id, or else our reference."""
    record = None
    if receipt.provider_message_id is not None:
        record = await transactions.by_provider_id(account, receipt.provider_message_id)
    if record is None and receipt.reference is not None:
        record = await transactions.get(receipt.reference.partition(PART_MARK)[0])
    if record is None or record.account != account:
        return Matches(pending=True)
    part = _part_of(record, receipt)
    if part is None and record.part_count > 1:  # taken for all of it, it would end what is half sent
        return Matches(pending=True)
    return Matches((record,), part=part)


async def match_all(
    transactions: Transactions,
    watermark: Watermark,
    account: str,
    news: Status,
    occurred_at: datetime,
    *,
    redelivered: bool,
) -> Matches:
    """The MT that a watermark is news for: those whose last attempt had begun by then. One that is still
    being sent is none of them yet, since its attempt may fail after all.

    With `redelivered`, also those that the same receipt has brought that far before: they may never have been
    told.
    """
    until = watermark.until + CLOCKS_DIFFER
    statuses = [status for status in _SENT if redelivered or RANK[status] < RANK[news]]
    found = await transactions.sent_to(person_of(account, watermark.recipient), until, statuses)
    begun = [record for record in found if record.begun_at is not None and record.begun_at <= until]
    return Matches(
        tuple(
            record
            for record in begun
            if record.status is not Status.SENDING
            and (RANK[record.status] < RANK[news] or _was_told(record, news, occurred_at))
        ),
        pending=any(record.status is Status.SENDING for record in begun),
    )


def _part_of(record: MTRecord, receipt: DeliveryReceipt) -> str | None:
    """The provider's id of the message that a receipt is about; of an MT that goes in several, None while
    that is not known."""
    ids, reference = record.provider_message_ids, receipt.reference or ""
    if record.part_count == 1 or receipt.provider_message_id in ids:
        return receipt.provider_message_id
    # A handler may send the same reference along with all of them; then only the provider's id tells which.
    tells_part = PART_MARK in reference or receipt.provider_message_id is None
    if not tells_part or len(ids) != record.parts_sent:
        return None
    keys = [record.reference, *(f"{record.reference}{PART_MARK}{part}" for part in range(2, len(ids) + 1))]
    return dict(zip(keys, ids, strict=False)).get(reference)


def _was_told(record: MTRecord, news: Status, occurred_at: datetime) -> bool:
    event = record.told.get(news)
    return event is not None and event.get("occurred_at") == occurred_at
