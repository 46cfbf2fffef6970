"""What publications to devices have in common: their properties, and for how long the broker keeps them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime

from gateway.transports.port import MqttMessage

CONTENT_TYPE = "application/json"
MAX_EXPIRY_SECONDS = 4_294_967_295  # four bytes (MQTT 5, section 3.3.2.3.3)

_TRACE = ("traceparent", "tracestate")
# What a property of MQTT can hold without some broker or client breaking the connection over it.
_PRINTABLE = re.compile(r"[\x20-\x7e]{1,512}")


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
    properties.extend(_traced(trace))
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


def _traced(headers: Mapping[str, object]) -> list[tuple[str, str]]:
    """Anybody who publishes can write anything there."""
    given = ((name, headers.get(name)) for name in _TRACE)
    return [(name, value) for name, value in given if isinstance(value, str) and _PRINTABLE.fullmatch(value)]
