"""The DR that follow from a record are in the form that platforms are promised."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.errors import FailureKind
from gateway.model.address import Address, Thread
from gateway.model.lifecycle import Report
from gateway.model.receipt import DR, Reason, Status
from gateway.store.records import MTRecord
from processors.reports import dr_publications

AT = datetime(2026, 11, 25, 10, 0, 0, 7_000, tzinfo=UTC)
LATER = AT + timedelta(seconds=90)
REASON = Reason(code="recipient_gone", kind=FailureKind.PERMANENT, provider_code="131", provider_text="„weg“")


def _record(status: Status, reason: Reason | None = None) -> MTRecord:
    event = {"status": status.value, "at": LATER, "occurred_at": AT, "told": [status.value]}
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
        receipts=("delivered",),
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
