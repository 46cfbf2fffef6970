"""The table of apns: what is sent is in apns_sends, what comes back in push_rows."""

from __future__ import annotations

from gateway.model.receipt import DeliveryReceipt
from tests.handlers.cases.apns_accounts import ACCOUNTS, MESSAGE_ID, PEM, read
from tests.handlers.cases.apns_sends import SENDS
from tests.handlers.cases.push_rows import OLD_SECRET, SECRET, prove, receipt_rows
from tests.handlers.rows import Table


def with_id(receipt: DeliveryReceipt) -> DeliveryReceipt:
    """Apple's id of a message follows from our reference."""
    return receipt.model_copy(update={"provider_message_id": MESSAGE_ID})


TABLE = Table(
    provider="apns",
    accounts=ACCOUNTS,
    secrets=(PEM, SECRET, OLD_SECRET),
    sends=SENDS,
    callbacks=receipt_rows(with_id),
    prove=prove,
    proof="authorization",
    proof_covers_body=False,
    read=read,
)
