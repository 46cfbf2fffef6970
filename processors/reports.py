"""The publications that tell about an MT: DR for the platform, outcomes for the DR processor, repeats for
Retry; and MO for the platform."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from gateway.broker.port import Headers, HeaderValue, Publication
from gateway.broker.topology import DR_IN, OUT, RETRY, TYPE_DR, TYPE_MO, TYPE_MT, TYPE_OUTCOME, after, lane
from gateway.model.base import event_id, now, rfc3339
from gateway.model.lifecycle import Report
from gateway.model.outcome import OutcomeEvent
from gateway.model.receipt import NEGATIVE_ENDS, Reason, Status
from gateway.store.inbound import MORecord
from gateway.store.records import MTRecord
from gateway.telemetry.tracing import TRACE

ATTEMPT = "x-attempt"
WAITS = "x-waits"
REFERENCE = "x-reference"
ORDER = "x-order"  # the same for all MT of an application to a recipient


def trace_of(headers: Headers) -> dict[str, HeaderValue]:
    """The headers that every message that follows from another one keeps."""
    return {name: headers[name] for name in TRACE if name in headers}


def dr_publications(
    record: MTRecord,
    reports: Iterable[Report],
    headers: Headers,
) -> list[Publication]:
    """The DR for these reports: the final one always, others as the message or its application asked for."""
    return [
        _dr_publication(record, report, headers)
        for report in reports
        if report.final or report.late or report.status.value in record.receipts
    ]


def repeated_reports(record: MTRecord, statuses: Iterable[Status]) -> list[Report]:
    """The reports for statuses that were told before, as they were told."""
    late = record.ended_as in NEGATIVE_ENDS
    return [
        Report(
            status,
            final=record.ended_as is status,
            late=late and status in (Status.DELIVERED, Status.READ),
        )
        for status in statuses
    ]


def outcome_publication(
    record: MTRecord, status: Status, reason: Reason, attempt: int, headers: Headers
) -> Publication:
    """An end of the gateway's own making, for the DR processor."""
    event = OutcomeEvent.model_validate(
        {
            "app_id": record.app_id,
            "message_id": record.message_id,
            "status": status.value,
            "reason": reason,
            "attempt": attempt,
            "occurred_at": now(),
        }
    )
    body = event.model_dump_json(exclude_none=True).encode()
    return Publication("", DR_IN, body, TYPE_OUTCOME, record.message_id, trace_of(headers))


def repeat_publication(
    record: MTRecord, seconds: int, *, attempt: int, waits: int, headers: Headers
) -> Publication:
    """The MT on its way to the Retry processor, through the wait tier of `seconds`."""
    return after(seconds, RETRY, _repeat(record, RETRY, attempt, waits, headers))


def revival_publication(record: MTRecord) -> Publication:
    """The MT on its way to the Retry processor at once, whatever has become of its repeat."""
    return _repeat(record, RETRY, record.attempt, 0, {})


def lane_publication(record: MTRecord, *, attempt: int, waits: int, headers: Headers) -> Publication:
    """The MT on its way to the lane of its account, to be sent as soon as the account can."""
    return _repeat(record, lane(record.account or ""), attempt, waits, headers)


def mo_publication(record: MORecord, headers: Headers, stream: str | None = None) -> Publication:
    """The MO as it was logged, for its application, or for the service that the stream names."""
    key = f"mo.{record.app_id}.{record.channel}"
    return Publication(
        OUT,
        key if stream is None else f"{key}.{stream}",
        record.body,
        TYPE_MO,
        record.event_id,
        trace_of(headers),
    )


def _repeat(record: MTRecord, queue: str, attempt: int, waits: int, headers: Headers) -> Publication:
    kept = {
        **trace_of(headers),
        REFERENCE: record.reference,
        ATTEMPT: attempt,
        WAITS: waits,
        ORDER: event_id(record.app_id, record.to.id if record.to else ""),
    }
    return Publication("", queue, record.body, TYPE_MT, record.message_id, kept)


def _dr_publication(record: MTRecord, report: Report, headers: Headers) -> Publication:
    event = record.told.get(report.status, {"at": record.accepted_at})
    happened_at = event.get("occurred_at", event["at"])
    device = event.get("device")
    whose = (record.app_id, record.message_id, report.status.value)
    told_as = event_id(*whose) if device is None else event_id(*whose, device)
    # The fields of gateway.model.receipt.DR, in their order. From our own record there is nothing to
    # validate, and the model would take several times as long.
    dr = {
        "event_id": told_as,
        "message_id": record.message_id,
        "app_id": record.app_id,
        "channel": record.channel,
        "account": record.account,
        "provider": record.provider,
        "to": record.to and {"kind": record.to.kind, "id": record.to.id},
        "thread": record.thread and record.thread.model_dump(exclude_none=True),
        "correlation_id": record.correlation_id,
        "callback_data": record.callback_data,
        "status": report.status.value,
        "final": report.final,
        "reason": record.reason.model_dump(mode="json", exclude_none=True)
        if record.reason and report.status in NEGATIVE_ENDS
        else None,
        "attempt": record.attempt,
        "provider_message_ids": record.provider_message_ids,
        "degraded": record.degraded,
        "late": report.late,
        "device": device,
        "occurred_at": rfc3339(happened_at),
        "recorded_at": rfc3339(event["at"]),
    }
    return Publication(
        OUT,
        f"dr.{record.app_id}.{report.status.value}",
        orjson.dumps({name: value for name, value in dr.items() if value is not None}),
        TYPE_DR,
        told_as,
        trace_of(headers),
    )
