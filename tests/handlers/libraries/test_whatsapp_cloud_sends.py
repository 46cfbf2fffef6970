"""pywa as the other side of whatsapp_cloud: it sends the same requests."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from pywa.client import WhatsApp
from pywa.types.callback import Button, Section, SectionList, SectionRow, URLButton
from pywa.types.others import Contact

from tests.handlers.cases.whatsapp_cloud import TABLE
from tests.handlers.cases.whatsapp_cloud_accounts import ACCESS_TOKEN, DONE, TAKEN, TO
from tests.handlers.fake_http import FakeHttp
from tests.handlers.rows import REFERENCE, SendRow
from tests.handlers.tables import build

LINK = "https://cdn.example/picture.jpg"
PERSON = TO.id.removeprefix("+")


class Wire:
    """Takes what pywa sends."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if b'"status":"read"' in request.content:
            return httpx.Response(200, json={"success": True})
        contacts = [{"input": PERSON, "wa_id": PERSON, "user_id": "US.1"}]
        return httpx.Response(200, json={"contacts": contacts, "messages": [{"id": "wamid.OUT"}]})


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def pywa(wire: Wire) -> Iterator[WhatsApp]:
    with httpx.Client(transport=httpx.MockTransport(wire)) as session:
        yield WhatsApp(phone_id="106540352242922", token=ACCESS_TOKEN, session=session, api_version=25.0)


def told(value: Any) -> Any:
    """Without what is null or empty, which pywa writes and we leave out."""
    if isinstance(value, dict):
        return {name: told(part) for name, part in value.items() if part not in (None, [], {})}
    return [told(part) for part in value] if isinstance(value, list) else value


Call = Callable[[WhatsApp], object]


def same(name: str, content: dict[str, Any], call: Call, in_reply_to: str | None = None) -> Any:
    return pytest.param(SendRow(name, content, TO, in_reply_to=in_reply_to), call, id=name)


SENT = (
    same(
        "a text that quotes",
        {"type": "text", "text": "Hello"},
        lambda wa: wa.send_message(
            PERSON, "Hello", preview_url=False, reply_to_message_id="wamid.IN", tracker=REFERENCE
        ),
        in_reply_to="wamid.IN",
    ),
    same(
        "an image",
        {"type": "image", "url": LINK, "caption": "Yours"},
        lambda wa: wa.send_image(PERSON, LINK, "Yours", tracker=REFERENCE),
    ),
    same(
        "a document",
        {"type": "document", "url": LINK, "filename": "Invoice.pdf"},
        lambda wa: wa.send_document(PERSON, LINK, filename="Invoice.pdf", tracker=REFERENCE),
    ),
    same(
        "a voice message",
        {"type": "audio", "media_id": "901", "mime_type": "audio/ogg"},
        lambda wa: wa.send_voice(PERSON, "901", tracker=REFERENCE),
    ),
    same(
        "a sticker",
        {"type": "sticker", "media_id": "902"},
        lambda wa: wa.send_sticker(PERSON, "902", tracker=REFERENCE),
    ),
    same(
        "a location",
        {"type": "location", "latitude": 51.5, "longitude": -0.12, "name": "Shop", "address": "1 High St"},
        lambda wa: wa.send_location(PERSON, 51.5, -0.12, "Shop", "1 High St", tracker=REFERENCE),
    ),
    same(
        "a contact",
        {"type": "contact", "name": "Ann Lee", "phones": ["+447700900002"]},
        lambda wa: wa.send_contact(
            PERSON,
            Contact(
                name=Contact.Name(formatted_name="Ann Lee", first_name="Ann Lee"),
                phones=[Contact.Phone(phone="+447700900002")],
            ),
            tracker=REFERENCE,
        ),
    ),
    same(
        "reply buttons",
        {"type": "text", "text": "Well?", "buttons": [{"type": "reply", "id": "y", "title": "Yes"}]},
        lambda wa: wa.send_message(PERSON, "Well?", buttons=[Button("Yes", "y")], tracker=REFERENCE),
    ),
    same(
        "a url button",
        {"type": "text", "text": "Sent", "buttons": [{"type": "url", "title": "Track", "url": LINK}]},
        lambda wa: wa.send_message(PERSON, "Sent", buttons=URLButton("Track", LINK), tracker=REFERENCE),
    ),
    same(
        "a location button",
        {"type": "text", "text": "Where?", "buttons": [{"type": "location", "title": "Here"}]},
        lambda wa: wa.request_location(PERSON, "Where?", tracker=REFERENCE),
    ),
    same(
        "a list",
        {
            "type": "list",
            "text": "Which?",
            "button": "Sizes",
            "sections": [{"title": "All", "rows": [{"id": "s", "title": "Small", "description": "36"}]}],
        },
        lambda wa: wa.send_message(
            PERSON,
            "Which?",
            buttons=SectionList("Sizes", [Section("All", [SectionRow("Small", "s", "36")])]),
            tracker=REFERENCE,
        ),
    ),
    same(
        "a reaction",
        {"type": "reaction", "to": "wamid.IN", "emoji": "👍"},
        lambda wa: wa.send_reaction(PERSON, "👍", "wamid.IN", tracker=REFERENCE),
    ),
    same("a read mark", {"type": "read", "of": "wamid.IN"}, lambda wa: wa.mark_message_as_read("wamid.IN")),
    same("typing", {"type": "typing"}, lambda wa: wa.indicate_typing("wamid.IN"), in_reply_to="wamid.IN"),
)


@pytest.mark.parametrize(("row", "call"), SENT)
async def test_the_library_sends_the_same_request(
    row: SendRow, call: Call, wire: Wire, pywa: WhatsApp
) -> None:
    call(pywa)
    (theirs,) = wire.requests
    http = FakeHttp(DONE if row.content["type"] in ("read", "typing") else TAKEN)
    await build(TABLE).send(row.submission, http.transports)
    (ours,) = http.requests
    assert told(json.loads(ours.body)) == told(json.loads(theirs.content))
    assert (ours.method, urlsplit(ours.url).path, ours.headers["authorization"]) == (
        theirs.method,
        theirs.url.path,
        theirs.headers["authorization"],
    )
