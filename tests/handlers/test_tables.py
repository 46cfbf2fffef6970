"""Every row of every provider's table: what is sent exactly so, and what comes back is read exactly so."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gateway.errors import CallbackRefused, MessageRefused, ProviderError
from gateway.model.callback import CallbackItem
from handlers.contract import Handler, Submitted
from tests.handlers.fake_http import FakeHttp
from tests.handlers.rows import CallbackRow, Failed, ItemRow, SendRow, Table, seen, seen_published
from tests.handlers.tables import TABLES, build, playing

SENDS = [
    pytest.param(table, row, id=f"{table.provider}: {row.name}") for table in TABLES for row in table.sends
]
CALLBACKS = [
    pytest.param(table, row, id=f"{table.provider}: {row.name}")
    for table in TABLES
    for row in table.callbacks
]
ITEMS = [
    pytest.param(table, row, id=f"{table.provider}: {row.name}") for table in TABLES for row in table.items
]


@pytest.mark.parametrize(("table", "row"), SENDS)
async def test_a_message_becomes_exactly_these_requests_and_this_result(table: Table, row: SendRow) -> None:
    http = playing(table, *row.answers)
    result = await _outcome(build(table, row.account), row, http)
    assert [(table.read or seen)(request) for request in http.requests] == list(row.requests)
    read_published = table.read_published or seen_published
    assert [read_published(message) for message in http.mqtt.published] == list(row.published)
    assert not http.unused
    if row.ids:
        assert result == Submitted(row.ids, receipts_follow=row.receipts_follow)
    else:
        assert result == (row.failed or row.refused)


@pytest.mark.parametrize(("table", "row"), CALLBACKS)
def test_a_callback_becomes_exactly_these_messages_and_receipts(table: Table, row: CallbackRow) -> None:
    handler = build(table, row.account)
    if row.refused is not None:
        with pytest.raises(CallbackRefused) as refusal:
            _split(handler, row)
        assert refusal.value.status == row.refused
        return
    items = _split(handler, row)
    assert tuple(item.kind for item in items) == row.kinds
    assert tuple(message for item in items for message in handler.parse_mo(item)) == row.messages
    assert tuple(receipt for item in items for receipt in handler.parse_dr(item)) == row.receipts
    assert handler.reply(row.request) == row.reply


@pytest.mark.parametrize(("table", "row"), ITEMS)
def test_an_item_becomes_exactly_these_messages_and_receipts(table: Table, row: ItemRow) -> None:
    handler = build(table, row.account)
    if row.unreadable is not None:
        with pytest.raises(ValueError, match=row.unreadable):
            (handler.parse_mo if row.item.kind == "mo" else handler.parse_dr)(row.item)
        return
    assert tuple(handler.parse_mo(row.item)) == row.messages
    assert tuple(handler.parse_dr(row.item)) == row.receipts


def _split(handler: Handler, row: CallbackRow) -> Sequence[CallbackItem]:
    handler.verify(row.request)
    return handler.split(row.request)


async def _outcome(handler: Handler, row: SendRow, http: FakeHttp) -> Submitted | Failed | str:
    try:
        return await handler.send(row.submission, http.transports)
    except ProviderError as error:
        return Failed(error.kind, error.reason, error.code, error.retry_after_seconds)
    except MessageRefused as refusal:
        return refusal.code
