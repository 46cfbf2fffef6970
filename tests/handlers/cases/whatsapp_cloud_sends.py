"""What is sent through whatsapp_cloud: rows from submission to the exact request."""

from __future__ import annotations

from typing import Any

from gateway.errors import FailureKind
from gateway.model.address import Address
from tests.handlers.cases.whatsapp_cloud_accounts import BSUID, DONE, TAKEN, TO, marked, said
from tests.handlers.rows import REFERENCE, Failed, SendRow, Sent, answer

AUTH, PERMANENT = FailureKind.AUTH, FailureKind.PERMANENT
TRANSIENT, THROTTLED, UNCERTAIN = FailureKind.TRANSIENT, FailureKind.THROTTLED, FailureKind.UNCERTAIN


def sent(name: str, content: dict[str, Any], request: Sent, **more: Any) -> SendRow:
    given = {"to": TO, "answers": (TAKEN,), "ids": ("wamid.OUT",), **more}
    return SendRow(name, content, requests=(request,), **given)


def refused(name: str, reason: str, content: dict[str, Any], to: Address = TO) -> SendRow:
    return SendRow(name, content, to, refused=reason)


def fails(status: int, error: dict[str, Any], failed: Failed, **headers: str) -> SendRow:
    return SendRow(
        f"error {error.get('code')} with HTTP {status}",
        {"type": "text", "text": "Hello"},
        TO,
        answers=(answer({"error": error}, status, **headers),),
        requests=(said(type="text", text={"body": "Hello", "preview_url": False}),),
        failed=failed,
    )


def reply_button(number: int) -> dict[str, str]:
    return {"type": "reply", "id": f"b{number}", "title": f"Button {number}"}


def reply_row(number: int) -> dict[str, Any]:
    return {"type": "reply", "reply": {"id": f"b{number}", "title": f"Button {number}"}}


LINK = "https://cdn.example/picture.jpg"
URL_BUTTON = {"type": "url", "title": "Track", "url": "https://shop.example/t/1"}
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
        "an image by URL",
        {"type": "image", "url": LINK, "caption": "Yours"},
        said(type="image", image={"link": LINK, "caption": "Yours"}),
    ),
    sent("a video by id", {"type": "video", "media_id": "900"}, said(type="video", video={"id": "900"})),
    sent("audio", {"type": "audio", "media_id": "901"}, said(type="audio", audio={"id": "901"})),
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
    fails(401, {"code": 190, "message": "Expired"}, Failed(AUTH, "account_credentials", "190")),
    fails(403, {"code": 200, "message": "No permission"}, Failed(AUTH, "account_credentials", "200")),
    fails(
        400,
        {"code": 100, "error_subcode": 33, "message": "No such object"},
        Failed(AUTH, "sender_invalid", "100"),
    ),
    fails(400, {"code": 100, "message": "Invalid"}, Failed(PERMANENT, "invalid_message", "100")),
    fails(429, {"code": 130429, "message": "Rate"}, Failed(THROTTLED, "rate_limited", "130429")),
    fails(
        429,
        {"code": 130429, "message": "Rate"},
        Failed(THROTTLED, "rate_limited", "130429", 9.0),
        retry_after="9",
    ),
    fails(400, {"code": 131056, "message": "Pair"}, Failed(TRANSIENT, "rate_limited", "131056", 6.0)),
    fails(500, {"code": 131000, "message": "Oops"}, Failed(TRANSIENT, "provider_error", "131000")),
    fails(
        400,
        {"code": 131047, "message": "m", "error_data": {"details": "More than 24 hours"}},
        Failed(PERMANENT, "outside_session_window", "131047"),
    ),
    fails(400, {"code": 131026, "message": "m"}, Failed(PERMANENT, "recipient_unreachable", "131026")),
    fails(404, {"code": 132001, "message": "m"}, Failed(PERMANENT, "template_unknown", "132001")),
    fails(400, {"code": 999, "is_transient": True}, Failed(TRANSIENT, "provider_error", "999")),
    fails(400, {"code": 999, "message": "New"}, Failed(PERMANENT, "provider_error", "999")),
    fails(500, {"code": 999, "message": "New"}, Failed(UNCERTAIN, "provider_error", "999")),
    fails(200, {"code": 999, "message": "New"}, Failed(PERMANENT, "provider_error", "999")),
)
