"""Which trace a message belongs to: W3C Trace Context, from whoever sent it."""

from __future__ import annotations

import re
from collections.abc import Mapping

TRACE = ("traceparent", "tracestate")

# Anybody can send anything there. Trace Context allows no more, and a property of MQTT can hold it without
# some broker or client breaking the connection over it.
_PRINTABLE = re.compile(r"[\x20-\x7e]{1,512}")


def trace_in(given: Mapping[str, object]) -> dict[str, str]:
    """Those of these headers or properties that say which trace it is, where they are well-formed."""
    found = {name: given.get(name) for name in TRACE}
    return {
        name: value for name, value in found.items() if isinstance(value, str) and _PRINTABLE.fullmatch(value)
    }
