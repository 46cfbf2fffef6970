"""What publications to devices have in common: their properties, and for how long the broker keeps them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta

from gateway.telemetry.tracing import trace_in
from gateway.transports.port import MqttMessage

CONTENT_TYPE = "application/json"
# What only passes (PASSING) is worth nothing any more to who has not been there for so long.
PASSING_LASTS = timedelta(seconds=30)
MAX_EXPIRY_SECONDS = 4_294_967_295  # four bytes (MQTT 5, section 3.3.2.3.3)


def publication(
    topic: str,
    payload: bytes,
    *,
    kind: str,
    expires_at: datetime | None,
    at: datetime,
    correlation: bytes | None,
    trace: Mapping[str, object],
    message_id: str | None = None,
) -> MqttMessage:
    """A publication to devices. Its user properties are the `type` of its payload, the id of the MT it is,
    and those headers of `trace` that say which trace it belongs to."""
    properties = [("type", kind)]
    if message_id is not None:
        properties.append(("message_id", message_id))
    properties.extend(trace_in(trace).items())
    return MqttMessage(
        topic=topic,
        payload=payload,
        expiry_seconds=None if expires_at is None else seconds_left(expires_at, at),
        content_type=CONTENT_TYPE,
        correlation_data=correlation,
        user_properties=tuple(properties),
    )


def seconds_left(expires_at: datetime, at: datetime) -> int:
    """How long the broker is to keep it: whole seconds, at least one, since brokers take 0 for no time at
    all or for ever."""
    return min(max(1, math.ceil((expires_at - at).total_seconds())), MAX_EXPIRY_SECONDS)
