"""An MT is made to fit its channel: carried, simplified and said so, or refused."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import MessageRefused
from gateway.model.message import MTMessage
from handlers.contract import Capabilities
from processors.fitting import Fitted, fit

PLAIN = Capabilities(content={"text": 60, "image": 10, "document": 0}, receipts=True)
RICH = Capabilities(
    content={"text": 60, "image": None, "list": 20, "location": None, "template": None},
    receipts=True,
    buttons={"reply": 3, "url": 1, "call": 1},
    button_title=8,
    replies=True,
)
YES = {"type": "reply", "id": "y", "title": "Yes"}
NO = {"type": "reply", "id": "n", "title": "No"}
SHOP = {"type": "url", "title": "Shop", "url": "https://shop.example"}
CALL = {"type": "call", "title": "Call us", "phone": "+447700900001"}
WHERE = {"type": "location", "title": "Where are you?"}
MENU = {
    "type": "list",
    "text": "Menu",
    "button": "Choose",
    "sections": [
        {"title": "Hot", "rows": [{"id": "1", "title": "Tea"}, {"id": "2", "title": "Coffee"}]},
        {"rows": [{"id": "3", "title": "Juice", "description": "fresh"}]},
    ],
}


def mt(content: dict[str, Any], **fields: Any) -> MTMessage:
    document = {"app_id": "shop", "channel": "sms", "to": "447700900001", "content": content, **fields}
    return MTMessage.model_validate(document)


def text(words: str = "Hello", *buttons: dict[str, str]) -> dict[str, Any]:
    return {"type": "text", "text": words, "buttons": buttons}


def image(caption: str | None = None, *buttons: dict[str, str], type: str = "image") -> dict[str, Any]:
    return {"type": type, "url": "https://shop.example/1", "caption": caption, "buttons": buttons}


def shown(fitted: Fitted) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What differs from the defaults in what will be sent, and what was simplified."""
    return fitted.content.model_dump(mode="json", exclude_defaults=True), fitted.degraded


def refusal(message: MTMessage, capabilities: Capabilities) -> tuple[str, str]:
    with pytest.raises(MessageRefused) as caught:
        fit(message, capabilities)
    return caught.value.code, caught.value.detail


@pytest.mark.parametrize(
    ("content", "capabilities"),
    [
        (text("x" * 60), PLAIN),
        (image("x" * 10), PLAIN),
        (image(None, type="document"), PLAIN),
        (text("Hello", YES, NO), RICH),
        (text("Hello", SHOP), RICH),
        (image("x" * 5_000, CALL), RICH),
        (MENU, RICH),
        ({"type": "location", "latitude": 1, "longitude": 2}, RICH),
        ({"type": "template", "name": "t", "language": "en"}, RICH),
    ],
)
def test_what_fits_is_left_as_it_is(content: dict[str, Any], capabilities: Capabilities) -> None:
    message = mt(content, degrade="never")
    assert fit(message, capabilities) == Fitted(message.content, None, ())


@pytest.mark.parametrize("kind", ["video", "sticker", "audio"])
def test_media_that_the_channel_does_not_carry_is_refused(kind: str) -> None:
    assert refusal(mt(image(type=kind)), PLAIN) == (
        "unsupported_content",
        f"the channel does not carry {kind}",
    )


@pytest.mark.parametrize(
    "content",
    [
        {"type": "location", "latitude": 1, "longitude": 2},
        {"type": "contact", "name": "Ann", "phones": ["1"]},
        {"type": "template", "name": "t", "language": "en"},
        {"type": "reaction", "to": "m", "emoji": "+"},
        {"type": "typing"},
        {"type": "read", "of": "m"},
        {"type": "raw", "payload": {}},
    ],
)
def test_content_of_another_kind_is_refused(content: dict[str, Any]) -> None:
    expected = ("unsupported_content", f"the channel does not carry {content['type']}")
    assert refusal(mt(content), PLAIN) == expected


@pytest.mark.parametrize(
    ("content", "capabilities", "detail"),
    [
        (text("x" * 61), PLAIN, "61 characters; the channel takes 60"),
        (image("x" * 11), PLAIN, "11 characters; the channel takes 10"),
        (image("x", type="document"), PLAIN, "1 characters; the channel takes 0"),
        ({**MENU, "text": "x" * 21}, RICH, "21 characters; the channel takes 20"),
    ],
)
def test_a_text_that_is_too_long_is_refused(
    content: dict[str, Any], capabilities: Capabilities, detail: str
) -> None:
    assert refusal(mt(content), capabilities) == ("content_too_long", detail)


