"""What is sent through whatsapp_cloud: rows from submission to the exact request."""

from __future__ import annotations

from typing import Any

from gateway.model.address import Address
from tests.handlers.cases.whatsapp_cloud_accounts import BSUID, DONE, TAKEN, TO, marked, said
from tests.handlers.rows import REFERENCE, SendRow, Sent, answer


def sent(name: str, content: dict[str, Any], request: Sent, **more: Any) -> SendRow:
    given = {"to": TO, "answers": (TAKEN,), "ids": ("wamid.OUT",), **more}
    return SendRow(name, content, requests=(request,), **given)


def refused(name: str, reason: str, content: dict[str, Any], to: Address = TO) -> SendRow:
    return SendRow(name, content, to, refused=reason)


def reply_button(number: int) -> dict[str, str]:
    return {"type": "reply", "id": f"b{number}", "title": f"Button {number}"}


def reply_row(number: int) -> dict[str, Any]:
    return {"type": "reply", "reply": {"id": f"b{number}", "title": f"Button {number}"}}


LINK = "https://cdn.example/picture.jpg"
URL_BUTTON = {"type": "url", "title": "Track", "url": "https://shop.example/t/1"}
HERE = {"type": "location", "title": "I am here"}
SECTIONS = [{"title": "Sizes", "rows": [{"id": "s", "title": "Small", "description": "36"}]}]

