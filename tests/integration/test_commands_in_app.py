"""What `imgw tx show` says of an MT of the in-app channel."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from gateway.model.address import Address, Thread
from gateway.model.base import now
from gateway.model.receipt import Status
from gateway.store.connect import Database
from gateway.store.records import MTRecord
from gateway.store.transactions import Change, Transactions
from tests.integration.shell import Operator


async def an_mt(operator: Operator, message_id: str, devices: dict[str, Status]) -> None:
    """Which these devices have, and for which another one was woken: in vain, the second time."""
    database = Database(operator.url, operator.database)
    transactions = Transactions(database, "test")
    record = MTRecord(
        app_id="chat",
        message_id=message_id,
        status=Status.SENDING,
        accepted_at=now(),
        expires_at=now() + timedelta(hours=1),
        body=b"{}",
        channel="rtm",
        account="rtm-shop",
        provider="rtm",
        to=Address(kind="user_id", id="customer-4711"),
        thread=Thread(id="t-1", type="conversation"),
        attempt=1,
        in_app=True,
    )
    assert await transactions.insert(record) is None
    assert await transactions.move(record, Change(Status.READ, 1, devices=devices))
    woken = {"device": "customer-4711/tablet", "account": "fcm-shop", "at": now()}
    rows = [woken | {"provider_message_ids": ["projects/p/messages/1"]}, woken | {"reason": "recipient_gone"}]
    await transactions.note_wakeups(record.reference, rows)
    await database.close()


def test_the_devices_of_an_mt_are_shown_and_which_were_woken(operator: Operator) -> None:
    devices = {"customer-4711/phone": Status.READ, "customer-4711/laptop": Status.DELIVERED}
    asyncio.run(an_mt(operator, "m-1", devices))
    said = operator.imgw("tx", "show", "m-1").splitlines()
    words = [" ".join(line.split()) for line in said]
    assert "thread t-1 (conversation)" in words
    assert words[words.index("devices") + 1 : words.index("devices") + 3] == [
        "***4711/phone read",
        "***4711/laptop delivered",
    ]
    woken = words[words.index("woken by push") + 1 :]
    assert [line.split(" ", 1)[1] for line in woken] == [
        "***4711/tablet fcm-shop projects/p/messages/1",
        "***4711/tablet fcm-shop recipient_gone",
    ]


def test_whoever_looks_at_an_mt_of_many_devices_is_told_that_there_may_be_more(operator: Operator) -> None:
    devices = {f"customer-4711/{number}": Status.READ for number in range(100)}
    asyncio.run(an_mt(operator, "m-2", devices))
    words = [" ".join(line.split()) for line in operator.imgw("tx", "show", "m-2").splitlines()]
    after = words.index("devices") + 101
    assert words[after - 1 : after + 2] == [
        "***4711/99 read",
        "no more are kept: what further ones said is among the receipts only",
        "woken by push",
    ]
