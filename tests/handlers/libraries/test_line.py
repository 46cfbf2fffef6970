"""LINE's own SDK as the other side: it reads what we send, and what it takes for LINE's, so do we."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from linebot.v3 import SignatureValidator, WebhookParser  # type: ignore[import-untyped]
from linebot.v3.messaging import (  # type: ignore[import-untyped]
    PushMessageRequest,
    PushMessageResponse,
    SentMessage,
    ShowLoadingAnimationRequest,
)

from gateway.errors import CallbackRefused
from gateway.model.callback import CallbackRequest
from gateway.transports.port import HttpRequest, HttpResponse
from handlers.contract import Submitted
from tests.handlers.cases.line import TABLE
from tests.handlers.cases.line_accounts import CHANNEL_SECRET
from tests.handlers.fake_http import FakeHttp
from tests.handlers.rows import CallbackRow, SendRow
from tests.handlers.tables import build

TAKEN = [row for row in TABLE.sends if row.ids]
READ = [row for row in TABLE.callbacks if row.kinds or row.refused is None]
KNOWN = [row for row in READ if row.name != "a kind that is not known"]


def named(row: SendRow | CallbackRow) -> str:
    return row.name


def made(row: SendRow) -> list[HttpRequest]:
    http = FakeHttp(*row.answers)
    asyncio.run(build(TABLE, row.account).send(row.submission, http.transports))
    return http.requests


@pytest.mark.parametrize("row", TAKEN, ids=named)
def test_what_is_sent_is_what_the_sdk_would_send(row: SendRow) -> None:
    for request in made(row):
        body = orjson.loads(request.body)
        if request.url.endswith("/message/push"):
            # The SDK writes this default out.
            assert PushMessageRequest.from_dict(body).to_dict() == {"notificationDisabled": False, **body}
        else:
            assert ShowLoadingAnimationRequest.from_dict(body).to_dict() == body


async def test_an_answer_as_the_sdk_writes_it_is_read() -> None:
    told = PushMessageResponse(sentMessages=[SentMessage(id="461230966842064897", quoteToken="q")])
    http = FakeHttp(HttpResponse(200, {}, told.to_json().encode()))
    submitted = await build(TABLE).send(TAKEN[0].submission, http.transports)
    assert submitted == Submitted(("461230966842064897",))


@pytest.mark.parametrize("row", READ, ids=named)
def test_a_signature_counts_for_us_as_it_does_for_the_sdk(row: CallbackRow) -> None:
    request, validator = row.request, SignatureValidator(CHANNEL_SECRET)
    if validator.validate(request.body.decode(), request.headers["x-line-signature"]):
        build(TABLE).verify(request)
    changed = CallbackRequest("POST", request.url, {}, request.headers, request.body + b" ")
    assert not validator.validate(changed.body.decode(), changed.headers["x-line-signature"])
    with pytest.raises(CallbackRefused):
        build(TABLE).verify(changed)


@pytest.mark.parametrize("row", KNOWN, ids=named)
def test_an_event_is_to_the_sdk_what_it_is_to_us(row: CallbackRow) -> None:
    parser = WebhookParser(CHANNEL_SECRET, skip_signature_verification=lambda: True)
    events = parser.parse(row.request.body.decode(), "")
    ours = build(TABLE).split(row.request)
    assert [sdk_kind(event) for event in events] == [item.kind for item in ours]
    read = [message for item in ours for message in build(TABLE).parse_mo(item)]
    assert [sdk_id(event) for event in events if sdk_kind(event) == "mo"] == [
        message.provider_message_id for message in read
    ]


def sdk_kind(event: Any) -> str:
    known = ("message", "postback", "follow", "unfollow", "join", "leave", "unsend")
    return "mo" if event.type in known and event.mode.value == "active" else "event"


def sdk_id(event: Any) -> str:
    return str(event.message.id if event.type == "message" else event.webhook_event_id)
