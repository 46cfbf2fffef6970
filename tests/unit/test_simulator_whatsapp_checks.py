"""What the simulated Cloud API finds right and wrong in a message."""

from __future__ import annotations

import contextlib
import copy
import functools
import operator
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from handlers.simulator.whatsapp_checks import Wrong, addressee, check

TO = {"messaging_product": "whatsapp", "to": "447700900300"}
URL = "https://media.example/a"


def message(kind: str, part: Any, **more: Any) -> dict[str, Any]:
    return TO | {"type": kind, kind: part} | more


def interactive(form: str, action: Any, text: str = "Well?") -> dict[str, Any]:
    return message("interactive", {"type": form, "body": {"text": text}, "action": action})


def buttons(number: int, title: str = "Yes") -> dict[str, Any]:
    made = [{"type": "reply", "reply": {"id": str(n), "title": title}} for n in range(number)]
    return interactive("button", {"buttons": made})


def rows(number: int) -> dict[str, Any]:
    made = [{"id": str(n), "title": "Row"} for n in range(number)]
    return interactive("list", {"button": "Choose", "sections": [{"rows": made}]})


@pytest.mark.parametrize(
    "body",
    [
        message("text", {"body": "x" * 4096, "preview_url": False}),
        message("image", {"link": URL, "caption": "x" * 1024}),
        message("document", {"id": "42", "filename": "a.pdf"}),
        message("audio", {"link": URL}),
        message("sticker", {"id": "42"}),
        message("location", {"latitude": 51.5, "longitude": "-0.1"}),
        message("contacts", [{"name": {"formatted_name": "Kerry"}}]),
        message("reaction", {"message_id": "wamid.x", "emoji": "👍"}),
        message("template", {"name": "order", "language": {"code": "en"}, "components": [{"type": "body"}]}),
        buttons(3, "x" * 20),
        rows(10),
        interactive("cta_url", {"name": "cta_url", "parameters": {}}),
        message("text", {"body": "x"}, biz_opaque_callback_data="x" * 512),
        message("text", {"body": "x"}) | {"to": "+44 7700 900300"},
    ],
)
def test_a_good_message_is_taken_as_it_is(body: dict[str, Any]) -> None:
    assert check(body) == body


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (None, 100, "messaging_product is required"),
        ({"messaging_product": "whatsapp"}, 100, "The parameter to is required."),
        (message("text", {"body": "x"}) | {"to": "Kerry"}, 131009, "phone number is malformed"),
        (message("text", {"body": "x"}) | {"to": 1}, 131009, "phone number is malformed"),
        (message("song", {}), 131051, "Unsupported message type"),
        (TO | {"type": "text"}, 131008, "text is required"),
        (message("text", {}), 131008, "text.body is required"),
        (message("text", {"body": "x" * 4097}), 100, "must be at most 4096 characters"),
        (message("image", {}), 131008, "exactly one of id and link"),
        (message("image", {"id": "1", "link": URL}), 131008, "exactly one of id and link"),
        (message("image", {"link": "ftp://x"}), 131009, "not a valid URL"),
        (message("image", {"link": URL, "caption": "x" * 1025}), 100, "at most 1024 characters"),
        (message("audio", {"link": URL, "caption": "x"}), 100, 'Unexpected key \\"caption\\"'),
        (message("location", {"latitude": 1}), 131008, "location.longitude is required"),
        (message("location", {"latitude": 1, "longitude": "x"}), 131009, "is not a number"),
        (buttons(0), 131009, "Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3"),
        (buttons(4), 131009, "Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3"),
        (buttons(1, "x" * 21), 131009, "Button title length invalid. Min length: 1, Max length: 20"),
        (rows(0), 131009, "Total row count exceed max allowed count: 10"),
        (rows(11), 131009, "Total row count exceed max allowed count: 10"),
        (interactive("button", {"buttons": []}, "x" * 1025), 131009, "Body text length invalid"),
        (interactive("dance", {}), 131009, "interactive.type is not valid"),
        (message("template", {"name": "order"}), 131008, "template.language is required"),
        (message("reaction", {}), 131008, "reaction.message_id is required"),
        (message("contacts", []), 131008, "contacts is required"),
        (message("text", {"body": "x"}, biz_opaque_callback_data="x" * 513), 100, "at most 512 characters"),
    ],
)
def test_a_bad_message_gets_the_documented_error(body: Any, code: int, words: str) -> None:
    with pytest.raises(Wrong) as caught:
        check(body)
    assert caught.value.code == code
    assert words in caught.value.answer.body.decode()
    error = orjson.loads(caught.value.answer.body)["error"]
    assert (error["code"], error["type"]) == (code, "OAuthException")


@pytest.mark.parametrize(
    "body",
    [
        message("text", {"body": "x"}),
        message("image", {"link": URL, "caption": "x"}),
        message("contacts", [{"name": {"formatted_name": "Kerry"}}]),
        message("template", {"name": "order", "language": {"code": "en"}, "components": [{"type": "body"}]}),
        message("location", {"latitude": 1, "longitude": 2}),
        buttons(2),
        rows(3),
    ],
)
@pytest.mark.parametrize("value", [None, True, 1.5, "", "x", [], {}, [1], {"x": 1}, [None]])
def test_nothing_in_a_message_makes_the_checks_stumble(body: dict[str, Any], value: Any) -> None:
    for path in paths(body):
        changed = copy.deepcopy(body)
        *parents, last = path
        functools.reduce(operator.getitem, parents, changed)[last] = value
        with contextlib.suppress(Wrong):
            check(changed)


def paths(part: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to everything in a JSON value."""
    inside = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for key, value in inside:
        yield (*above, key)
        yield from paths(value, (*above, key))


def test_buttons_need_different_ids() -> None:
    twice = [{"type": "reply", "reply": {"id": "1", "title": "Yes"}}] * 2
    with pytest.raises(Wrong) as caught:
        check(interactive("button", {"buttons": twice}))
    assert caught.value.code == 131009


def test_the_addressee_is_the_number_in_digits_or_the_user_id() -> None:
    assert addressee(TO | {"to": "+44 7700 900300"}) == "447700900300"
    assert addressee({"recipient": "US.13491208655302741918"}) == "US.13491208655302741918"
