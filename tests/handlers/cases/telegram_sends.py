"""What is sent through telegram: rows from submission to the exact calls."""

from __future__ import annotations

from typing import Any

from gateway.errors import FailureKind
from gateway.model.address import Address
from tests.handlers.cases.telegram_accounts import DONE, TAKEN, TO, call
from tests.handlers.rows import REFERENCE, Failed, SendRow, Sent, answer

LINK = "https://cdn.example/picture.jpg"
NO_PREVIEW = {"link_preview_options": {"is_disabled": True}}
AUTH, PERMANENT, UNCERTAIN = FailureKind.AUTH, FailureKind.PERMANENT, FailureKind.UNCERTAIN


def sent(name: str, content: dict[str, Any], request: Sent, **more: Any) -> SendRow:
    given = {"to": TO, "answers": (TAKEN,), "ids": ("4242:7",), **more}
    return SendRow(name, content, requests=(request,), **given)


def refused(name: str, reason: str, content: dict[str, Any], **more: Any) -> SendRow:
    return SendRow(name, content, refused=reason, **{"to": TO, **more})


def fails(code: int, description: str, failed: Failed, http_status: int | None = None) -> SendRow:
    told = {"ok": False, "error_code": code, "description": description}
    if failed.retry_after_seconds is not None:
        told["parameters"] = {"retry_after": failed.retry_after_seconds}
    return SendRow(
        f"{code} {description}",
        {"type": "text", "text": "Hello"},
        TO,
        answers=(answer(told, http_status or code),),
        requests=(call("sendMessage", text="Hello", **NO_PREVIEW),),
        failed=failed,
    )


def keyboard(*rows: dict[str, str]) -> dict[str, Any]:
    return {"reply_markup": {"inline_keyboard": [[row] for row in rows]}}


TAKEN_MESSAGES = (
    sent("a text", {"type": "text", "text": "Hello"}, call("sendMessage", text="Hello", **NO_PREVIEW)),
    sent(
        "a text with a preview that quotes",
        {"type": "text", "text": "See", "preview_url": True},
        call(
            "sendMessage",
            text="See",
            link_preview_options={"is_disabled": False},
            reply_parameters={"message_id": 5, "allow_sending_without_reply": True},
        ),
        in_reply_to="4242:5",
    ),
    sent(
        "a text that quotes a pressed button of another chat",
        {"type": "text", "text": "See"},
        call(
            "sendMessage",
            text="See",
            **NO_PREVIEW,
            reply_parameters={"message_id": 5, "chat_id": -100, "allow_sending_without_reply": True},
        ),
        in_reply_to="-100:5:900",
    ),
    sent(
        "a text to a public name",
        {"type": "text", "text": "Hello"},
        call("sendMessage", text="Hello", **NO_PREVIEW, chat_id="@shop"),
        to=Address(kind="chat_id", id="@shop"),
    ),
    sent(
        "buttons",
        {
            "type": "text",
            "text": "Well?",
            "buttons": [
                {"type": "reply", "id": "yes", "title": "Yes"},
                {"type": "url", "title": "Shop", "url": "https://shop.example"},
            ],
        },
        call(
            "sendMessage",
            text="Well?",
            **NO_PREVIEW,
            **keyboard(
                {"text": "Yes", "callback_data": "yes"}, {"text": "Shop", "url": "https://shop.example"}
            ),
        ),
    ),
    sent(
        "an image with a caption and a button",
        {
            "type": "image",
            "url": LINK,
            "caption": "This?",
            "buttons": [{"type": "reply", "id": "y", "title": "Y"}],
        },
        call("sendPhoto", photo=LINK, caption="This?", **keyboard({"text": "Y", "callback_data": "y"})),
    ),
    sent("a video by id", {"type": "video", "media_id": "AgAD"}, call("sendVideo", video="AgAD")),
    sent(
        "audio",
        {"type": "audio", "url": "https://cdn.example/a.mp3"},
        call("sendAudio", audio="https://cdn.example/a.mp3"),
    ),
    sent(
        "a voice message",
        {"type": "audio", "media_id": "AwAC", "mime_type": "audio/ogg"},
        call("sendVoice", voice="AwAC"),
    ),
    sent("a document", {"type": "document", "media_id": "BQAC"}, call("sendDocument", document="BQAC")),
    sent("a sticker", {"type": "sticker", "media_id": "CAAC"}, call("sendSticker", sticker="CAAC")),
    sent(
        "a location",
        {"type": "location", "latitude": 51.5, "longitude": -0.12},
        call("sendLocation", latitude=51.5, longitude=-0.12),
    ),
    sent(
        "a venue",
        {"type": "location", "latitude": 51.5, "longitude": -0.12, "name": "Shop"},
        call("sendVenue", latitude=51.5, longitude=-0.12, title="Shop", address="Shop"),
    ),
    sent(
        "a contact",
        {"type": "contact", "name": "Ann", "phones": ["+447700900002"]},
        call("sendContact", phone_number="+447700900002", first_name="Ann"),
    ),
    sent(
        "a contact with more than a number",
        {"type": "contact", "name": "Lee, Ann\nX", "phones": ["+447700900002"], "emails": ["a@shop.example"]},
        call(
            "sendContact",
            phone_number="+447700900002",
            first_name="Lee, Ann\nX",
            vcard="BEGIN:VCARD\nVERSION:3.0\nFN:Lee\\, Ann\\nX\nN:Lee\\, Ann\\nX\nTEL:+447700900002\n"
            "EMAIL:a@shop.example\nEND:VCARD",
        ),
    ),
    sent(
        "a reaction",
        {"type": "reaction", "to": "4242:5", "emoji": "👍"},
        call("setMessageReaction", message_id=5, reaction=[{"type": "emoji", "emoji": "👍"}]),
        answers=(DONE,),
        ids=(f"setMessageReaction:{REFERENCE}",),
    ),
    sent(
        "a reaction taken back",
        {"type": "reaction", "to": "4242:5", "emoji": ""},
        call("setMessageReaction", message_id=5, reaction=[]),
        answers=(DONE,),
        ids=(f"setMessageReaction:{REFERENCE}",),
    ),
    sent(
        "typing",
        {"type": "typing"},
        call("sendChatAction", action="typing"),
        answers=(DONE,),
        ids=(f"sendChatAction:{REFERENCE}",),
    ),
    sent(
        "a raw call that makes two messages, whose recipient stays ours",
        {"type": "raw", "payload": {"method": "sendMediaGroup", "media": [], "chat_id": 1}},
        call("sendMediaGroup", media=[]),
        answers=(
            answer(
                {
                    "ok": True,
                    "result": [
                        {"message_id": 7, "chat": {"id": 4242}},
                        {"message_id": 8, "chat": {"id": 4242}},
                    ],
                }
            ),
        ),
        ids=("4242:7", "4242:8"),
    ),
)

