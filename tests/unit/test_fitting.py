"""An MT is made to fit its channel: carried, simplified and said so, or refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.errors import MessageRefused
from gateway.model.content import TextContent
from gateway.model.message import MTMessage
from handlers.contract import NO_TEXT, Capabilities, ListLimits, MediaRule
from handlers.shared.splitting import Limit
from processors.fitting import Fitted, fit

PLAIN = Capabilities(content={"text": Limit(60), "image": Limit(10), "document": NO_TEXT}, receipts=True)
RICH = Capabilities(
    content={"text": Limit(60), "image": None, "list": Limit(20), "location": None, "template": None},
    receipts=True,
    buttons={"reply": 3, "url": 1, "call": 1},
    buttons_under=frozenset({"text", "image"}),
    button_title=Limit(8),
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
    (content,) = fitted.contents
    return content.model_dump(mode="json", exclude_defaults=True), fitted.degraded


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
    assert fit(message, capabilities) == Fitted((message.content,))


@pytest.mark.parametrize("kind", ["video", "sticker", "audio"])
def test_media_that_the_channel_does_not_carry_becomes_a_link(kind: str) -> None:
    assert shown(fit(mt(image("Look", type=kind)), PLAIN)) == (
        {"text": "Look\nhttps://shop.example/1"},
        (f"the {kind} was written out as text",),
    )
    by_id = {"type": kind, "media_id": "m"}
    refused = ("unsupported_content", f"the channel does not carry {kind}")
    assert refusal(mt(by_id), PLAIN) == refused
    assert refusal(mt(image(type=kind)), SILENT) == refused


SILENT = Capabilities(content={"image": None}, receipts=True)


def test_a_place_and_a_contact_become_text() -> None:
    place = {"type": "location", "latitude": 51.5, "longitude": -0.1, "name": "Shop"}
    contact = {"type": "contact", "name": "Ann", "phones": ["+44"], "emails": ["a@b.example"]}
    assert shown(fit(mt(place), PLAIN)) == (
        {"text": "Shop\nhttps://maps.google.com/?q=51.5,-0.1"},
        ("the location was written out as text",),
    )
    assert shown(fit(mt(contact), PLAIN)) == (
        {"text": "Ann\n+44\na@b.example"},
        ("the contact was written out as text",),
    )


def test_media_of_a_type_that_the_provider_does_not_take_are_refused() -> None:
    can = Capabilities({"image": None}, True, media={"image": MediaRule(frozenset({"image/png"}))})
    for mime_type, refused in (("image/png; q=1", False), ("IMAGE/PNG", False), ("image/tiff", True)):
        message = mt({**image(), "mime_type": mime_type})
        if refused:
            assert refusal(message, can) == ("media_unsupported", "the channel takes no image of this type")
        else:
            assert fit(message, can).contents == (message.content,)


@pytest.mark.parametrize(
    "content",
    [
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


def texts(fitted: Fitted) -> list[str]:
    return [content.text for content in fitted.contents if isinstance(content, TextContent)]


def test_a_text_that_is_too_long_goes_in_several_messages_with_the_buttons_under_the_last() -> None:
    words = "word " * 20
    plain, rich = fit(mt(text(words)), PLAIN), fit(mt(text(words, YES), degrade="never"), RICH)
    assert (texts(plain), plain.degraded) == (["word " * 12, "word " * 8], ())
    assert texts(rich) == ["word " * 12, "word " * 8]
    assert [len(content.buttons) for content in rich.contents if isinstance(content, TextContent)] == [0, 1]


def test_a_text_with_buttons_goes_by_the_limit_that_it_has_with_them() -> None:
    can = replace(RICH, text_with_buttons=Limit(30))
    assert texts(fit(mt(text("word " * 10)), can)) == ["word " * 10]
    assert texts(fit(mt(text("word " * 10, YES)), can)) == ["word " * 6, "word " * 4]


@pytest.mark.parametrize(("kind", "caption"), [("image", "x" * 11), ("document", "x")])
def test_a_caption_that_is_too_long_is_a_message_of_its_own(kind: str, caption: str) -> None:
    fitted = fit(mt(image(caption, type=kind)), PLAIN)
    assert [content.model_dump(exclude_defaults=True) for content in fitted.contents] == [
        {"type": kind, "url": "https://shop.example/1"},
        {"text": caption},
    ]
    assert fitted.degraded == ("the caption was sent as a message of its own",)
    assert refusal(mt(image("x")), replace(SILENT, content={"image": NO_TEXT})) == (
        "content_too_long",
        "it is longer than the 0 characters allowed",
    )


def test_media_that_carry_no_caption_carry_none_with_buttons_either() -> None:
    can = replace(RICH, content={"text": None, "image": NO_TEXT}, text_with_buttons=Limit(30))
    fitted = fit(mt(image("Tea?", YES)), can)
    assert [content.model_dump(exclude_defaults=True) for content in fitted.contents] == [
        {"type": "image", "url": "https://shop.example/1"},
        {"text": "Tea?", "buttons": ({"id": "y", "title": "Yes"},)},
    ]


def test_the_text_before_a_list_may_be_too_long_for_the_list_itself() -> None:
    fitted = fit(mt({**MENU, "text": "word " * 6}), RICH)
    assert [content.type for content in fitted.contents] == ["text", "list"]
    assert "".join(getattr(content, "text", "") for content in fitted.contents) == "word " * 6


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
        [WHERE],  # of a kind that there is not
    ],
)
def test_buttons_that_do_not_fit_are_written_out_all_of_them(buttons: list[dict[str, str]]) -> None:
    content, degraded = shown(fit(mt(text("Hello", *buttons)), RICH))
    assert (len(content["text"].splitlines()), set(content)) == (1 + len(buttons), {"text"})
    assert degraded == ("buttons were written out as text",)


def test_buttons_of_media_are_written_into_its_caption() -> None:
    with_caption, without = fit(mt(image("Tea?", YES, NO)), PLAIN_LONG), fit(mt(image(None, YES)), PLAIN_LONG)
    assert with_caption.contents == (mt(image("Tea?\n1. Yes\n2. No")).content,)
    assert without.contents == (mt(image("1. Yes")).content,)


PLAIN_LONG = Capabilities(content={"text": None, "image": Limit(60)}, receipts=True)


def test_a_list_that_the_channel_lacks_is_written_out() -> None:
    fitted = fit(mt(MENU), PLAIN)
    assert shown(fitted) == (
        {"text": "Menu\nHot:\n1. Tea\n2. Coffee\n3. Juice (fresh)"},
        ("the list was written out as text",),
    )


def test_titles_that_are_too_long_are_cut_and_that_is_said() -> None:
    fitted = fit(mt(text("Hello", {**YES, "title": "Certainly"})), RICH)
    assert shown(fitted) == (
        {"text": "Hello", "buttons": [{"id": "y", "title": "Certain…"}]},
        ("titles that were too long were cut",),
    )


def test_the_titles_of_a_list_are_cut_too() -> None:
    can = replace(RICH, lists=ListLimits(rows=3, title=Limit(4), description=Limit(4), button=Limit(4)))
    content, degraded = shown(fit(mt(MENU), can))
    assert content["button"] == "Cho…"
    assert content["sections"] == [
        {"title": "Hot", "rows": [{"id": "1", "title": "Tea"}, {"id": "2", "title": "Cof…"}]},
        {"rows": [{"id": "3", "title": "Jui…", "description": "fre…"}]},
    ]
    assert degraded == ("titles that were too long were cut",)


def test_a_list_with_too_many_rows_is_written_out() -> None:
    can = replace(RICH, lists=ListLimits(rows=2, title=Limit(9), description=Limit(9), button=Limit(9)))
    assert shown(fit(mt(MENU), can))[1] == ("the list was written out as text",)


def test_a_short_list_becomes_buttons_where_there_are_no_lists() -> None:
    can = replace(RICH, content={"text": None})
    short = {**MENU, "sections": [{"rows": [{"id": "1", "title": "Tea"}, {"id": "2", "title": "Coffee"}]}]}
    assert shown(fit(mt(short), can)) == (
        {"text": "Menu", "buttons": [{"id": "1", "title": "Tea"}, {"id": "2", "title": "Coffee"}]},
        ("the list was turned into buttons",),
    )


def test_what_would_go_in_very_many_messages_is_refused() -> None:
    rows = [{"id": str(n), "title": "t" * 1_000, "description": "d" * 1_000} for n in range(50)]
    code, detail = refusal(mt({**MENU, "sections": [{"rows": rows}]}), PLAIN)
    assert (code, "messages; at most 32 are sent" in detail) == ("content_too_long", True)


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
