"""What holds for every provider, whatever its table says: failures, forgeries, secrets, settings, claims."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from gateway.errors import CallbackRefused, FailureKind, MessageRefused, ProviderError
from gateway.model.callback import CallbackItem
from gateway.model.content import MediaContent, TextContent
from gateway.transports.port import HttpResponse
from handlers.contract import Handler
from tests.handlers.fake_http import Answer
from tests.handlers.rows import REFERENCE, CallbackRow, ItemRow, SendRow, Table
from tests.handlers.tables import OVER_HTTP, REGISTRY, TABLES, build, playing

EVERY = pytest.mark.parametrize("table", TABLES, ids=[table.provider for table in TABLES])
EVERY_OVER_HTTP = pytest.mark.parametrize("table", OVER_HTTP, ids=[table.provider for table in OVER_HTTP])
SIGNED = [table for table in OVER_HTTP if table.proof_covers_body]


def first_text(table: Table) -> SendRow:
    return next(row for row in table.sends if row.content["type"] == "text" and row.ids)


def posts(table: Table) -> list[CallbackRow]:
    """The rows with something in them, of the account that `table.prove` proves for."""
    return [row for row in table.callbacks if row.kinds and row.account == "main"]


def outcome(table: Table, row: SendRow, *answers: Answer) -> Exception | None:
    """What is raised when the provider answers so, also to a second try with a fresh token."""
    http = playing(table, *(table.before + answers) * 2)
    try:
        asyncio.run(build(table, row.account).send(row.submission, http.transports))
    except (ProviderError, MessageRefused) as error:
        return error
    return None


@EVERY_OVER_HTTP
@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (429, FailureKind.THROTTLED, "rate_limited"),
        (401, FailureKind.AUTH, "account_credentials"),
        (503, FailureKind.TRANSIENT, "provider_unavailable"),
        (500, FailureKind.UNCERTAIN, "provider_error"),
        (502, FailureKind.UNCERTAIN, "provider_error"),
    ],
)
def test_an_http_status_without_a_word_means_the_same_everywhere(
    table: Table, status: int, kind: FailureKind, reason: str
) -> None:
    for body in (b"", b"<html>gone</html>", b"{}", b"[]", b"null"):
        error = outcome(table, first_text(table), HttpResponse(status, {"retry-after": "4"}, body))
        assert isinstance(error, ProviderError)
        assert (error.kind, error.reason, error.retry_after_seconds) == (kind, reason, 4.0)


@EVERY_OVER_HTTP
@pytest.mark.parametrize("body", [b"", b"<html/>", b"{}", b"[]", b"null", b"\xff", b'{"messages":[]}'])
def test_a_success_that_cannot_be_read_is_uncertain(table: Table, body: bytes) -> None:
    error = outcome(table, first_text(table), HttpResponse(200, {}, body))
    assert isinstance(error, ProviderError)
    assert error.kind is FailureKind.UNCERTAIN


@EVERY
@pytest.mark.parametrize("kind", [FailureKind.TRANSIENT, FailureKind.UNCERTAIN])
def test_what_the_network_does_is_passed_on_as_it_is(table: Table, kind: FailureKind) -> None:
    failure = ProviderError(kind, reason="provider_unavailable")
    assert outcome(table, first_text(table), failure) is failure


@EVERY
def test_an_attempt_may_take_as_long_as_the_account_says(table: Table) -> None:
    raw = {**table.accounts["main"], "timeout_seconds": 7}
    http, row = playing(table, *first_text(table).answers), first_text(table)
    handler = REGISTRY.handler(REGISTRY.account(raw, "test"))
    asyncio.run(handler.send(row.submission, http.transports))
    assert {*http.timeouts_seconds, *http.mqtt.timeouts_seconds} == {7.0}


@EVERY
def test_what_capabilities_do_not_list_is_refused_by_the_handler_too(table: Table) -> None:
    contents: dict[str, dict[str, Any]] = {
        "list": {"text": "t", "button": "b", "sections": [{"rows": [{"id": "i", "title": "t"}]}]},
        "template": {"name": "n", "language": "en"},
        "location": {"latitude": 1, "longitude": 1},
        "contact": {"name": "n", "phones": ["1"]},
        "reaction": {"to": "1:1", "emoji": "x"},
        "typing": {},
        "read": {"of": "1:1"},
        "raw": {"payload": {}},
        "image": {"url": "https://cdn.example/a"},
    }
    handler = build(table)
    for kind in contents.keys() - handler.capabilities.content.keys():
        row = SendRow(kind, {"type": kind, **contents[kind]}, first_text(table).to)
        error = outcome(table, row)
        assert isinstance(error, MessageRefused), kind
        assert error.code == "unsupported_content"


@EVERY_OVER_HTTP
def test_a_callback_without_its_proof_is_refused(table: Table) -> None:
    handler = build(table)
    for row in posts(table):
        with pytest.raises(CallbackRefused) as refusal:
            handler.verify(table.proved(row.request, None))
        assert refusal.value.status == 403


@EVERY_OVER_HTTP
def test_a_callback_with_any_letter_of_its_proof_changed_is_refused(table: Table) -> None:
    handler, request = build(table), posts(table)[0].request
    proof = getattr(request, table.proof_in)[table.proof]
    forged = [proof[:at] + ("0" if proof[at] != "0" else "1") + proof[at + 1 :] for at in range(len(proof))]
    for wrong in (*forged, proof + "0", proof[:-1], "", "sha256=", "=", "\udcff", "é"):
        with pytest.raises(CallbackRefused) as refusal:
            handler.verify(table.proved(request, wrong))
        assert refusal.value.status == 403


@pytest.mark.parametrize("table", SIGNED, ids=[table.provider for table in SIGNED])
def test_a_callback_with_another_body_than_was_signed_is_refused(table: Table) -> None:
    handler, request = build(table), posts(table)[0].request
    for body in (b"", request.body + b" ", request.body[:-1], request.body.replace(b":", b": ", 1)):
        with pytest.raises(CallbackRefused) as refusal:
            handler.verify(replace(request, body=body))
        assert refusal.value.status == 403


@EVERY
def test_an_event_is_neither_message_nor_receipt(table: Table) -> None:
    item = CallbackItem("event", b"anything at all")
    assert list(build(table).parse_mo(item)) == []
    assert list(build(table).parse_dr(item)) == []


@EVERY
def test_no_secret_text_or_address_shows_in_what_is_printed_or_raised(table: Table) -> None:
    shown: list[str] = []
    for raw in table.accounts.values():
        account = REGISTRY.account(raw, "test")
        shown += [repr(account), str(account), repr(REGISTRY.handler(account)), account.model_dump_json()]
    for row in table.sends:
        error = outcome(table, row, *row.answers)
        shown += [str(error), repr(error), str(getattr(error, "text", ""))]
    for callback in table.callbacks:
        shown += _refusal(build(table, callback.account), callback)
    printed = "\n".join(shown)
    private = {*table.secrets, *(row.to.id for row in table.sends if len(row.to.id) > 2)}
    private |= {row.submission.content.text for row in table.sends if _is_text(row)}  # type: ignore[union-attr]
    assert [secret for secret in private if secret in printed] == []


@EVERY
def test_every_claimed_capability_has_a_row_that_shows_it(table: Table) -> None:
    missing = [
        f"{account}: {claim}"
        for account in table.accounts
        for claim in _claims(build(table, account))
        if claim not in _shown(table, account)
    ]
    assert missing == []


def _is_text(row: SendRow) -> bool:
    return isinstance(row.submission.content, TextContent) and len(row.submission.content.text) > 2


def _refusal(handler: Handler, row: CallbackRow) -> list[str]:
    try:
        handler.verify(row.request)
        handler.split(row.request)
    except CallbackRefused as error:
        return [str(error), repr(error)]
    return []


def _claims(handler: Handler) -> Iterator[str]:
    can = handler.capabilities
    yield from (f"content {kind}" for kind in can.content)
    yield from (f"button {kind}" for kind in can.buttons)
    flags = ("receipts", "read_receipts", "idempotent", "replies", "inbound")
    yield from (flag for flag in flags if getattr(can, flag))


def _shown(table: Table, account: str) -> set[str]:
    """What the rows of an account show; an account without rows borrows the main one's, as does a claim."""
    shown = set()
    for row in (row for row in table.sends if row.ids and row.account in (account, "main")):
        content = row.submission.content
        shown |= {f"content {content.type}"} | ({"replies"} if row.in_reply_to else set())
        if isinstance(content, TextContent | MediaContent):
            shown |= {f"button {button.type}" for button in content.buttons}
        shown |= {"idempotent"} if _names_itself(row) else set()
    rows: tuple[CallbackRow | ItemRow, ...] = (*table.callbacks, *table.items)
    for row_in in (row for row in rows if row.account in (account, "main")):
        shown |= {"inbound"} if row_in.messages else set()
        shown |= {"receipts"} if row_in.receipts else set()
        shown |= {"read_receipts" for receipt in row_in.receipts if receipt.status == "read"}
    return shown


def _names_itself(row: SendRow) -> bool:
    """Whether what is sent holds our reference, or the id of the message where that is unique to who gets
    it."""
    if any(REFERENCE in str(request) for request in row.requests):
        return True
    return any(f"{made.body['app_id']}/{made.body['message_id']}" == REFERENCE for made in row.published)
