"""What those who write clients of the in-app channel are told is what the gateway takes and says."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from gateway.model.address import Address, Thread
from gateway.model.content import TextContent
from gateway.rtm.names import Device
from gateway.rtm.refusals import REFUSALS, RtmRefused
from gateway.rtm.wire import (
    REQUEST,
    Presence,
    Request,
    UpContent,
    UpMessage,
    UpReceipt,
    accepted,
    message_down,
    refused,
    result,
    sync_message,
    sync_receipt,
)

PROTOCOL = Path(__file__).parents[2] / "deploy/clients/PROTOCOL.md"
AT = datetime(2026, 11, 26, 10, tzinfo=UTC)
PHONE = Device("shop", "alice", "phone")


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """Every example by its name."""
    blocks = re.findall(r"```json (\S+)\n(.*?)```", PROTOCOL.read_text(), re.DOTALL)
    return {name: json.loads(text) for name, text in blocks}


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("presence", Presence),
        ("will", Presence),
        ("receipts", UpReceipt),
        ("up", UpMessage),
        ("contents", list[UpContent]),
        ("requests", list[Request]),
    ],
)
def test_what_clients_are_told_to_publish_is_taken(told: dict[str, Any], name: str, schema: Any) -> None:
    TypeAdapter(schema).validate_python(told[name])


def test_clients_are_told_of_every_content_and_every_request(told: dict[str, Any]) -> None:
    actions = REQUEST.json_schema()["discriminator"]["mapping"]
    assert {request["action"] for request in told["requests"]} == set(actions)
    media = {"video", "audio", "document", "sticker"}  # as image
    types = TypeAdapter(UpContent).json_schema()["discriminator"]["mapping"]
    assert {content["type"] for content in told["contents"]} | media == set(types)


def test_clients_are_told_what_comes_down(told: dict[str, Any]) -> None:
    made = message_down(
        message_id="m-1",
        app_id="shop",
        to=Address(kind="user_id", id="alice"),
        sender="Shop",
        thread=Thread(id="t-1", type="conversation", title="Order"),
        content=TextContent(text="Hello"),
        in_reply_to="mo-1",
        sent_at=AT,
        expires_at=AT,
    )
    assert _shape(json.loads(made)) == _shape(told["down"])


def test_clients_are_told_what_is_answered(told: dict[str, Any]) -> None:
    made = [
        accepted("id-1", mo_id="mo-1", thread_id="t-1"),
        refused("id-1", RtmRefused("thread_closed")),
        result("r-1", {"topic": "news", "subscribed": True}),
    ]
    assert [_shape(each) for each in made] == [_shape(each) for each in told["responses"]]


def test_clients_are_told_what_others_did(told: dict[str, Any]) -> None:
    thread, content = {"id": "t-1", "type": "conversation"}, {"type": "text", "text": "Hello"}
    made = [
        sync_message(
            mo_id="mo-1",
            id="id-1",
            device=PHONE,
            thread=thread,
            content=content,
            in_reply_to="m-1",
            sent_at=AT,
        ),
        sync_receipt(message_id="m-1", status="read", device=PHONE, at=AT),
    ]
    assert [_shape(each) for each in made] == [_shape(each) for each in told["sync"]]


def test_clients_are_told_every_code_that_they_may_get() -> None:
    """All but those of the API alone."""
    raised = {
        code
        for path in (PROTOCOL.parents[2] / "processors/rtm").glob("*.py")
        for code in re.findall(r'RtmRefused\("(\w+)"', path.read_text())
    }
    assert len(raised) > 5
    assert {code for code in raised if f"| `{code}` |" not in PROTOCOL.read_text()} == set()


def test_the_codes_that_clients_are_told_mean_what_they_are_told() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", PROTOCOL.read_text(), re.MULTILINE)
    codes = [(code, meaning) for code, meaning in rows if code in REFUSALS]
    assert len(codes) > 10
    assert codes == [(code, REFUSALS[code][0]) for code, _ in codes]


def _shape(document: Any) -> Any:
    """The fields, and what kind of value each has."""
    if isinstance(document, dict):
        return {name: _shape(value) for name, value in document.items()}
    return type(document).__name__
