"""Session windows: how long after a person's last MO an account may send what is not an approved template.

Decided here, purely; only `in_window` asks the store, and only where an answer matters.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from gateway.errors import MessageRefused
from gateway.model.base import now
from gateway.model.content import EventContent, RawContent, ReadContent, TemplateContent, TypingContent
from gateway.store.sessions import Sessions
from handlers.contract import InboundMessage
from processors.planning import Plan

FELL_BACK = "the session window was closed: the template was sent instead"

# Nobody but its sender knows what a raw body is; the other two are not messages.
_ALWAYS = (TemplateContent, RawContent, TypingContent, ReadContent)
_OPENING_EVENTS = ("conversation_started", "opted_in", "unblocked")


async def in_window(planned: Plan, sessions: Sessions) -> Plan:
    """What may be sent now: `planned`, or its fallback. Raises MessageRefused with `outside_session_window`
    when neither may be, StoreUnavailable when nobody can tell."""
    window = window_of(planned)
    if window is None:
        return planned
    last_mo_at = await sessions.last(planned.account.account, planned.to.id)
    return within(planned, window, last_mo_at, now())


def window_of(planned: Plan) -> timedelta | None:
    """How recently the person must have written; None where that does not matter."""
    seconds = planned.handler.capabilities.session_window_seconds
    if seconds is None or planned.account.session_window == "provider":
        return None
    # What is sent in several messages is free-form throughout.
    return None if isinstance(planned.submissions[0].content, _ALWAYS) else timedelta(seconds=seconds)


def within(planned: Plan, window: timedelta, last_mo_at: datetime | None, at: datetime) -> Plan:
    """`planned` when the window is open at this time, else its fallback. Raises MessageRefused with
    `outside_session_window` when there is none, or the channel carries no templates."""
    if last_mo_at is not None and at - last_mo_at <= window:
        return planned
    if planned.fallback is None or "template" not in planned.handler.capabilities.content:
        last = "no MO of the recipient is known" if last_mo_at is None else f"the last MO is of {last_mo_at}"
        text = f"{last}; the window is {window.total_seconds() / 3_600:g} hours"
        raise MessageRefused("outside_session_window", text)
    instead = replace(planned.submissions[0], content=planned.fallback)
    return replace(planned, submissions=(instead,), degraded=(FELL_BACK,))


def session_from(message: InboundMessage, received_at: datetime) -> datetime | None:
    """From when a session window counts that this MO opens; None when it opens none: an event that is no word
    of the person's, or a message that was taken back."""
    content = message.content
    if message.deleted or (isinstance(content, EventContent) and content.name not in _OPENING_EVENTS):
        return None
    # By the provider's clock, which its own window goes by; but never later than we heard of it.
    return received_at if message.sent_at is None else min(message.sent_at, received_at)
