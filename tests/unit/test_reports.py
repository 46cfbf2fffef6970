"""The DR that follow from a record are in the form that platforms are promised."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.broker.port import Publication
from gateway.errors import FailureKind
from gateway.model.address import Address, Thread
from gateway.model.base import event_id
from gateway.model.lifecycle import Report
from gateway.model.receipt import DR, Reason, Status
from gateway.store.inbound import MORecord
from gateway.store.records import MTRecord
from processors.reports import dr_publications, mo_publication

AT = datetime(2026, 11, 25, 10, 0, 0, 7_000, tzinfo=UTC)
LATER = AT + timedelta(seconds=90)
REASON = Reason(code="recipient_gone", kind=FailureKind.PERMANENT, provider_code="131", provider_text="„weg“")


def _record(status: Status, reason: Reason | None = None, device: str | None = None) -> MTRecord:
    event = {"status": status.value, "at": LATER, "occurred_at": AT, "told": [status.value]}
    if device is not None:
        event["device"] = device
    return MTRecord(
        app_id="shop",
        message_id="m-1",
        status=status,
        accepted_at=AT,
        expires_at=LATER,
        body=b"{}",
        channel="whatsapp",
        account="wa-shop",
        provider="whatsapp_cloud",
        to=Address(kind="msisdn", id="447700900001"),
        thread=Thread(id="t", type="conversation"),
        correlation_id="c",
        callback_data="grüße",
        receipts=("delivered", "read"),
        degraded=("buttons were written out as text",),
        attempt=2,
        provider_message_ids=("wamid.1", "wamid.2"),
        reason=reason,
        events=(event,),
    )


def test_a_dr_has_every_field_that_is_known() -> None:
    (published,) = dr_publications(_record(Status.DELIVERED), [Report(Status.DELIVERED, final=True)], {})
    dr = DR.model_validate_json(published.body)

    assert dr == DR(
        event_id=dr.event_id,
        message_id="m-1",
        app_id="shop",
        channel="whatsapp",
        account="wa-shop",
        provider="whatsapp_cloud",
        to=Address(kind="msisdn", id="447700900001"),
        thread=Thread(id="t", type="conversation"),
        correlation_id="c",
        callback_data="grüße",
        status="delivered",
        final=True,
        attempt=2,
        provider_message_ids=("wamid.1", "wamid.2"),
        degraded=("buttons were written out as text",),
        occurred_at=AT,
        recorded_at=LATER,
    )
    assert (published.exchange, published.routing_key, published.message_id) == (
        "imgw.out",
        "dr.shop.delivered",
        dr.event_id,
    )


@pytest.mark.parametrize(
    ("record", "report"),
    [
        (_record(Status.DELIVERED), Report(Status.DELIVERED, final=False, late=True)),
        (_record(Status.READ, device="ann/phone"), Report(Status.READ, final=False)),
        (_record(Status.FAILED, REASON), Report(Status.FAILED, final=True)),
        (_record(Status.DELIVERED, REASON), Report(Status.DELIVERED, final=True)),
        (
            MTRecord("shop", "m", Status.REJECTED, AT, LATER, b"", reason=REASON),
            Report(Status.REJECTED, final=True),
        ),
    ],
)
def test_a_dr_is_written_as_its_model_writes_it(record: MTRecord, report: Report) -> None:
    (published,) = dr_publications(record, [report], {})
    dr = DR.model_validate_json(published.body)

    assert published.body == dr.model_dump_json(exclude_none=True).encode()
    assert (dr.reason is not None) == (report.status in (Status.FAILED, Status.REJECTED))


def test_a_dr_that_a_device_gave_cause_for_has_an_event_id_of_its_own() -> None:
    records = [_record(Status.READ, device=device) for device in (None, "ann/phone", "ann/tablet")]
    reports = [Report(Status.READ, final=False)]
    told = [DR.model_validate_json(dr_publications(record, reports, {})[0].body) for record in records]
    assert [dr.device for dr in told] == [None, "ann/phone", "ann/tablet"]
    assert [dr.event_id for dr in told] == [
        event_id("shop", "m-1", "read"),
        event_id("shop", "m-1", "read", "ann/phone"),
        event_id("shop", "m-1", "read", "ann/tablet"),
    ]


def test_an_mo_goes_to_the_stream_of_its_application() -> None:
    record = MORecord(
        account="rtm-1",
        provider_message_id="shop/ann/phone/c-1",
        app_id="shop",
        channel="rtm",
        mo_id="mo-1",
        event_id="e-1",
        body=b"{}",
        received_at=AT,
        retention_days=1,
    )
    headers = {"traceparent": "00-1", "x-account": "rtm-1"}
    published = [mo_publication(record, headers, stream) for stream in (None, "support")]
    assert published == [
        Publication("imgw.out", key, b"{}", "imgw.mo.v1", "e-1", {"traceparent": "00-1"})
        for key in ("mo.shop.rtm", "mo.shop.rtm.support")
    ]
