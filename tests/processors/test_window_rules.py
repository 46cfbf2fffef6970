"""The rules of session windows: what needs one, how long it is open, and what opens it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from gateway.errors import MessageRefused
from gateway.model.account import ProviderAccount
from gateway.model.message import MTMessage
from handlers.contract import Capabilities, InboundMessage
from handlers.shared.splitting import Limit
from processors.planning import Plan, plan
from processors.window import FELL_BACK, session_from, window_of, within
from tests.processors.fakes import (
    ACCOUNT,
    Provider,
    catalogue_of,
    mt,
)
from tests.processors.window_world import AT, DAY, FALLBACK, PERSON, TEMPLATE, WINDOWED

CONTENTS: dict[str, dict[str, Any]] = {
    "text": {"text": "hello"},
    "image": {"url": "https://shop.example/tea.png"},
    "location": {"latitude": 1, "longitude": 2},
    "contact": {"name": "Ann", "phones": ["+447700900002"]},
    "list": {"text": "Tea?", "button": "Choose", "sections": [{"rows": [{"id": "1", "title": "Green"}]}]},
    "reaction": {"to": "in-1", "emoji": "x"},
    "template": {"name": "hello_again", "language": "en"},
    "typing": {},
    "read": {"of": "in-1"},
    "raw": {"payload": {"any": "thing"}},
}
FREE_FORM = ("text", "image", "location", "contact", "list", "reaction")


def planned(
    content: dict[str, Any] | None = None,
    *,
    capabilities: Capabilities = WINDOWED,
    account: ProviderAccount = ACCOUNT,
    **fields: Any,
) -> Plan:
    message = MTMessage.model_validate_json(mt(**fields).body)
    if content is not None:
        message = MTMessage.model_validate({**message.model_dump(by_alias=True), "content": content})
    return plan(message, "m-1", catalogue_of(Provider(capabilities), account=account), expires_at=AT)


@pytest.mark.parametrize("kind", CONTENTS)
def test_only_free_form_content_needs_the_window(kind: str) -> None:
    needed = window_of(planned({"type": kind, **CONTENTS[kind]}))
    assert needed == (DAY if kind in FREE_FORM else None)


def test_an_account_without_a_window_or_that_leaves_it_to_its_provider_needs_none() -> None:
    without = Capabilities(content={"text": Limit(100)}, receipts=True)
    left = ACCOUNT.model_copy(update={"session_window": "provider"})
    assert window_of(planned(capabilities=without)) is None
    assert window_of(planned(account=left)) is None


def test_the_window_is_open_up_to_its_last_moment() -> None:
    text = planned()
    assert within(text, DAY, AT - DAY, AT) == text
    with pytest.raises(MessageRefused) as refused:
        within(text, DAY, AT - DAY - timedelta(milliseconds=1), AT)
    assert refused.value.code == "outside_session_window"
    assert (
        refused.value.detail == "the last MO is of 2026-11-21 09:59:59.999000+00:00; the window is 24 hours"
    )


def test_for_who_never_wrote_the_window_is_closed() -> None:
    with pytest.raises(MessageRefused) as refused:
        within(planned(), DAY, None, AT)
    assert refused.value.detail == "no MO of the recipient is known; the window is 24 hours"


def test_the_fallback_goes_in_one_message_whatever_was_to_be_sent_and_says_so() -> None:
    long = planned({"type": "text", "text": "tea " * 60}, window_fallback=TEMPLATE)
    instead = within(long, DAY, None, AT)
    assert (len(long.submissions), instead.degraded) == (3, (FELL_BACK,))
    [submission] = instead.submissions
    assert (submission.content, submission.key) == (FALLBACK, "shop/m-1")


def inbound(content: dict[str, Any] | None = None, **fields: Any) -> InboundMessage:
    return InboundMessage.model_validate(
        {
            "provider_message_id": "in-1",
            "sender": {"kind": "msisdn", "id": PERSON},
            "content": content or {"type": "text", "text": "hi"},
            **fields,
        }
    )


@pytest.mark.parametrize(
    ("name", "opens"),
    [
        ("conversation_started", True),
        ("opted_in", True),
        ("unblocked", True),
        ("opted_out", False),
        ("blocked", False),
        ("referral", False),
        ("number_changed", False),
        ("typing", False),
        ("message_deleted", False),
        ("device_registered", False),
    ],
)
def test_of_events_only_those_open_a_window_by_which_the_person_opens_the_conversation(
    name: str, opens: bool
) -> None:
    assert session_from(inbound({"type": "event", "name": name}), AT) == (AT if opens else None)


def test_a_window_counts_from_when_the_person_wrote_but_never_from_the_future() -> None:
    second = timedelta(seconds=1)
    assert session_from(inbound(sent_at=AT - second), AT) == AT - second
    assert session_from(inbound(sent_at=AT + second), AT) == AT
    assert session_from(inbound(), AT) == AT


def test_a_message_that_was_taken_back_opens_no_window() -> None:
    assert session_from(inbound(deleted=True), AT) is None
