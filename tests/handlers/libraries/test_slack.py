"""slack_sdk, Slack's own library, on the other side: it signs what we verify, and reads what we send."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode

import orjson
import pytest
from hypothesis import given, settings
from slack_sdk.models.blocks import Block
from slack_sdk.signature import SignatureVerifier

from gateway.errors import CallbackRefused, FailureKind, ProviderError
from gateway.model.address import Thread
from gateway.model.callback import CallbackRequest
from gateway.transports.port import HttpRequest, HttpResponse
from handlers.providers.slack import Slack, SlackAccount
from tests.handlers.cases.slack import TABLE
from tests.handlers.cases.slack_accounts import (
    ACCOUNT,
    BOT_TOKEN,
    DONE,
    FORM,
    SIGNING_SECRET,
    TAKEN,
    URL,
    posted,
)
from tests.handlers.fake_http import FakeHttp
from tests.handlers.rows import answer, seen
from tests.handlers.tables import build
from tests.handlers.test_garbage import bodies

AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
BODIES = (
    b'{"type":"event_callback"}',
    urlencode({"payload": '{"type":"block_actions"}'}).encode(),
    "é".encode(),
)
BLOCKS = [
    pytest.param(request.body["blocks"], id=row.name)
    for row in TABLE.sends
    for request in row.requests
    if "blocks" in request.body
]
PAYLOADS = [
    orjson.loads(parse_qs(row.request.body)[b"payload"][0])
    for row in TABLE.callbacks
    if row.account == "buttons" and row.request.body.startswith(b"payload")
]
AUTHORIZATION = {"authorization": f"Bearer {BOT_TOKEN}"}


def handler(clock_at: datetime = AT) -> Slack:
    return Slack(SlackAccount.model_validate(ACCOUNT), clock=lambda: clock_at)


def signed_by_slack(body: bytes, at: datetime = AT) -> CallbackRequest:
    stamp = str(int(at.timestamp()))
    signature = SignatureVerifier(SIGNING_SECRET).generate_signature(timestamp=stamp, body=body)
    assert signature is not None
    headers = {"x-slack-request-timestamp": stamp, "x-slack-signature": signature}
    return CallbackRequest("POST", URL, {}, headers, body)


@pytest.mark.parametrize("body", BODIES)
def test_what_slacks_library_signs_is_accepted(body: bytes) -> None:
    request = signed_by_slack(body)
    handler().verify(request)
    with pytest.raises(CallbackRefused):
        handler().verify(replace(request, body=body + b" "))


@pytest.mark.parametrize("seconds", [-300, 300])
def test_a_signature_counts_for_five_minutes_either_way(seconds: int) -> None:
    handler(AT + timedelta(seconds=seconds)).verify(signed_by_slack(b"{}"))
    late = AT + timedelta(seconds=seconds + (1 if seconds > 0 else -1))
    with pytest.raises(CallbackRefused, match="too long ago"):
        handler(late).verify(signed_by_slack(b"{}"))


@settings(max_examples=200, deadline=None, database=None)
@given(payload=bodies(PAYLOADS))
def test_any_payload_of_a_signed_form_is_read_or_refused(payload: bytes) -> None:
    body = urlencode({"payload": payload}).encode()
    signed = signed_by_slack(body)
    request = replace(signed, headers={**signed.headers, "content-type": FORM})
    handler().verify(request)
    try:
        items = handler().split(request)
    except CallbackRefused as refusal:
        if refusal.status != 400:
            raise
        return
    for item in items:
        try:
            messages = handler().parse_mo(item)
        except ValueError:
            continue
        assert bool(messages) == (item.kind == "mo")


def test_what_proves_or_permits_something_is_not_kept_with_an_item() -> None:
    rows = [row for row in TABLE.callbacks if row.kinds]
    items = [orjson.loads(item.body) for row in rows for item in build(TABLE).split(row.request)]
    secret = {"token", "response_url", "trigger_id"}
    assert [secret & item.keys() for item in items] == [set()] * len(rows)
    sent = [parse_qs(row.request.body) for row in rows if row.account == "buttons"]
    assert any("hooks.slack.com" in str(fields) for fields in sent)


@pytest.mark.parametrize("blocks", BLOCKS)
def test_slacks_library_reads_and_validates_the_blocks_that_we_send(blocks: list[dict[str, Any]]) -> None:
    read = Block.parse_all(blocks)
    for block in read:
        block.validate_json()
    assert [type(block).__name__ for block in read if type(block) is Block] == []
    assert orjson.loads(orjson.dumps([block.to_dict() for block in read])) == blocks


async def test_a_message_of_a_thread_goes_there_and_not_to_the_message_it_answers() -> None:
    row = next(row for row in TABLE.sends if row.name == "an answer in a thread")
    http = FakeHttp(TAKEN)
    thread = Thread(id="C0SHOP:1795341400.000100", type="conversation")
    await build(TABLE).send(replace(row.submission, thread=thread), http.transports)
    closed = {"unfurl_links": False, "unfurl_media": False}
    expected = posted(text="Hello", **closed, thread_ts="1795341400.000100")
    assert [seen(request) for request in http.requests] == [expected]


async def test_a_message_to_a_channel_as_a_whole_starts_no_thread() -> None:
    row = next(row for row in TABLE.sends if row.name == "a text")
    http = FakeHttp(TAKEN)
    thread = Thread(id="C0SHOP", type="conversation")
    await build(TABLE).send(replace(row.submission, thread=thread), http.transports)
    assert [seen(request) for request in http.requests] == list(row.requests)


@pytest.mark.parametrize(
    ("file", "url", "headers"),
    [
        (
            {"url_private": "https://files.slack.com/a", "url_private_download": "https://files.slack.com/b"},
            "https://files.slack.com/b",
            AUTHORIZATION,
        ),
        ({"url_private": "https://files.slack.com/a"}, "https://files.slack.com/a", AUTHORIZATION),
        ({"url_private": "https://docs.example/a"}, "https://docs.example/a", {}),
        ({"url_private": "https://evilslack.com/a"}, "https://evilslack.com/a", {}),
        ({"url_private": "https://[/a"}, "https://[/a", {}),
    ],
)
async def test_a_file_is_fetched_with_our_token_from_slack_only(
    file: dict[str, Any], url: str, headers: dict[str, str]
) -> None:
    http = FakeHttp(answer({"ok": True, "file": {"id": "F0", **file}}))
    request = await build(TABLE).media("F0/1", http.transports)
    assert request == HttpRequest("GET", url, headers)
    asked = HttpRequest("GET", "https://slack.example/api/files.info?file=F0%2F1", AUTHORIZATION)
    assert http.requests == [asked]


async def test_a_file_that_is_gone_is_a_permanent_failure() -> None:
    http = FakeHttp(answer({"ok": False, "error": "file_not_found"}))
    with pytest.raises(ProviderError) as failure:
        await build(TABLE).media("F0", http.transports)
    assert (failure.value.kind, failure.value.reason) == (FailureKind.PERMANENT, "media_unreachable")


async def test_the_check_says_who_we_are_at_slack() -> None:
    http = FakeHttp(answer({"ok": True, "team": "Shoes", "user": "shopbot", "team_id": "T0"}))
    assert await build(TABLE).check(http.transports) == "shopbot in Shoes"
    assert [(request.method, request.url) for request in http.requests] == [
        ("POST", "https://slack.example/api/auth.test")
    ]


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (answer({"ok": False, "error": "invalid_auth"}), FailureKind.AUTH),
        (HttpResponse(503), FailureKind.TRANSIENT),
        (DONE, FailureKind.UNCERTAIN),
    ],
)
async def test_a_check_that_fails_says_why(response: HttpResponse, kind: FailureKind) -> None:
    with pytest.raises(ProviderError) as failure:
        await build(TABLE).check(FakeHttp(response).transports)
    assert failure.value.kind is kind
