"""What the simulated Bot API finds right and wrong in a call."""

from __future__ import annotations

from typing import Any

import pytest

from handlers.simulator.telegram_checks import Wrong, buttons, check

CHAT = {"chat_id": 700000001}
TEXT = CHAT | {"text": "Hello"}
TEXT_BUTTONS = (
    "Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
)
PLACE = CHAT | {"latitude": 51.5, "longitude": -0.1}


def keyboard(*row: Any) -> dict[str, Any]:
    return TEXT | {"reply_markup": {"inline_keyboard": [list(row)]}}


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("sendmessage", CHAT | {"text": "x" * 4096, "parse_mode": "HTML"}),
        ("sendmessage", {"chat_id": "@shop_news", "text": "x"}),
        ("sendmessage", {"chat_id": "-1001234567890", "text": "x"}),
        ("sendphoto", CHAT | {"photo": "https://media.example/a.png", "caption": "x" * 1024}),
        ("senddocument", CHAT | {"document": "BQACAgIAAx"}),
        ("sendlocation", PLACE),
        ("sendvenue", PLACE | {"title": "Shop", "address": "1 High Street"}),
        ("sendcontact", CHAT | {"phone_number": "447700900300", "first_name": "Kerry"}),
        ("sendmessage", keyboard({"text": "Yes", "callback_data": "é" * 32})),
        ("sendmessage", keyboard({"text": "Site", "url": "https://shop.example/"})),
        ("sendmessage", TEXT | {"reply_markup": '{"inline_keyboard":[]}'}),
    ],
)
def test_a_good_call_is_taken(method: str, parameters: dict[str, Any]) -> None:
    check(method, parameters)


@pytest.mark.parametrize(
    ("method", "parameters", "description"),
    [
        ("sendmessage", {"text": "x"}, "Bad Request: chat_id is empty"),
        ("sendmessage", {"chat_id": 0, "text": "x"}, "Bad Request: chat not found"),
        ("sendmessage", {"chat_id": "kerry", "text": "x"}, "Bad Request: chat not found"),
        ("sendmessage", CHAT, "Bad Request: message text is empty"),
        ("sendmessage", CHAT | {"text": "x" * 4097}, "Bad Request: message is too long"),
        ("sendmessage", TEXT | {"parse_mode": "Word"}, "Bad Request: unsupported parse_mode"),
        ("sendvoice", CHAT, "Bad Request: there is no voice in the request"),
        ("sendphoto", CHAT | {"photo": "ftp://x"}, "Bad Request: wrong file identifier/HTTP URL specified"),
        (
            "sendphoto",
            CHAT | {"photo": "x", "caption": "x" * 1025},
            "Bad Request: message caption is too long",
        ),
        ("sendlocation", CHAT | {"latitude": 1.0}, "Bad Request: longitude is empty"),
        ("sendvenue", PLACE, "Bad Request: title is empty"),
        (
            "sendmessage",
            keyboard({"text": "Yes", "callback_data": "é" * 33}),
            "Bad Request: BUTTON_DATA_INVALID",
        ),
        ("sendmessage", keyboard({"text": "Yes", "callback_data": ""}), "Bad Request: BUTTON_DATA_INVALID"),
        ("sendmessage", keyboard({"text": "Site", "url": "shop"}), "Bad Request: BUTTON_URL_INVALID"),
        (
            "sendmessage",
            keyboard({"text": "Yes"}),
            TEXT_BUTTONS,
        ),
        (
            "sendmessage",
            TEXT | {"reply_markup": "{"},
            "Bad Request: can't parse reply keyboard markup JSON object",
        ),
        ("sendmessage", TEXT | {"reply_markup": 1}, "Bad Request: object expected as reply markup"),
    ],
)
def test_a_bad_call_gets_telegrams_words(method: str, parameters: dict[str, Any], description: str) -> None:
    with pytest.raises(Wrong) as caught:
        check(method, parameters)
    assert (caught.value.error.status, caught.value.error.description) == (400, description)


def test_buttons_are_read_row_after_row() -> None:
    rows = [[{"text": "1"}, {"text": "2"}], [{"text": "3"}]]
    assert [button["text"] for button in buttons({"reply_markup": {"inline_keyboard": rows}})] == [
        "1",
        "2",
        "3",
    ]
