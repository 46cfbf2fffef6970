"""Receipts that stand for everything sent to a person up to some time."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.broker.port import Delivery, Publication
from gateway.model.base import now, rfc3339
from gateway.model.receipt import DeliveryReceipt, Status
from gateway.store.records import Claim, MTRecord
from gateway.store.transactions import Change
from processors.callback_items import item_again
from tests.processors.conftest import World, done
from tests.processors.fakes import CAPABILITIES, again, delivery_of, mt, receipts, seen

PERSON = "447700900001"


@pytest.fixture
async def world(world: World) -> World:
    """A world whose provider's receipts are watermarks."""
    world.provider.capabilities = replace(CAPABILITIES, watermarks=True)
    return world


def mark(status: str | None, until: datetime | None = None, **fields: Any) -> dict[str, Any]:
    watermark = {"recipient": PERSON, "until": rfc3339(until or now())}
    return {"status": status, "watermark": watermark, **fields}


async def _sent(world: World, *message_ids: str, **fields: Any) -> None:
    for message_id in message_ids:
        await done(world.mt, mt(message_id=message_id, **fields))


def told(publications: list[Publication]) -> list[tuple[str, str]]:
    return sorted((dr["message_id"], dr["status"]) for _, dr in seen(publications))


async def _begun(world: World, message_id: str, at: datetime, status: Status = Status.SUBMITTED) -> MTRecord:
    """An MT of which an attempt began then, and that has come this far."""
    template = MTRecord(
        app_id="shop",
        message_id=message_id,
        status=Status.WAITING,
        accepted_at=at - timedelta(seconds=10),
        expires_at=at + timedelta(days=1),
        body=b"{}",
        account="acme",
        person=f"acme/{PERSON}",
        receipts=("delivered", "read"),
        attempt=1,
    )
    assert await world.transactions.insert(template) is None
    record: MTRecord | None = await world.record(template.reference)
    claim = Claim("somebody", now() + timedelta(seconds=60))
    for change in (
        Change(Status.SENDING, 1, at=at, claim=claim),
        *([] if status is Status.SENDING else [Change(status, 1)]),
    ):
        assert record is not None
        record = await world.transactions.move(record, change)
    assert record is not None
    return record


@pytest.mark.mongodb
async def test_a_watermark_is_for_all_that_were_sent_to_the_person_before_it(world: World) -> None:
    await _sent(world, "m-1", "m-2", "m-3")
    await _sent(world, "m-4", to="447700900002")
    delivered = told(await done(world.dr, receipts(mark("delivered"))))
    assert delivered == [("m-1", "delivered"), ("m-2", "delivered"), ("m-3", "delivered")]
    assert (await world.record("shop/m-4")).status is Status.SUBMITTED
    read = told(await done(world.dr, receipts(mark("read"), key="i-2")))
    assert read == [("m-1", "read"), ("m-2", "read"), ("m-3", "read")]


@pytest.mark.mongodb
async def test_the_number_of_a_person_is_the_same_with_and_without_its_plus(world: World) -> None:
    await _sent(world, "m-1", to=f"+{PERSON}")
    assert told(await done(world.dr, receipts(mark("delivered")))) == [("m-1", "delivered")]


@pytest.mark.mongodb
async def test_read_implies_delivered(world: World) -> None:
    await _sent(world, "m-1")
    publications = await done(world.dr, receipts(mark("read")))
    assert [dr["status"] for _, dr in seen(publications)] == ["delivered", "read"]


@pytest.mark.mongodb
async def test_what_was_sent_later_is_not_meant_but_clocks_may_differ_a_little(world: World) -> None:
    until = now() - timedelta(minutes=5)
    await _begun(world, "m-1", until)
    await _begun(world, "m-2", until + timedelta(seconds=1))
    await _begun(world, "m-3", until + timedelta(milliseconds=1_001))
    publications = await done(world.dr, receipts(mark("delivered", until)))
    assert told(publications) == [("m-1", "delivered"), ("m-2", "delivered")]


@pytest.mark.mongodb
async def test_of_several_attempts_only_the_last_one_counts(world: World) -> None:
    first_at = now() - timedelta(minutes=5)
    record = await _begun(world, "m-1", first_at, Status.WAITING)
    last_at = first_at + timedelta(minutes=2)
    for change in (Change(Status.SENDING, 2, at=last_at), Change(Status.SUBMITTED, 2)):
        moved = await world.transactions.move(record, change)
        assert moved is not None
        record = moved
    between = receipts(mark("delivered", first_at + timedelta(minutes=1)))
    assert await done(world.dr, between) == []
    after = receipts(mark("delivered", last_at), key="i-2")
    assert told(await done(world.dr, after)) == [("m-1", "delivered")]


@pytest.mark.mongodb
async def test_one_that_waits_for_its_next_attempt_is_not_meant(world: World) -> None:
    waiting = await _begun(world, "m-1", now() - timedelta(minutes=5), Status.WAITING)
    assert await done(world.dr, receipts(mark("delivered"))) == []
    assert await world.record() == waiting


