"""Publications to devices: how long the broker keeps them, and what their properties can hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.rtm.publications import publication, seconds_left
from gateway.transports.port import MqttMessage

AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def published(trace: dict[str, Any], expires_at: datetime | None = None) -> MqttMessage:
    return publication("t", b"{}", kind="sync", expires_at=expires_at, at=AT, correlation=None, trace=trace)


@pytest.mark.parametrize(
    ("seconds", "kept"),
    [(-5, 1), (0, 1), (0.001, 1), (1, 1), (1.001, 2), (86_400, 86_400), (5e9, 4_294_967_295)],
)
def test_a_broker_keeps_it_for_whole_seconds_and_at_least_one(seconds: float, kept: int) -> None:
    assert seconds_left(AT + timedelta(seconds=seconds), AT) == kept


def test_what_does_not_expire_has_no_expiry() -> None:
    assert published({}) == MqttMessage(
        "t", b"{}", content_type="application/json", user_properties=(("type", "sync"),)
    )


@pytest.mark.parametrize("value", ["", "a\x00b", "a\nb", "é", "\ud800", "x" * 513, 1, None, True])
def test_a_trace_that_no_property_can_hold_is_left_out(value: Any) -> None:
    made = published({"traceparent": value, "tracestate": "k=v", "x-other": "y"})
    assert made.user_properties == (("type", "sync"), ("tracestate", "k=v"))
