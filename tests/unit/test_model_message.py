"""The MT, field by field as the contract has it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from gateway.model.address import Address, on_channel
from gateway.model.base import rfc3339
from gateway.model.message import MTMessage

SECRET = "what-nobody-may-see"
MT: dict[str, Any] = {
    "app_id": "shop",
    "channel": "whatsapp",
    "to": "+447911123456",
    "content": {"type": "text", "text": "hello"},
}
WHOLE_MT: dict[str, Any] = {
    "message_id": "order-4711:1",
    "app_id": "shop",
    "channel": "whatsapp",
    "account": "wa-shop",
    "to": {"kind": "msisdn", "id": "+447911123456"},
    "from": "447700900000",
    "content": {"type": "text", "text": "hello", "preview_url": True, "buttons": []},
    "window_fallback": {
        "type": "template",
        "name": "order",
        "language": "en",
        "parameters": {"header": [], "body": ["4711"], "buttons": []},
    },
    "thread": {"id": "t-1", "type": "conversation", "title": "Order"},
    "notification": {"title": "Order", "text": "It is on its way"},
    "in_reply_to": "wamid.1",
    "expires_at": "2026-11-22T10:00:00.000Z",
    "validity_seconds": None,
    "priority": "high",
    "attributes": {"brand": "acme"},
    "correlation_id": "c-1",
    "callback_data": "d-1",
    "receipts": ["accepted", "delivered"],
    "degrade": "never",
    "duplicates": "avoid",
}


def read(**changes: Any) -> MTMessage:
    """The MT that the contract's JSON stands for; None takes a field away."""
    fields = {name: value for name, value in {**MT, **changes}.items() if value is not None}
    return MTMessage.model_validate_json(json.dumps(fields), by_alias=True, by_name=False)


def refused(**changes: Any) -> list[str]:
    """The fields that are wrong. Checks that nothing that was sent is in the error."""
    with pytest.raises(ValidationError) as caught:
        read(**changes)
    said = f"{caught.value} {caught.value!r}"
    said += json.dumps(caught.value.errors(include_input=False, include_url=False, include_context=False))
    assert SECRET not in said
    return sorted({str(detail["loc"][0]) if detail["loc"] else "" for detail in caught.value.errors()})


def written(message: BaseModel) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(message.model_dump_json(by_alias=True))
    return found


def test_the_least_an_mt_needs_brings_the_defaults_of_the_contract() -> None:
    mt = read()
    assert (mt.priority, mt.degrade, mt.attributes) == ("normal", "allow", {})
    required = {"app_id", "channel", "to", "content", "priority", "degrade", "attributes"}
    unset = MTMessage.model_fields.keys() - required
    assert [name for name in unset if getattr(mt, name) is not None] == []


def test_a_whole_mt_is_written_as_it_was_read() -> None:
    mt = MTMessage.model_validate_json(json.dumps(WHOLE_MT), by_alias=True, by_name=False)
    assert written(mt) == WHOLE_MT
    assert set(WHOLE_MT) == {field.alias or name for name, field in MTMessage.model_fields.items()}


@pytest.mark.parametrize("field", ["app_id", "to", "content"])
def test_a_field_that_is_needed_is_missed_by_name(field: str) -> None:
    assert refused(**{field: None}) == [field]


def test_channel_or_account_is_needed() -> None:
    assert refused(channel=None) == [""]
    assert read(channel=None, account="wa-shop").channel is None


@pytest.mark.parametrize("field", ["validity_second", "From", "sender", SECRET[:4], "type"])
def test_an_unknown_field_is_refused_by_name(field: str) -> None:
    assert refused(**{field: SECRET}) == [field]


