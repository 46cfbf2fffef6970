"""Every kind of content, as the contract has it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ConfigDict, TypeAdapter, ValidationError

from gateway.model.content import Content, InboundContent

AS_MODELS_DO = ConfigDict(hide_input_in_errors=True)
OUT: TypeAdapter[Any] = TypeAdapter(Content, config=AS_MODELS_DO)
IN: TypeAdapter[Any] = TypeAdapter(InboundContent, config=AS_MODELS_DO)
URL = "https://cdn.example.com/a.jpg"
BUTTONS = [
    {"type": "reply", "id": "yes", "title": "Yes"},
    {"type": "url", "title": "Open", "url": "https://example.com/"},
    {"type": "call", "title": "Call", "phone": "+441632960000"},
    {"type": "location", "title": "Where are you?"},
]
OUTBOUND: list[dict[str, Any]] = [
    {"type": "text", "text": "hello", "preview_url": True, "buttons": BUTTONS},
    {"type": "image", "url": URL, "caption": "a picture", "buttons": BUTTONS[:1]},
    {"type": "video", "media_id": "123"},
    {"type": "audio", "url": URL, "mime_type": "audio/ogg"},
    {"type": "document", "url": URL, "filename": "a.pdf"},
    {"type": "sticker", "media_id": "123"},
    {"type": "location", "latitude": 51.5, "longitude": -0.1, "name": "Here", "address": "There"},
    {"type": "contact", "name": "Jane", "phones": ["+441632960000"], "emails": ["jane@example.com"]},
    {
        "type": "list",
        "text": "Choose",
        "button": "Open",
        "sections": [{"title": "A", "rows": [{"id": "1", "title": "One", "description": "first"}]}],
    },
    {
        "type": "template",
        "name": "order",
        "language": "en_GB",
        "parameters": {"header": ["a"], "body": ["b", "c"], "buttons": ["d"]},
    },
    {"type": "reaction", "to": "wamid.1", "emoji": "👍"},
    {"type": "typing"},
    {"type": "read", "of": "wamid.1"},
    {"type": "raw", "payload": {"anything": [1, {"at": "all"}]}},
]
INBOUND: list[dict[str, Any]] = [
    {"type": "text", "text": ""},
    {"type": "image", "media_id": "1"},
    {"type": "sticker"},
    {"type": "location", "latitude": 0.0, "longitude": 0.0},
    {"type": "contact", "name": "Jane", "phones": []},
    {"type": "reaction", "to": "wamid.1", "emoji": ""},
    {"type": "button_reply", "id": "yes", "title": "Yes"},
    {"type": "list_reply", "id": "1"},
    {"type": "event", "name": "opted_in", "details": {"by": "ad"}},
    {"type": "unsupported", "provider_type": "poll"},
]


def kinds(contents: list[dict[str, Any]]) -> set[str]:
    return {content["type"] for content in contents}


@pytest.mark.parametrize(
    ("adapter", "content"), [*((OUT, each) for each in OUTBOUND), *((IN, each) for each in INBOUND)]
)
def test_content_is_written_as_it_was_read(adapter: TypeAdapter[Any], content: dict[str, Any]) -> None:
    assert adapter.dump_python(adapter.validate_python(content), mode="json", exclude_unset=True) == content


@pytest.mark.parametrize(("adapter", "examples"), [(OUT, OUTBOUND), (IN, [*INBOUND, *OUTBOUND])])
def test_every_kind_has_an_example_here(adapter: TypeAdapter[Any], examples: list[dict[str, Any]]) -> None:
    mapping = adapter.json_schema()["discriminator"]["mapping"]
    assert set(mapping) <= kinds(examples)


@pytest.mark.parametrize(
    "content",
    [
        {"type": "text", "text": ""},
        {"type": "text", "text": "x" * 65_537},
        {"type": "text", "text": "x", "buttons": [BUTTONS[0]] * 65},
        {"type": "text", "text": "x", "buttons": [{"type": "reply", "id": "", "title": "x"}]},
        {"type": "text", "text": "x", "buttons": [{"type": "url", "title": "x", "url": "javascript:x"}]},
        {"type": "image"},
        {"type": "image", "url": URL, "media_id": "1"},
        {"type": "image", "url": "file:///etc/passwd"},
        {"type": "image", "url": "https://host/with space"},
        {"type": "location", "latitude": 90.1, "longitude": 0},
        {"type": "location", "latitude": 0, "longitude": -180.1},
        {"type": "location", "latitude": "NaN", "longitude": 0},
        {"type": "list", "text": "x", "button": "x", "sections": []},
        {"type": "list", "text": "x", "button": "x", "sections": [{"rows": []}]},
        {"type": "template", "name": "x"},
        {"type": "reaction", "to": "x", "emoji": "x" * 33},
        {"type": "raw", "payload": "text"},
        {"type": "typing", "more": 1},
        {"type": "button_reply", "id": "only inbound"},
    ],
)
def test_content_that_the_contract_does_not_allow_is_refused(content: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        OUT.validate_python(content)


@pytest.mark.parametrize("adapter", [OUT, IN])
@pytest.mark.parametrize("given", ["hunter2", ["hunter2"], {"hunter2": 1}, 2, None])
def test_an_unknown_type_is_refused_with_the_known_ones_and_without_itself(
    adapter: TypeAdapter[Any], given: object
) -> None:
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python({"type": given})
    known = ", ".join(adapter.json_schema()["discriminator"]["mapping"])
    messages = [detail["msg"] for detail in caught.value.errors()]
    assert [sorted(message.split(": one of ")[1].split(", ")) for message in messages] == [
        sorted(known.split(", "))
    ]
    assert "hunter2" not in str(caught.value)


def test_an_unknown_kind_of_button_is_not_shown_either() -> None:
    with pytest.raises(ValidationError) as caught:
        OUT.validate_python({"type": "text", "text": "x", "buttons": [{"type": "hunter2"}]})
    assert "needs a type: one of reply, url, call, location" in str(caught.value)
    assert "hunter2" not in str(caught.value)