@pytest.mark.parametrize(
    ("buttons", "lines"),
    [
        ([YES, NO], "1. Yes\n2. No"),
        ([SHOP], "Shop: https://shop.example"),
        ([CALL], "Call us: +447700900001"),
        ([WHERE], "1. Where are you?"),
    ],
)
def test_buttons_that_the_channel_lacks_are_written_out(buttons: list[dict[str, str]], lines: str) -> None:
    fitted = fit(mt(text("Hello", *buttons)), PLAIN)
    assert shown(fitted) == ({"text": f"Hello\n{lines}"}, ("buttons were written out as text",))


@pytest.mark.parametrize(
    "buttons",
    [
        [YES, NO, YES, NO],  # too many
        [SHOP, SHOP],
        [YES, SHOP],  # of two kinds
        [{**YES, "title": "Certainly"}],  # too long a title
        [WHERE],  # of a kind that there is not
    ],
)
def test_buttons_that_do_not_fit_are_written_out_all_of_them(buttons: list[dict[str, str]]) -> None:
    content, degraded = shown(fit(mt(text("Hello", *buttons)), RICH))
    assert (len(content["text"].splitlines()), set(content)) == (1 + len(buttons), {"text"})
    assert degraded == ("buttons were written out as text",)


def test_buttons_of_media_are_written_into_its_caption() -> None:
    with_caption, without = fit(mt(image("Tea?", YES, NO)), PLAIN_LONG), fit(mt(image(None, YES)), PLAIN_LONG)
    assert with_caption.content == mt(image("Tea?\n1. Yes\n2. No")).content
    assert without.content == mt(image("1. Yes")).content


PLAIN_LONG = Capabilities(content={"text": None, "image": 60}, receipts=True)


def test_a_list_that_the_channel_lacks_is_written_out() -> None:
    fitted = fit(mt(MENU), PLAIN)
    assert shown(fitted) == (
        {"text": "Menu\nHot:\n1. Tea\n2. Coffee\n3. Juice (fresh)"},
        ("the list was written out as text",),
    )


def test_what_is_too_long_once_it_is_written_out_is_refused() -> None:
    buttons = [{**YES, "title": "x" * 30}, {**NO, "title": "y" * 30}]
    assert refusal(mt(text("Hello", *buttons)), PLAIN) == (
        "content_too_long",
        "73 characters; the channel takes 60",
    )


def test_a_list_that_is_longer_than_any_text_is_refused_like_every_other() -> None:
    rows = [{"id": str(n), "title": "t" * 1_000, "description": "d" * 1_000} for n in range(50)]
    code, detail = refusal(mt({**MENU, "sections": [{"rows": rows}]}), PLAIN)
    assert (code, "characters; the channel takes 60" in detail) == ("content_too_long", True)


def test_a_quote_is_left_out_where_there_are_none() -> None:
    assert fit(mt(text(), in_reply_to="m-7"), RICH).in_reply_to == "m-7"
    fitted = fit(mt(text(), in_reply_to="m-7"), PLAIN)
    assert (fitted.in_reply_to, fitted.degraded) == (None, ("the quoted message was left out",))


def test_everything_that_was_simplified_is_said() -> None:
    fitted = fit(mt(text("Hello", YES), in_reply_to="m-7"), PLAIN)
    assert fitted.degraded == ("buttons were written out as text", "the quoted message was left out")


@pytest.mark.parametrize(
    ("content", "fields", "note"),
    [
        (text("Hello", YES), {}, "buttons were written out as text"),
        (MENU, {}, "the list was written out as text"),
        (text(), {"in_reply_to": "m-7"}, "the quoted message was left out"),
    ],
)
def test_what_must_not_be_simplified_is_refused(
    content: dict[str, Any], fields: dict[str, Any], note: str
) -> None:
    assert refusal(mt(content, degrade="never", **fields), PLAIN) == (
        "unsupported_content",
        f"without being simplified it cannot be sent: {note}",
    )
