"""Receipts of the in-app channel: a device speaks only for messages that are for its person, and others may
hear of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from gateway.broker.port import Headers, Publication
from gateway.model.receipt import RANK, DeliveryReceipt, Reporter, Status
from gateway.rtm.names import Device
from gateway.rtm.refusals import RtmRefused
from gateway.rtm.wire import sync_receipt
from gateway.store.customers import Customers
from gateway.store.records import MTRecord
from gateway.store.transactions import Transactions
from gateway.telemetry.metrics import Metrics
from processors.catalogue import Configured
from processors.rtm.applications import application_for
from processors.rtm.conversations import was_meant
from processors.rtm.tellings import echo, refusal

# Of how many devices an MT keeps how far they have come. What others say is logged on its own, moves the MT
# where it is news for all of it, and is echoed to nobody: an MT to topics can have any number of readers.
MAX_DEVICES = 100


class InAppReceipts:
    def __init__(
        self,
        transactions: Transactions,
        customers: Customers,
        configured: Configured,
        metrics: Metrics,
    ) -> None:
        self._transactions = transactions
        self._customers = customers
        self._configured = configured
        self._metrics = metrics

    async def subject(self, receipt: DeliveryReceipt, reporter: Reporter, account: str) -> MTRecord:
        """The MT that a receipt is about. Raises RtmRefused with `unknown_application`; or with
        `unknown_message`, which does not tell what there is not from what is not for this device."""
        await application_for(self._configured, reporter.app_id, account)
        record = await self._transactions.get(receipt.reference or "")
        if record is None or not await self._is_for(record, reporter):
            raise RtmRefused("unknown_message")
        return record

    def refused(
        self,
        receipt: DeliveryReceipt,
        reporter: Reporter,
        account: str,
        refused: RtmRefused,
        headers: Headers,
    ) -> Publication:
        """What the device is told then."""
        self._metrics.rtm_refusals.labels(account, refused.code).inc()
        of = (receipt.reference or "").removeprefix(f"{reporter.app_id}/")
        return refusal(account, _device(reporter), of, refused, reporter.correlation, headers)

    def echo(
        self,
        record: MTRecord,
        reporter: Reporter,
        status: Status,
        at: datetime,
        account: str,
        headers: Headers,
    ) -> list[Publication]:
        """What others hear of a receipt: the person's other devices, or all who follow the topics."""
        application = self._configured.current.applications.get(record.app_id)
        if application is None or not application.serves(account):
            return []
        topics = record.to.id if record.to is not None and record.to.kind == "topic" else None
        payload = sync_receipt(
            message_id=record.message_id, status=status.value, device=_device(reporter), at=at
        )
        return echo(account, application, reporter.user_id, topics, payload, headers)

    async def _is_for(self, record: MTRecord, reporter: Reporter) -> bool:
        # Who guesses an id must not end what nobody has been sent yet.
        if record.app_id != reporter.app_id or not record.in_app or record.begun_at is None:
            return False
        if record.to is None or record.to.kind == "user_id":
            return record.to is not None and record.to.id == reporter.user_id
        if record.to.kind == "device":
            return record.to.id == reporter.name
        # Who has left a topic since still has what came before.
        customer = await self._customers.get(reporter.app_id, reporter.user_id)
        return was_meant(record.to.id, customer, record.accepted_at)


def still_going_out(record: MTRecord) -> bool:
    """Whether an MT to topics has not reached all that it is for: then the receipt of one must not end it for
    the others."""
    return (
        record.to is not None and record.to.kind == "topic" and RANK[record.status] < RANK[Status.SUBMITTED]
    )


def has_come(record: MTRecord, device: Reporter, status: Status) -> bool:
    """Whether this device has said so, or more, before."""
    before = record.devices.get(device.name)
    return before is not None and RANK[before] >= RANK[status]


def progress(record: MTRecord, device: Reporter, status: Status) -> Mapping[str, Status]:
    """How far each device has come, with this news; the record's own mapping when it is none, or when as
    many devices are kept already as there may be."""
    known = record.devices
    full = len(known) >= MAX_DEVICES and device.name not in known
    return known if full or has_come(record, device, status) else {**known, device.name: status}


def said_at(receipt: DeliveryReceipt, record: MTRecord, received_at: datetime) -> datetime:
    """When it happened, as the device says; whose clock cannot put it before the message or after now."""
    said = receipt.occurred_at or received_at
    return max(record.accepted_at, min(said, received_at))


def _device(reporter: Reporter) -> Device:
    return Device(reporter.app_id, reporter.user_id, reporter.device_id)