@pytest.mark.parametrize(
    ("field", "inner"),
    [
        ("content", {"type": "text", "text": "a", "txet": SECRET}),
        ("to", {"kind": "msisdn", "id": "1", "nmae": SECRET}),
        ("thread", {"id": "t", "type": "conversation", "titel": SECRET}),
        ("window_fallback", {"type": "template", "name": "a", "language": "en", "x": SECRET}),
    ],
)
def test_an_unknown_field_deeper_down_is_refused_as_well(field: str, inner: dict[str, Any]) -> None:
    assert refused(**{field: inner}) == [field]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("message_id", "a"),
        ("message_id", "A-z0.9_:" + "x" * 56),
        ("app_id", "shop-2.eu_west"),
        ("to", "x" * 2_048),
        ("from", "x" * 128),
        ("in_reply_to", "x" * 1_024),
        ("validity_seconds", 1),
        ("validity_seconds", 2_592_000),
        ("attributes", {f"a{n}": "x" * 256 for n in range(16)}),
        ("correlation_id", "x" * 128),
        ("callback_data", "x" * 2_048),
        ("receipts", []),
        ("receipts", ["accepted", "submitted", "delivered", "read", "failed", "expired", "rejected"]),
        ("thread", {"id": "t", "type": "announcement"}),
    ],
)
def test_what_the_contract_just_allows_is_taken(field: str, value: Any) -> None:
    assert written(read(**{field: value}))[field] is not None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("message_id", ""),
        ("message_id", "x" * 65),
        ("message_id", f"{SECRET} with spaces"),
        ("message_id", "ends\n"),
        ("message_id", 5),
        ("app_id", "Shop"),
        ("app_id", "x" * 65),
        ("channel", "What'sApp"),
        ("account", "../wa"),
        ("to", ""),
        ("to", "   "),
        ("to", "x" * 2_049),
        ("to", {"kind": SECRET, "id": "1"}),
        ("to", {"kind": "msisdn"}),
        ("to", [SECRET]),
        ("from", "x" * 129),
        ("validity_seconds", 0),
        ("validity_seconds", 2_592_001),
        ("validity_seconds", 1.5),
        ("expires_at", SECRET),
        ("expires_at", "2026-11-22T10:00:00"),
        ("expires_at", "9999-12-31T23:59:59-23:00"),
        ("expires_at", "0001-01-01T00:00:00+23:00"),
        ("priority", SECRET),
        ("attributes", {f"a{n}": "x" for n in range(17)}),
        ("attributes", {"a": "x" * 257}),
        ("attributes", {"a": 1}),
        ("correlation_id", "x" * 129),
        ("callback_data", "x" * 2_049),
        ("receipts", ["delivered", SECRET]),
        ("receipts", ["sending"]),
        ("receipts", "delivered"),
        ("degrade", "maybe"),
        ("duplicates", SECRET),
        ("thread", {"id": "", "type": "conversation"}),
        ("thread", {"id": "t", "type": SECRET}),
        ("window_fallback", {"type": "text", "text": SECRET}),
        ("content", {"type": SECRET}),
        ("content", {"type": [SECRET]}),
        ("content", {"text": SECRET}),
        ("content", SECRET),
    ],
)
def test_what_the_contract_does_not_allow_is_refused_by_name_and_never_shown(field: str, value: Any) -> None:
    assert refused(**{field: value}) == [field]


def test_two_ways_to_say_the_same_time_are_refused() -> None:
    assert refused(validity_seconds=60, expires_at="2026-11-22T10:00:00Z") == [""]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"text"', b"null", b"\xff", b"[" * 10_000, b'{"app_id": "' + SECRET.encode()],
)
def test_what_is_no_mt_at_all_is_a_validation_error_without_its_content(body: bytes) -> None:
    with pytest.raises(ValidationError) as caught:
        MTMessage.model_validate_json(body)
    assert SECRET not in str(caught.value)


def test_the_time_until_which_it_is_worth_delivering() -> None:
    accepted = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
    assert read().due_at(accepted, 3_600) == accepted + timedelta(hours=1)
    assert read(validity_seconds=60).due_at(accepted, 3_600) == accepted + timedelta(minutes=1)
    given = read(expires_at="2026-11-22T12:00:00+02:00")
    assert given.due_at(accepted, 3_600) == datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def test_times_are_kept_in_utc_and_milliseconds() -> None:
    mt = read(expires_at="2026-11-22T12:00:00.123999+02:00")
    assert mt.expires_at == datetime(2026, 11, 22, 10, 0, 0, 123_000, tzinfo=UTC)
    assert written(mt)["expires_at"] == "2026-11-22T10:00:00.123Z"


@pytest.mark.parametrize(
    ("channel", "kind"),
    [
        ("whatsapp", "msisdn"),
        ("sms", "msisdn"),
        ("messenger", "psid"),
        ("telegram", "chat_id"),
        ("wechat", "openid"),
        ("mobile_push", "device_token"),
        ("custom", "user_id"),
    ],
)
def test_a_plain_recipient_takes_the_channels_usual_kind(channel: str, kind: str) -> None:
    assert on_channel("x", channel) == Address.model_validate({"kind": kind, "id": "x"})
    whole = Address(kind="email", id="a@example.com")
    assert on_channel(whole, channel) is whole


ADDRESSES = st.text("0123456789+", min_size=1, max_size=20) | st.fixed_dictionaries(
    {"kind": st.sampled_from(["msisdn", "psid"]), "id": st.text("0123456789", min_size=1, max_size=9)}
)
SHORT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
MTS = st.fixed_dictionaries(
    {
        "app_id": st.from_regex(r"[a-z0-9][a-z0-9._-]{0,63}", fullmatch=True),
        "channel": st.sampled_from(["whatsapp", "sms"]),
        "to": ADDRESSES,
        "content": st.builds(lambda text: {"type": "text", "text": text}, SHORT),
    },
    optional={
        "message_id": st.from_regex(r"[A-Za-z0-9._:-]{1,64}", fullmatch=True),
        "from": SHORT,
        "expires_at": st.datetimes(timezones=st.just(UTC)).map(rfc3339),
        "attributes": st.dictionaries(SHORT, SHORT, max_size=16),
        "correlation_id": SHORT,
        "receipts": st.lists(st.sampled_from(["submitted", "read"])),
    },
)


@given(MTS)
def test_any_mt_survives_being_written_and_read(fields: dict[str, Any]) -> None:
    mt = MTMessage.model_validate_json(json.dumps(fields))
    assert MTMessage.model_validate_json(mt.model_dump_json(by_alias=True)) == mt
    assert MTMessage.model_validate_json(mt.model_dump_json(by_alias=True, exclude_none=True)) == mt
