"""MO and DR as the contract has them, and the ids and times in them."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

import pytest
from pydantic import BaseModel

from gateway.model.address import Address
from gateway.model.base import event_id, now, uuid7
from gateway.model.message import MOMessage, MTMessage
from gateway.model.receipt import DR, REASONS, permanent


def written(message: BaseModel) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(message.model_dump_json(by_alias=True))
    return found


MO: dict[str, Any] = {
    "event_id": "e" * 32,
    "mo_id": "0190a6b0-1c5e-7000-8000-0123456789ab",
    "app_id": "shop",
    "channel": "whatsapp",
    "account": "wa-shop",
    "provider": "whatsapp_cloud",
    "provider_message_id": "wamid.1",
    "from": {"kind": "msisdn", "id": "447911123456", "name": "Jane"},
    "device": "phone",
    "to": "447700900000",
    "content": {"type": "button_reply", "id": "yes", "title": "Yes"},
    "keyword": "STOP",
    "thread": None,
    "in_reply_to": "order-4711:1",
    "edited": True,
    "deleted": False,
    "sent_at": "2026-11-22T10:00:00.000Z",
    "received_at": "2026-11-22T10:00:01.000Z",
}
DELIVERY: dict[str, Any] = {
    "event_id": "e" * 32,
    "message_id": "order-4711:1",
    "app_id": "shop",
    "channel": "whatsapp",
    "account": "wa-shop",
    "provider": "whatsapp_cloud",
    "to": {"kind": "msisdn", "id": "447911123456"},
    "thread": None,
    "correlation_id": "c-1",
    "callback_data": "d-1",
    "status": "failed",
    "final": True,
    "reason": {
        "code": "recipient_unreachable",
        "kind": "permanent",
        "provider_code": "131026",
        "provider_text": "Message undeliverable",
    },
    "attempt": 2,
    "provider_message_ids": ["wamid.1"],
    "degraded": ["buttons became text"],
    "late": False,
    "device": "ann/phone",
    "occurred_at": "2026-11-22T10:00:00.000Z",
    "recorded_at": "2026-11-22T10:00:01.000Z",
}


@pytest.mark.parametrize(("model", "document"), [(MOMessage, MO), (DR, DELIVERY)])
def test_mo_and_dr_are_written_with_the_contracts_fields(
    model: type[BaseModel], document: dict[str, Any]
) -> None:
    assert written(model.model_validate_json(json.dumps(document))) == document
    assert set(document) == {field.alias or name for name, field in model.model_fields.items()}


def test_the_sender_of_an_mo_can_be_answered_as_it_is() -> None:
    sender = written(MOMessage.model_validate_json(json.dumps(MO)))["from"]
    mt = {"app_id": "shop", "channel": "whatsapp", "content": {"type": "text", "text": "hello"}}
    answer = MTMessage.model_validate({**mt, "to": {"kind": sender["kind"], "id": sender["id"]}})
    assert answer.to == Address(kind="msisdn", id="447911123456")


def test_every_reason_has_a_meaning_in_words() -> None:
    assert len(REASONS) == 32
    assert [code for code, meaning in REASONS.items() if not meaning or meaning.endswith(".")] == []
    assert permanent("no_route").kind == "permanent"


def test_ids_can_be_sorted_by_the_time_they_were_made_and_are_of_version_7() -> None:
    ids = [uuid7() for _ in range(1_000)]
    assert len(set(ids)) == 1_000
    assert [each[:13] for each in ids] == sorted(each[:13] for each in ids)
    assert {(each[14], each[19] in "89ab") for each in ids} == {("7", True)}


def test_the_same_news_has_the_same_id_and_other_news_another() -> None:
    assert event_id("shop", "m-1", "delivered") == event_id("shop", "m-1", "delivered")
    others = {event_id(*parts) for parts in (("a", "bc"), ("ab", "c"), ("abc",), ("a", "b", "c"))}
    assert len(others) == 4


def test_now_is_in_utc_and_whole_milliseconds() -> None:
    instant = now()
    assert (instant.tzinfo, instant.microsecond % 1_000) == (UTC, 0)
