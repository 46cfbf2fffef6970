"""Infobip's own client as the other side: it knows what we send, and what we read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from infobip_api_client.models.messages_api_incoming_message import MessagesApiIncomingMessage
from infobip_api_client.models.messages_api_message import MessagesApiMessage
from infobip_api_client.models.messages_api_seen_report import MessagesApiSeenReport
from infobip_api_client.models.messages_api_template_message import MessagesApiTemplateMessage
from infobip_api_client.models.sms_delivery_result import SmsDeliveryResult
from infobip_api_client.models.sms_inbound_message_result import SmsInboundMessageResult
from infobip_api_client.models.sms_request import SmsRequest

from tests.handlers.cases.infobip import TABLE
from tests.handlers.fake_http import FakeHttp
from tests.handlers.rows import CallbackRow, SendRow, seen
from tests.handlers.tables import build

TAKEN = [row for row in TABLE.sends if row.ids]
BY_SMS = [row for row in TAKEN if row.account in ("main", "reported")]
MESSAGES = [row for row in TAKEN if row.account not in ("main", "reported")]


def read(model: Any, document: Any) -> Any:
    return model.from_json(json.dumps(document))


async def asked(row: SendRow) -> Any:
    http = FakeHttp(*row.answers)
    await build(TABLE, row.account).send(row.submission, http.transports)
    return seen(http.requests[0]).body


@pytest.mark.parametrize("row", BY_SMS, ids=lambda row: row.name)
async def test_the_client_would_send_the_same_sms(row: SendRow) -> None:
    body = await asked(row)
    assert read(SmsRequest, body).to_dict() == body


@pytest.mark.parametrize("row", MESSAGES, ids=lambda row: row.name)
async def test_the_client_would_send_the_same_message(row: SendRow) -> None:
    (message,) = (await asked(row))["messages"]
    model = MessagesApiTemplateMessage if "template" in message else MessagesApiMessage
    assert read(model, message).to_dict() == message


def results(row: CallbackRow) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(row.request.body)["results"]
    return found


@pytest.mark.parametrize("row", [row for row in TABLE.callbacks if row.kinds], ids=lambda row: row.name)
def test_the_client_reads_the_same_ids(row: CallbackRow) -> None:
    ids = {message.provider_message_id.partition(":")[0] for message in row.messages}
    ids |= {receipt.provider_message_id or "" for receipt in row.receipts}
    assert {_id(result) for result in results(row)} - {""} == ids


def _id(result: dict[str, Any]) -> str:
    """The message's id in the eyes of the client; nothing for what is neither message nor receipt."""
    model: Any
    match result:
        case {"event": "MO"}:
            model = MessagesApiIncomingMessage
        case {"event": "SEEN"}:
            model = MessagesApiSeenReport
        case {"status": _}:
            model = SmsDeliveryResult
        case {"from": _}:
            model = SmsInboundMessageResult
        case _:
            return ""
    return str(read(model, {"results": [result]}).results[0].message_id)
