"""Whatever comes in, a handler reads it or refuses it: no other exception, for any bytes and any JSON."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import math
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import CallbackRefused, ProviderError
from gateway.model.callback import CallbackItem, CallbackRequest, ItemKind
from gateway.transports.port import HttpResponse
from handlers.contract import Handler
from tests.handlers.fake_http import FakeHttp
from tests.handlers.rows import Table
from tests.handlers.tables import OVER_HTTP, TABLES, build

EVERY = pytest.mark.parametrize("table", TABLES, ids=[table.provider for table in TABLES])
EVERY_OVER_HTTP = pytest.mark.parametrize("table", OVER_HTTP, ids=[table.provider for table in OVER_HTTP])
SEARCH = settings(
    max_examples=200, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
KINDS: tuple[ItemKind, ...] = ("mo", "dr", "event")

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**63, 2**70, -(2**70), 10**400, 1e300, 253402300800])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(["", "nan", "inf", "1e400", "-1", "0001-01-01T00:00:00+23:00", "99999999999999999"])
)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
DATES = st.from_regex(r"\d{1,12} Jan \d{1,12} \d{1,9}:\d{1,12} -?\d{1,12}", fullmatch=True)
WAITS = st.sampled_from(["", "x", "nan", "-5", "1e999", "inf", "-inf"]) | st.text() | DATES
DEEP = st.integers(100, 1_200).map(lambda depth: b"[" * depth + b"]" * depth)


@st.composite
def garbled(draw: st.DrawFn, original: Any) -> bytes:
    """A real document with one or two places replaced or removed."""
    document = copy.deepcopy(original)
    for _ in range(draw(st.integers(1, 2))):
        places = [[], *_places(document)]
        place = draw(st.sampled_from(places))
        if not place:
            continue
        holder = document
        for step in place[:-1]:
            holder = holder[step]
        if draw(st.booleans()):
            holder[place[-1]] = draw(DOCUMENTS)
        else:
            del holder[place[-1]]
    return json.dumps(document).encode()


def bodies(originals: list[Any]) -> st.SearchStrategy[bytes]:
    real = st.sampled_from(originals).flatmap(garbled)
    return st.one_of(real, real, st.binary(), DEEP, DOCUMENTS.map(lambda value: json.dumps(value).encode()))


def _places(document: Any, above: tuple[Any, ...] = ()) -> Iterator[list[Any]]:
    steps: Iterator[tuple[Any, Any]] = iter(())
    if isinstance(document, dict):
        steps = iter(list(document.items()))
    elif isinstance(document, list):
        steps = iter(list(enumerate(document)))
    for step, value in steps:
        yield [*above, step]
        yield from _places(value, (*above, step))


def _read(handler: Handler, item: CallbackItem) -> None:
    for parse in (handler.parse_mo, handler.parse_dr):
        try:
            parse(item)
        except ValueError:
            continue


@EVERY_OVER_HTTP
@SEARCH
@given(data=st.data())
def test_a_proved_callback_is_split_and_read_or_refused(table: Table, data: st.DataObject) -> None:
    rows = [row for row in table.callbacks if row.kinds and row.account == "main"]
    handler = build(table)
    request = table.prove(data.draw(bodies(_documents(row.request.body for row in rows))))
    handler.verify(request)
    try:
        items = handler.split(request)
    except CallbackRefused as refusal:
        if refusal.status != 400:
            raise
        return
    handler.reply(request)
    for item in items:
        _read(handler, item)


@EVERY
@SEARCH
@given(data=st.data())
def test_a_queued_item_is_read_or_refused(table: Table, data: st.DataObject) -> None:
    handlers = [build(table, account) for account in table.accounts]
    body = data.draw(bodies(_documents(_item_bodies(table))))
    for handler in handlers:
        _read(handler, CallbackItem(data.draw(st.sampled_from(KINDS)), body))


@EVERY
@SEARCH
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "HEAD", ""]),
    query=st.dictionaries(st.sampled_from(["hub.mode", "hub.verify_token", "x"]), st.text(st.characters())),
    value=st.text(st.characters()),
    body=st.binary(),
)
def test_an_unproved_callback_is_refused(
    table: Table, method: str, query: dict[str, str], value: str, body: bytes
) -> None:
    bare = CallbackRequest(method, "https://gw.example/callbacks/x", query, {"content-type": value}, body)
    request = table.proved(bare, value)
    for account in table.accounts:
        with pytest.raises(CallbackRefused) as refusal:
            build(table, account).verify(request)
        assert refusal.value.status == 403


@EVERY_OVER_HTTP
@SEARCH
@given(data=st.data(), status=st.sampled_from([200, 201, 204, 302, 400, 404, 429, 500]))
def test_any_answer_of_the_provider_is_a_result_or_a_provider_error(
    table: Table, data: st.DataObject, status: int
) -> None:
    rows = [row for row in table.sends if row.answers]
    row = data.draw(st.sampled_from(rows))
    originals = [a.json() for row in rows for a in row.answers if isinstance(a, HttpResponse) and a.body]
    body, header = data.draw(bodies(originals)), data.draw(WAITS)
    response = HttpResponse(status, {"retry-after": header}, body)
    answers = (*table.before, response) * 2
    try:
        submitted = asyncio.run(
            build(table, row.account).send(row.submission, FakeHttp(*answers, response).transports)
        )
    except ProviderError as error:
        if error.retry_after_seconds is not None and not 0 <= error.retry_after_seconds < math.inf:
            raise AssertionError("no such wait") from error
        return
    assert submitted.provider_message_ids
    assert all(submitted.provider_message_ids)


def _item_bodies(table: Table) -> list[bytes]:
    rows = [row for row in table.callbacks if row.kinds]
    split = [item.body for row in rows for item in build(table, row.account).split(row.request)]
    return [*split, *(row.item.body for row in table.items)]


def _documents(originals: Iterable[bytes]) -> list[Any]:
    """Those of them that are JSON."""
    found = []
    for body in originals:
        with contextlib.suppress(ValueError):
            found.append(json.loads(body))
    return found
