"""What the tests of the store are made of: the store's parts over one database, and MT to keep in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from gateway.model.address import Address, Thread
from gateway.model.base import now
from gateway.model.receipt import Status
from gateway.store.connect import Database
from gateway.store.inbound import InboundLog, MORecord, ReceiptRecord
from gateway.store.records import Claim, MTRecord
from gateway.store.sessions import Sessions
from gateway.store.transactions import Transactions
from tests.servers.mongod import MongoServer


@dataclass
class Store:
    """One process's view of the store; `another_process` has one of its own."""

    database: Database
    server: MongoServer
    transactions: Transactions = field(init=False)
    inbound: InboundLog = field(init=False)
    sessions: Sessions = field(init=False)

    def __post_init__(self) -> None:
        self.transactions = self.another_process("this")
        self.inbound = InboundLog(self.database)
        self.sessions = Sessions(self.database)

    def another_process(self, name: str) -> Transactions:
        return Transactions(self.database, name)

    async def added(self, record: MTRecord) -> MTRecord:
        """The record as it is after it was logged."""
        assert await self.transactions.insert(record) is None
        return await self.stored(record)

    async def stored(self, record: MTRecord) -> MTRecord:
        found = await self.transactions.get(record.reference)
        assert found is not None
        return found


AT = now()


def accepted(message_id: str = "m-1", **fields: Any) -> MTRecord:
    """An MT that has just been accepted, with as little as there can be."""
    given: dict[str, Any] = {
        "app_id": "shop",
        "message_id": message_id,
        "status": Status.ACCEPTED,
        "accepted_at": AT,
        "expires_at": AT + timedelta(hours=1),
        "body": b"{}",
        "account": "acme",
    }
    return MTRecord(**(given | fields))


def claimed(message_id: str = "m-1") -> MTRecord:
    """An MT whose first attempt is under way, with everything that an MT can have then."""
    return accepted(
        message_id,
        status=Status.SENDING,
        body=b'{"to": "447700900001"} \xff',
        channel="sms",
        account="acme",
        provider="scripted",
        to=Address(kind="msisdn", id="447700900001"),
        person="acme/447700900001",
        thread=Thread(id="t-1", type="conversation", title="Tea"),
        correlation_id="order 7",
        callback_data='{"$set": 1, "a.b": "\x00"}',
        receipts=("delivered", "read"),
        provider_sends_receipts=False,
        degraded=("the list was written out as text",),
        retention_days=7,
        attempt=1,
        part_count=3,
        claim=Claim("mt-1", AT + timedelta(seconds=30)),
    )


def mo(provider_message_id: str = "p-1", *, mo_id: str = "mo-1", received_at: datetime = AT) -> MORecord:
    return MORecord(
        account="acme",
        provider_message_id=provider_message_id,
        app_id="shop",
        channel="sms",
        mo_id=mo_id,
        event_id="e-1",
        body=b"{}",
        received_at=received_at,
        retention_days=90,
    )


def receipt(event_key: str = "acme/7", **fields: Any) -> ReceiptRecord:
    given: dict[str, Any] = {
        "event_key": event_key,
        "account": "acme",
        "provider_message_id": "p-1",
        "provider_status": "DELIVRD",
        "status": "delivered",
        "outcome": "applied",
        "reference": "shop/m-1",
        "body": b"{}",
        "occurred_at": None,
        "received_at": AT,
    }
    return ReceiptRecord(**(given | fields))
