"""What is sent through apple_messages: rows from submission to the exact requests."""

from __future__ import annotations

from typing import Any

from gateway.model.address import Address
from gateway.transports.port import HttpResponse
from tests.handlers.cases.apple_messages_accounts import (
    ID,
    IDS,
    OF_PART_2,
    SECOND,
    TAKEN,
    TO,
    said,
)
from tests.handlers.cases.apple_messages_failures import (
    ASK,
    FAILED_MESSAGES,
    FETCH,
    HELLO,
    LINK,
    PLACE,
    PUT,
    UPLOADED,
)
from tests.handlers.rows import SendRow, Sent

EXTENSION = (
    "com.apple.messages.MSMessageExtensionBalloonPlugin:0000000000"
    ":com.apple.icloud.apps.messages.business.extension"
)


def sent(name: str, content: dict[str, Any], *requests: Sent, **more: Any) -> SendRow:
    given = {"answers": (TAKEN,) * len(requests), "ids": (IDS[ID],), **more}
    return SendRow(name, content, TO, requests=requests, **given)


def refused(name: str, reason: str, content: dict[str, Any], **more: Any) -> SendRow:
    return SendRow(name, content, refused=reason, **{"to": TO, **more})


def attached(kind: str, mime_type: str, name: str, body: str, **more: Any) -> SendRow:
    file = {
        "name": name,
        "mimeType": mime_type,
        "size": "7",
        "signature-base64": "ARavfJ5X",
        "url": "https://mmcs.example/1",
        "owner": "owner-1",
        "key": "fresh",
    }
    return SendRow(
        f"a file: {kind}",
        {"type": kind, "url": LINK, **more},
        TO,
        (HttpResponse(200, {"content-type": mime_type}, b"picture"), PLACE, UPLOADED, TAKEN),
        (FETCH, ASK, PUT, said(type="text", body=body, attachments=[file])),
        (IDS[ID],),
    )


def interactive(data: dict[str, Any], **bubbles: Any) -> Sent:
    whole = {"version": "1.0", "requestIdentifier": ID, **data}
    return said(type="interactive", interactiveData={"bid": EXTENSION, "data": whole, **bubbles})


def reply(number: str, title: str) -> dict[str, str]:
    return {"type": "reply", "id": number, "title": title}


def bubbles(title: str, text: str) -> dict[str, Any]:
    received = {"title": title, "subtitle": text, "style": "small"}
    return {"receivedMessage": received, "replyMessage": {"title": title, "style": "small"}}


RAW = {"type": "interactive", "interactiveData": {"bid": "mine", "data": {"event": {}}}, "id": "forged"}

TAKEN_MESSAGES = (
    sent("a text", HELLO, said(type="text", body="Hello")),
    sent(
        "the second part of a text",
        HELLO,
        said(OF_PART_2, type="text", body="Hello"),
        ids=(IDS[OF_PART_2],),
        part=2,
    ),
    sent(
        "an answer that comes in chunks, of which there are none",
        HELLO,
        said(type="text", body="Hello"),
        answers=(HttpResponse(200, {"transfer-encoding": "chunked"}),),
    ),
    sent(
        "quick replies",
        {"type": "text", "text": "Well?", "buttons": [reply("y", "Yes"), reply("n", "No")]},
        interactive(
            {
                "quick-reply": {
                    "summaryText": "Well?",
                    "items": [{"identifier": "y", "title": "Yes"}, {"identifier": "n", "title": "No"}],
                }
            }
        ),
    ),
    sent(
        "one button alone, as a list of one row",
        {"type": "text", "text": "Well?", "buttons": [reply("y", "Yes")]},
        interactive(
            {
                "listPicker": {
                    "sections": [
                        {
                            "title": "",
                            "order": 0,
                            "multipleSelection": False,
                            "items": [{"identifier": "y", "title": "Yes", "order": 0, "style": "default"}],
                        }
                    ]
                }
            },
            **bubbles("Yes", "Well?"),
        ),
    ),
    sent(
        "a button with a URL, as a rich link behind the text",
        {
            "type": "text",
            "text": "See",
            "buttons": [{"type": "url", "title": "Shop", "url": "https://shop.example"}],
        },
        said(type="text", body="See"),
        said(
            SECOND,
            type="richLink",
            richLinkData={"url": "https://shop.example", "title": "Shop", "assets": {}},
        ),
        ids=(IDS[ID], IDS[SECOND]),
    ),
    sent(
        "a list",
        {
            "type": "list",
            "text": "What do you need?",
            "button": "Choose",
            "sections": [
                {"title": "Fruit", "rows": [{"id": "a", "title": "Apple", "description": "Red"}]},
                {"title": "Else", "rows": [{"id": "b", "title": "Bread"}, {"id": "c", "title": "Cake"}]},
            ],
        },
        interactive(
            {
                "listPicker": {
                    "sections": [
                        {
                            "title": "Fruit",
                            "order": 0,
                            "multipleSelection": False,
                            "items": [
                                {
                                    "identifier": "a",
                                    "title": "Apple",
                                    "order": 0,
                                    "style": "default",
                                    "subtitle": "Red",
                                }
                            ],
                        },
                        {
                            "title": "Else",
                            "order": 1,
                            "multipleSelection": False,
                            "items": [
                                {"identifier": "b", "title": "Bread", "order": 0, "style": "default"},
                                {"identifier": "c", "title": "Cake", "order": 1, "style": "default"},
                            ],
                        },
                    ]
                }
            },
            **bubbles("Choose", "What do you need?"),
        ),
    ),
    sent("typing", {"type": "typing"}, said(type="typing_start")),
    sent(
        "a raw body, whose id is ours",
        {"type": "raw", "payload": RAW},
        said(
            type="interactive",
            interactiveData={"bid": "mine", "data": {"event": {}, "requestIdentifier": ID}},
        ),
    ),
    sent(
        "a raw body that is no interactive one",
        {"type": "raw", "payload": {"type": "richLink", "richLinkData": {"url": "https://shop.example"}}},
        said(type="richLink", richLinkData={"url": "https://shop.example"}),
    ),
    attached("image", "image/jpeg", "the picture.jpg", "\ufffcThis?", caption="This?"),
    attached("video", "video/mp4", "the picture.jpg", "\ufffc"),
    attached("audio", "audio/aac", "the picture.jpg", "\ufffc"),
    attached("document", "application/pdf", "a.pdf", "\ufffc", filename="a.pdf"),
)

REFUSED_MESSAGES = (
    refused("a phone number", "invalid_recipient", HELLO, to=Address(kind="msisdn", id="447700900001")),
    refused("a sticker", "unsupported_content", {"type": "sticker", "url": LINK}),
    refused("a file by id", "unsupported_content", {"type": "image", "media_id": "1"}),
    refused("a template", "unsupported_content", {"type": "template", "name": "n", "language": "en"}),
    refused(
        "a button to call",
        "unsupported_content",
        {**HELLO, "buttons": [{"type": "call", "title": "Call", "phone": "1"}]},
    ),
    refused(
        "too many buttons",
        "unsupported_content",
        {**HELLO, "buttons": [reply(str(number), "Yes") for number in range(6)]},
    ),
    refused("a raw body without a type", "unsupported_content", {"type": "raw", "payload": {"body": "x"}}),
)

SENDS = TAKEN_MESSAGES + REFUSED_MESSAGES + FAILED_MESSAGES
