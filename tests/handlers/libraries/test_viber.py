"""Viber's own Python library as the other side: it reads what we send, and signs what we believe."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import orjson
import pytest
from viberbot.api.api import Api  # type: ignore[import-untyped]
from viberbot.api.bot_configuration import BotConfiguration  # type: ignore[import-untyped]
from viberbot.api.messages import get_message  # type: ignore[import-untyped]

from gateway.errors import CallbackRefused
from tests.handlers.cases.viber import TABLE
from tests.handlers.cases.viber_accounts import TOKEN
from tests.handlers.fake_http import FakeHttp
from tests.handlers.rows import CallbackRow, SendRow
from tests.handlers.tables import build

API = Api(BotConfiguration(auth_token=TOKEN, name="Shop", avatar=""))
TAKEN = [row for row in TABLE.sends if row.ids]
TOLD = [row for row in TABLE.callbacks if row.kinds or row.refused is None]
UNKNOWN_TO_IT = ("a kind that is not known", "something new", "a contact without a name")
KNOWN = [row for row in TOLD if row.kinds and row.name not in UNKNOWN_TO_IT]
ENVELOPE = ("receiver", "sender")  # what the library adds to a message when it sends it


def named(row: SendRow | CallbackRow) -> str:
    return row.name


def without_gaps(document: Any) -> Any:
    """The library writes null for what is not there."""
    if not isinstance(document, dict):
        return document
    return {name: without_gaps(value) for name, value in document.items() if value is not None}


@pytest.mark.parametrize("row", TAKEN, ids=named)
def test_what_is_sent_is_a_complete_message_to_the_library(row: SendRow) -> None:
    http = FakeHttp(*row.answers)
    asyncio.run(build(TABLE, row.account).send(row.submission, http.transports))
    body: dict[str, Any] = orjson.loads(http.requests[-1].body)
    message = get_message(body)
    assert message.validate()
    assert without_gaps(message.to_dict()) == {
        name: value for name, value in body.items() if name not in ENVELOPE
    }


@pytest.mark.parametrize("row", TOLD, ids=named)
def test_what_the_library_signs_is_believed(row: CallbackRow) -> None:
    signature = API._calculate_message_signature(row.request.body)
    request = replace(row.request, headers={"x-viber-content-signature": signature})
    build(TABLE).verify(request)
    assert API.verify_signature(request.body, signature)
    with pytest.raises(CallbackRefused):
        build(TABLE).verify(replace(request, body=request.body + b" "))


@pytest.mark.parametrize("row", KNOWN, ids=named)
def test_a_callback_is_to_the_library_what_it_is_to_us(row: CallbackRow) -> None:
    theirs, handler = API.parse_request(row.request.body), build(TABLE)
    (item,) = handler.split(row.request)
    for receipt in handler.parse_dr(item):
        assert (receipt.provider_status, receipt.provider_message_id) == (
            theirs.event_type,
            str(theirs.message_token),
        )
    for message in handler.parse_mo(item):
        person = getattr(theirs, "sender", None) or getattr(theirs, "user", None)
        assert message.sender.id == (person.id if person else theirs.user_id)