SENDS = (
    sent(
        "a text",
        {"type": "text", "text": "Hello"},
        said(type="text", text={"body": "Hello", "preview_url": False}),
    ),
    sent(
        "a text with a preview that quotes",
        {"type": "text", "text": "See https://shop.example", "preview_url": True},
        said(
            type="text",
            text={"body": "See https://shop.example", "preview_url": True},
            context={"message_id": "wamid.IN"},
        ),
        in_reply_to="wamid.IN",
    ),
    sent(
        "a text to somebody who hides the number",
        {"type": "text", "text": "Hello"},
        said(to=None, recipient=BSUID.id, type="text", text={"body": "Hello", "preview_url": False}),
        to=BSUID,
    ),
    sent(
        "the second part of a text",
        {"type": "text", "text": "Bye"},
        said(
            type="text",
            text={"body": "Bye", "preview_url": False},
            biz_opaque_callback_data=f"{REFERENCE}#2",
        ),
        part=2,
    ),
    *(
        sent(
            f"a template whose message is {state}",
            {"type": "template", "name": "hello_world", "language": "en_US"},
            said(type="template", template={"name": "hello_world", "language": {"code": "en_US"}}),
            answers=(answer({"messages": [{"id": "wamid.OUT", "message_status": state}]}),),
        )
        for state in ("accepted", "held_for_quality_assessment", "paused")
    ),
    sent(
        "an image by URL",
        {"type": "image", "url": LINK, "caption": "Yours"},
        said(type="image", image={"link": LINK, "caption": "Yours"}),
    ),
    sent("a video by id", {"type": "video", "media_id": "900"}, said(type="video", video={"id": "900"})),
    sent("audio", {"type": "audio", "media_id": "901"}, said(type="audio", audio={"id": "901"})),
    *(
        sent(
            f"a voice message: {mime_type}",
            {"type": "audio", "media_id": "901", "mime_type": mime_type},
            said(type="audio", audio={"id": "901", "voice": True}),
        )
        for mime_type in ("audio/ogg", "audio/ogg; codecs=opus")
    ),
    sent("a sticker", {"type": "sticker", "media_id": "902"}, said(type="sticker", sticker={"id": "902"})),
    sent(
        "a document with its name",
        {"type": "document", "url": "https://cdn.example/a.pdf", "filename": "Invoice.pdf"},
        said(type="document", document={"link": "https://cdn.example/a.pdf", "filename": "Invoice.pdf"}),
    ),
    sent(
        "a location",
        {"type": "location", "latitude": 51.5, "longitude": -0.12, "name": "Shop", "address": "1 High St"},
        said(
            type="location",
            location={"latitude": 51.5, "longitude": -0.12, "name": "Shop", "address": "1 High St"},
        ),
    ),
    sent(
        "a contact",
        {"type": "contact", "name": "Ann Lee", "phones": ["+447700900002"], "emails": ["a@shop.example"]},
        said(
            type="contacts",
            contacts=[
                {
                    "name": {"formatted_name": "Ann Lee", "first_name": "Ann Lee"},
                    "phones": [{"phone": "+447700900002"}],
                    "emails": [{"email": "a@shop.example"}],
                }
            ],
        ),
    ),
    sent(
        "reply buttons",
        {"type": "text", "text": "Which?", "buttons": [reply_button(1), reply_button(2), reply_button(3)]},
        said(
            type="interactive",
            interactive={
                "type": "button",
                "body": {"text": "Which?"},
                "action": {"buttons": [reply_row(1), reply_row(2), reply_row(3)]},
            },
        ),
    ),
    sent(
        "reply buttons under an image",
        {"type": "image", "url": LINK, "caption": "This one?", "buttons": [reply_button(1)]},
        said(
            type="interactive",
            interactive={
                "type": "button",
                "header": {"type": "image", "image": {"link": LINK}},
                "body": {"text": "This one?"},
                "action": {"buttons": [reply_row(1)]},
            },
        ),
    ),
    sent(
        "a URL button",
        {"type": "text", "text": "On its way", "buttons": [URL_BUTTON]},
        said(
            type="interactive",
            interactive={
                "type": "cta_url",
                "body": {"text": "On its way"},
                "action": {
                    "name": "cta_url",
                    "parameters": {"display_text": "Track", "url": "https://shop.example/t/1"},
                },
            },
        ),
    ),
    sent(
        "a button that asks where somebody is",
        {"type": "text", "text": "Where to?", "buttons": [HERE]},
        said(
            type="interactive",
            interactive={
                "type": "location_request_message",
                "body": {"text": "Where to?"},
                "action": {"name": "send_location"},
            },
        ),
    ),
    sent(
        "a list",
        {"type": "list", "text": "Which size?", "button": "Sizes", "sections": SECTIONS},
        said(
            type="interactive",
            interactive={
                "type": "list",
                "body": {"text": "Which size?"},
                "action": {"button": "Sizes", "sections": SECTIONS},
            },
        ),
    ),
    sent(
        "a template with parameters, one of its buttons without",
        {
            "type": "template",
            "name": "order_sent",
            "language": "en_GB",
            "parameters": {"header": ["4711"], "body": ["Ann", "Monday"], "buttons": ["", "t/1"]},
        },
        said(
            type="template",
            template={
                "name": "order_sent",
                "language": {"code": "en_GB"},
                "components": [
                    {"type": "header", "parameters": [{"type": "text", "text": "4711"}]},
                    {
                        "type": "body",
                        "parameters": [{"type": "text", "text": "Ann"}, {"type": "text", "text": "Monday"}],
                    },
                    {
                        "type": "button",
                        "sub_type": "url",
                        "index": "1",
                        "parameters": [{"type": "text", "text": "t/1"}],
                    },
                ],
            },
        ),
    ),
    sent(
        "a template without parameters",
        {"type": "template", "name": "hello_world", "language": "en_US"},
        said(type="template", template={"name": "hello_world", "language": {"code": "en_US"}}),
    ),
    sent(
        "a reaction, which no receipt follows",
        {"type": "reaction", "to": "wamid.IN", "emoji": "👍"},
        said(type="reaction", reaction={"message_id": "wamid.IN", "emoji": "👍"}),
        receipts_follow=False,
    ),
    sent(
        "a read mark",
        {"type": "read", "of": "wamid.IN"},
        marked(message_id="wamid.IN"),
        answers=(DONE,),
        ids=(f"read:{REFERENCE}",),
        receipts_follow=False,
    ),
    sent(
        "typing, as the answer to a message",
        {"type": "typing"},
        marked(message_id="wamid.IN", typing_indicator={"type": "text"}),
        answers=(DONE,),
        ids=(f"typing:{REFERENCE}",),
        receipts_follow=False,
        in_reply_to="wamid.IN",
    ),
    sent(
        "a raw body, whose recipient stays ours",
        {"type": "raw", "payload": {"type": "order", "order": {"id": 1}, "to": "447700900999"}},
        said(type="order", order={"id": 1}),
    ),
    refused("typing that answers nothing", "unsupported_content", {"type": "typing"}),
    refused(
        "a caption on audio", "unsupported_content", {"type": "audio", "media_id": "1", "caption": "Listen"}
    ),
    refused(
        "buttons of two kinds",
        "unsupported_content",
        {"type": "text", "text": "Well?", "buttons": [reply_button(1), URL_BUTTON]},
    ),
    refused(
        "a location button under an image",
        "unsupported_content",
        {"type": "image", "url": LINK, "caption": "Where to?", "buttons": [HERE]},
    ),
    refused(
        "buttons under audio",
        "unsupported_content",
        {"type": "audio", "media_id": "1", "buttons": [reply_button(1)]},
    ),
    refused(
        "buttons without a text",
        "unsupported_content",
        {"type": "image", "media_id": "1", "buttons": [reply_button(1)]},
    ),
    refused(
        "buttons under a long text",
        "content_too_long",
        {"type": "text", "text": "x" * 1_025, "buttons": [reply_button(1)]},
    ),
    refused(
        "an address of another channel",
        "invalid_recipient",
        {"type": "text", "text": "Hello"},
        Address(kind="psid", id="1234567890"),
    ),
    refused(
        "a payload that no JSON can hold",
        "invalid_message",
        {"type": "raw", "payload": {"type": "order", "order": 2**70}},
    ),
)