REFUSED_HERE = (
    refused(
        "a raw call that would take the bot away",
        "unsupported_content",
        {"type": "raw", "payload": {"method": "deleteWebhook"}},
    ),
    refused("a raw call of nothing", "unsupported_content", {"type": "raw", "payload": {}}),
    refused("a read mark", "unsupported_content", {"type": "read", "of": "4242:5"}),
    refused(
        "a caption on a sticker", "unsupported_content", {"type": "sticker", "media_id": "1", "caption": "So"}
    ),
    refused(
        "a contact without a number", "unsupported_content", {"type": "contact", "name": "Ann", "phones": []}
    ),
    refused(
        "a call button",
        "unsupported_content",
        {
            "type": "text",
            "text": "Well?",
            "buttons": [{"type": "call", "title": "Us", "phone": "+447700900100"}],
        },
    ),
    refused(
        "a button whose id is too long",
        "content_too_long",
        {"type": "text", "text": "Well?", "buttons": [{"type": "reply", "id": "é" * 33, "title": "Yes"}]},
    ),
    refused(
        "a quote of something else",
        "invalid_message",
        {"type": "text", "text": "Hello"},
        in_reply_to="wamid.IN",
    ),
    refused(
        "an address of another channel",
        "invalid_recipient",
        {"type": "text", "text": "Hello"},
        to=Address(kind="msisdn", id="447700900001"),
    ),
)

TOO_FAST = {"ok": False, "error_code": 429, "description": "Too Many Requests"}
MOVED = {
    "ok": False,
    "error_code": 400,
    "description": "Bad Request: group chat was upgraded to a supergroup chat",
    "parameters": {"migrate_to_chat_id": -100777},
}
HELLO = call("sendMessage", text="Hello", **NO_PREVIEW)
HELLO_THERE = call("sendMessage", text="Hello", **NO_PREVIEW, chat_id=-100777)

TOLD_BY_TELEGRAM = (
    fails(401, "Unauthorized", Failed(AUTH, "account_credentials", "401")),
    fails(404, "Not Found", Failed(AUTH, "account_credentials", "404")),
    fails(
        403,
        "Forbidden: bot was blocked by the user",
        Failed(PERMANENT, "recipient_blocked", "403"),
    ),
    fails(403, "Forbidden: user is deactivated", Failed(PERMANENT, "recipient_gone", "403")),
    fails(
        403,
        "Forbidden: bot can't initiate conversation with a user",
        Failed(PERMANENT, "recipient_unreachable", "403"),
    ),
    fails(400, "Bad Request: chat not found", Failed(PERMANENT, "invalid_recipient", "400")),
    fails(400, "Bad Request: message is too long", Failed(PERMANENT, "content_too_long", "400")),
    fails(
        400,
        "Bad Request: failed to get HTTP URL content",
        Failed(PERMANENT, "media_unreachable", "400"),
    ),
    fails(400, "Bad Request: something new", Failed(PERMANENT, "provider_error", "400")),
    fails(
        429,
        "Too Many Requests: retry after 8",
        Failed(FailureKind.THROTTLED, "rate_limited", "429", 8.0),
    ),
    *(
        SendRow(
            f"a wait of {seconds} seconds is none",
            {"type": "text", "text": "Hello"},
            TO,
            answers=(answer({**TOO_FAST, "parameters": {"retry_after": seconds}}, 429),),
            requests=(HELLO,),
            failed=Failed(FailureKind.THROTTLED, "rate_limited", "http_429"),
        )
        for seconds in (-3, "inf", "nan")
    ),
    fails(500, "Internal Server Error", Failed(UNCERTAIN, "provider_error", "500")),
    fails(400, "Bad Request: said with 200", Failed(PERMANENT, "provider_error", "400"), http_status=200),
    SendRow(
        "a group that moved is followed",
        {"type": "text", "text": "Hello"},
        TO,
        requests=(HELLO, HELLO_THERE),
        answers=(
            answer(MOVED, 400),
            answer({"ok": True, "result": {"message_id": 9, "chat": {"id": -100777}}}),
        ),
        ids=("-100777:9",),
    ),
    SendRow(
        "a group that moved again is not",
        {"type": "text", "text": "Hello"},
        TO,
        answers=(answer(MOVED, 400), answer(MOVED, 400)),
        requests=(HELLO, HELLO_THERE),
        failed=Failed(PERMANENT, "invalid_recipient", "400"),
    ),
)

SENDS = (*TAKEN_MESSAGES, *REFUSED_HERE, *TOLD_BY_TELEGRAM)