@pytest.mark.mongodb
async def test_one_that_is_still_being_sent_is_looked_at_again_and_the_others_are_told_at_once(
    world: World,
) -> None:
    at = now() - timedelta(seconds=5)
    await _begun(world, "m-1", at)
    sending = await _begun(world, "m-2", at, Status.SENDING)
    *publications, look = await done(world.dr, receipts(mark("delivered", at)))
    assert (told(publications), look.exchange, look.routing_key) == (
        [("m-1", "delivered")],
        "imgw.wait.1s",
        "imgw.dr.in",
    )
    assert await world.record("shop/m-2") == sending
    assert await world.transactions.move(sending, Change(Status.SUBMITTED, 1))
    assert told(await done(world.dr, delivery_of(look))) == [("m-2", "delivered")]


@pytest.mark.mongodb
async def test_one_whose_attempt_fails_after_all_is_not_taken_for_delivered(world: World) -> None:
    at = now() - timedelta(seconds=5)
    sending = await _begun(world, "m-1", at, Status.SENDING)
    [look] = await done(world.dr, receipts(mark("read", at)))
    waiting = await world.transactions.move(sending, Change(Status.WAITING, 2))
    assert await done(world.dr, delivery_of(look)) == []
    assert await world.record() == waiting


@pytest.mark.mongodb
async def test_nobody_looks_for_ever(world: World) -> None:
    at = now() - timedelta(seconds=5)
    sending = await _begun(world, "m-1", at, Status.SENDING)
    delivery, waits = receipts(mark("delivered", at)), []
    while publications := await done(world.dr, delivery):
        waits.append(publications[0].exchange)
        delivery = delivery_of(publications[0])
    assert waits == ["imgw.wait.1s", "imgw.wait.5s", "imgw.wait.30s"]
    assert await world.record() == sending


async def _logged(world: World) -> list[tuple[str, str, str, str | None]]:
    rows = await world.database.db["dr_events"].find().sort("_id", 1).to_list(None)
    return [(row["_id"], row["provider_message_id"], row["outcome"], row["reference"]) for row in rows]


@pytest.mark.mongodb
async def test_a_watermark_is_logged_once_whatever_it_is_for(world: World) -> None:
    await _sent(world, "m-1", "m-2")
    await done(world.dr, receipts(mark("delivered"), key="i-1"))
    await done(world.dr, receipts(mark("delivered"), key="i-2"))
    await _sent(world, "m-3")
    await done(world.dr, receipts(mark("delivered"), key="i-3"))
    await done(world.dr, receipts(mark(None, provider_status="?"), key="i-4"))
    assert await _logged(world) == [
        ("acme/i-1/0", "", "applied", None),
        ("acme/i-2/0", "", "repeated", None),
        ("acme/i-3/0", "", "applied", "shop/m-3"),
        ("acme/i-4/0", "", "unknown_status", None),
    ]


@pytest.mark.mongodb
async def test_a_watermark_for_nothing_that_is_known_is_not_unmatched(world: World) -> None:
    assert await done(world.dr, receipts(mark("delivered"))) == []
    assert await world.inbound.count_unmatched() == 0


@pytest.mark.mongodb
async def test_a_watermark_beside_a_receipt_that_never_found_its_mt_can_be_replayed(world: World) -> None:
    lost = {"reference": "shop/m-2", "status": "delivered"}
    await _sent(world, "m-1")
    await done(world.dr, receipts(lost, mark("delivered"), looks=3))
    await _sent(world, "m-2")
    [row] = await world.inbound.unmatched(None, 10)
    replayed: Delivery = delivery_of(item_again(row["account"], row["body"], row["received_at"]))
    assert told(await done(world.dr, replayed)) == [("m-2", "delivered")]


@pytest.mark.mongodb
async def test_news_that_may_never_have_been_passed_on_is_passed_on_again_and_no_older_news(
    world: World,
) -> None:
    await _sent(world, "m-1")
    await done(world.dr, receipts(mark("read"), key="i-0"))
    await _sent(world, "m-2")
    delivery = receipts(mark("read", occurred_at=rfc3339(now())))
    first = await done(world.dr, delivery)
    assert seen(await done(world.dr, again(delivery))) == seen(first)
    assert told(first) == [("m-2", "delivered"), ("m-2", "read")]


@pytest.mark.mongodb
async def test_an_account_without_watermarks_keeps_nothing_for_them(world: World) -> None:
    world.provider.capabilities = CAPABILITIES
    await _sent(world, "m-1")
    assert (await world.record()).person is None
    assert await done(world.dr, receipts(mark("delivered"))) == []


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {
            "provider_message_id": "p-1",
            "watermark": {"recipient": PERSON, "until": "2026-11-22T10:00:00.000Z"},
        },
        {"reference": "shop/m-1", "watermark": {"recipient": PERSON, "until": "2026-11-22T10:00:00.000Z"}},
    ],
)
def test_a_receipt_says_in_one_way_what_it_is_for(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="needs either provider_message_id or reference"):
        DeliveryReceipt.model_validate({"status": "read", "provider_status": "read", **fields})


@pytest.mark.parametrize(
    "fields",
    [
        {"provider_message_id": "p-1"},
        {"reference": "shop/m-1"},
        {"provider_message_id": "p-1", "reference": "shop/m-1"},
        {"watermark": {"recipient": PERSON, "until": "2026-11-22T10:00:00.000Z"}},
    ],
)
def test_each_of_the_ways_to_say_what_a_receipt_is_for_is_taken(fields: dict[str, Any]) -> None:
    document = {"status": "read", "provider_status": "read", **fields}
    receipt = DeliveryReceipt.model_validate_json(json.dumps(document))
    assert receipt.model_dump(mode="json", exclude_none=True) == document
