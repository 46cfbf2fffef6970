"""What is sent through line: rows from submission to the exact requests."""

from __future__ import annotations

from typing import Any

from tests.handlers.cases.line_accounts import (
    GROUP,
    HELLO,
    ID,
    NO,
    PICTURE,
    SECOND_ID,
    SHOP,
    SIZES,
    TAKEN,
    TAKEN_TWO,
    TO,
    TO_GROUP,
    USER,
    YES,
    asked,
    called,
    pushed,
    refusal,
)
from tests.handlers.cases.line_failures import FAILURES
from tests.handlers.rows import REFERENCE, SendRow, Sent, answer

FILM, SONG = "https://cdn.example/a.mp4", "https://cdn.example/a.m4a"
US = {"type": "call", "title": "Us", "phone": "+44 7700 900100"}
HERE = {"type": "location", "title": "Here"}
YES_ACTION = {"type": "postback", "label": "Yes", "data": "y", "displayText": "Yes"}
NO_ACTION = {"type": "postback", "label": "No", "data": "n", "displayText": "No"}
SHOP_ACTION = {"type": "uri", "label": "Shop", "uri": "https://shop.example"}
US_ACTION = {"type": "uri", "label": "Us", "uri": "tel:+447700900100"}
HERE_ACTION = {"type": "location", "label": "Here"}
LONG = "Which of these? " * 11


def sent(name: str, content: dict[str, Any], request: Sent, **more: Any) -> SendRow:
    given = {"to": TO, "answers": (TAKEN,), "ids": (ID,), **more}
    return SendRow(name, content, requests=(request,), **given)


def template(kind: str, text: str, *actions: dict[str, str]) -> dict[str, Any]:
    part = {"type": kind, "text": text, "actions": list(actions)}
    return {"type": "template", "altText": text, "template": part}


def quick(*actions: dict[str, str]) -> dict[str, Any]:
    return {"quickReply": {"items": [{"type": "action", "action": action} for action in actions]}}


def column(text: str, row_id: str, said: str) -> dict[str, Any]:
    action = {"type": "postback", "label": "Choose", "data": row_id, "displayText": said}
    return {"text": text, "actions": [action]}


CAROUSEL = {
    "type": "template",
    "altText": "Which size?",
    "template": {
        "type": "carousel",
        "columns": [column("Shoes\nSmall\n36", "s", "Small"), column("Medium", "m", "Medium")],
    },
}
FLEX = {"type": "flex", "altText": "A bill", "contents": {"type": "bubble"}}

TAKEN_MESSAGES = (
    sent("a text", HELLO, pushed(HELLO)),
    sent("the second part, under a key of its own", HELLO, pushed(HELLO, key=f"{REFERENCE}#2"), part=2),
    sent("a text to a group", HELLO, pushed(HELLO, to=GROUP), to=TO_GROUP),
    sent(
        "two replies, which make a confirm template",
        asked("Sure?", YES, NO),
        pushed(template("confirm", "Sure?", YES_ACTION, NO_ACTION)),
    ),
    sent(
        "buttons of several kinds, which make a buttons template",
        asked("Well?", YES, SHOP, US),
        pushed(template("buttons", "Well?", YES_ACTION, SHOP_ACTION, US_ACTION)),
    ),
    sent(
        "a text too long for the buttons template",
        asked(LONG, YES),
        pushed({"type": "text", "text": LONG, **quick(YES_ACTION)}),
    ),
    sent(
        "a button for a place, which only quick replies have",
        asked("Where?", HERE, NO),
        pushed({"type": "text", "text": "Where?", **quick(HERE_ACTION, NO_ACTION)}),
    ),
    sent(
        "five buttons, which are one too many for a template",
        asked("Well?", YES, NO, SHOP, US, YES),
        pushed(
            {
                "type": "text",
                "text": "Well?",
                **quick(YES_ACTION, NO_ACTION, SHOP_ACTION, US_ACTION, YES_ACTION),
            }
        ),
    ),
    sent(
        "an image with a button",
        {"type": "image", "url": PICTURE, "buttons": [YES]},
        pushed(
            {
                "type": "image",
                "originalContentUrl": PICTURE,
                "previewImageUrl": PICTURE,
                **quick(YES_ACTION),
            }
        ),
    ),
    sent(
        "a video",
        {"type": "video", "url": FILM},
        pushed({"type": "video", "originalContentUrl": FILM, "previewImageUrl": FILM}),
    ),
    sent(
        "a video with the account's preview",
        {"type": "video", "url": FILM},
        pushed(
            {
                "type": "video",
                "originalContentUrl": FILM,
                "previewImageUrl": "https://cdn.example/film.jpg",
            }
        ),
        account="films",
    ),
    sent(
        "audio",
        {"type": "audio", "url": SONG},
        pushed({"type": "audio", "originalContentUrl": SONG, "duration": 60_000}),
    ),
    sent(
        "audio of the account's usual length",
        {"type": "audio", "url": SONG},
        pushed({"type": "audio", "originalContentUrl": SONG, "duration": 9_000}),
        account="films",
    ),
    sent(
        "a sticker",
        {"type": "sticker", "media_id": "446:1988"},
        pushed({"type": "sticker", "packageId": "446", "stickerId": "1988"}),
    ),
    sent(
        "a location",
        {"type": "location", "latitude": 35.65, "longitude": 139.7, "name": "Shop", "address": "x" * 101},
        pushed(
            {
                "type": "location",
                "title": "Shop",
                "address": "x" * 99 + "…",
                "latitude": 35.65,
                "longitude": 139.7,
            }
        ),
    ),
    sent(
        "a location without a name",
        {"type": "location", "latitude": 35.65, "longitude": 139.7},
        pushed(
            {
                "type": "location",
                "title": "35.65, 139.7",
                "address": "35.65, 139.7",
                "latitude": 35.65,
                "longitude": 139.7,
            }
        ),
    ),
    sent(
        "a list, which makes a text and a carousel",
        SIZES,
        pushed({"type": "text", "text": "Which size?"}, CAROUSEL),
        answers=(TAKEN_TWO,),
        ids=(ID, SECOND_ID),
    ),
    sent(
        "a raw push, whose recipient stays ours",
        {"type": "raw", "payload": {"messages": [FLEX], "notificationDisabled": True, "to": "Uother"}},
        pushed(FLEX, notificationDisabled=True),
    ),
    sent(
        "typing, without a retry key",
        {"type": "typing"},
        called("chat/loading/start", {"chatId": USER, "loadingSeconds": 20}),
        answers=(answer({}, 202),),
        ids=(f"typing:{REFERENCE}",),
    ),
    sent(
        "a repetition of what was taken, with its message ids",
        HELLO,
        pushed(HELLO),
        answers=(
            answer(
                {"message": "The retry key is already accepted", "sentMessages": [{"id": ID}]},
                409,
                x_line_accepted_request_id="first-request",
            ),
        ),
    ),
    sent(
        "a repetition of what was taken, without them",
        HELLO,
        pushed(HELLO),
        answers=(refusal(409, "Accepted before", x_line_accepted_request_id="first-request"),),
        ids=("first-request",),
    ),
)

SENDS = (*TAKEN_MESSAGES, *FAILURES)
