"""The second look of a wake-up: at devices that counted as connected when the MT came. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.broker.port import Headers, Publication
from gateway.broker.topology import RTM_WAKE, after
from gateway.rtm.items import WakeUp, wake_publication
from processors.reports import trace_of

# A wait tier. By then a client that is connected has told of what it got.
_SECONDS = 30
# That makes five minutes: who stops the processor of receipts for longer does so knowingly.
_MOST_PUT_OFF = 10
_PUT_OFF = "x-put-off"


def second_look(wake: WakeUp, devices: Sequence[str], headers: Headers) -> Publication:
    """The look at these devices, which are named as in WakeUp."""
    look = WakeUp(app_id=wake.app_id, message_id=wake.message_id, devices=tuple(devices), doubted=True)
    return after(_SECONDS, RTM_WAKE, wake_publication(look, trace_of(headers)))


def put_off(look: WakeUp, headers: Headers) -> Publication | None:
    """The same look once more, later; None when it has been put off often enough."""
    before = headers.get(_PUT_OFF, 0)
    times = before if isinstance(before, int) else 0
    if times >= _MOST_PUT_OFF:
        return None
    return after(_SECONDS, RTM_WAKE, wake_publication(look, {**trace_of(headers), _PUT_OFF: times + 1}))
