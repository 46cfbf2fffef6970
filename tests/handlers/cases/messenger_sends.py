"""What is sent through messenger: rows from submission to the exact request."""

from __future__ import annotations

from typing import Any

import orjson

from gateway.errors import FailureKind
from gateway.model.address import Address
from tests.handlers.cases.messenger_accounts import DONE, TAKEN, TO, posted_to_page, said, tagged
from tests.handlers.rows import REFERENCE, Failed, SendRow, Sent, answer

AUTH, PERMANENT = FailureKind.AUTH, FailureKind.PERMANENT
TRANSIENT, THROTTLED, UNCERTAIN = FailureKind.TRANSIENT, FailureKind.THROTTLED, FailureKind.UNCERTAIN


def sent(name: str, content: dict[str, Any], request: Sent, **more: Any) -> SendRow:
    given = {"to": TO, "answers": (TAKEN,), "ids": ("m_OUT",), **more}
    return SendRow(name, content, requests=(request,), **given)


def acted(name: str, content: dict[str, Any], **body: Any) -> SendRow:
    ids = (f"{content['type']}:{REFERENCE}",)
    return sent(name, content, posted_to_page(**body), answers=(DONE,), ids=ids, receipts_follow=False)


def refused(name: str, reason: str, content: dict[str, Any], to: Address = TO) -> SendRow:
    return SendRow(name, content, to, refused=reason)


def fails(status: int, code: int, subcode: int | None, failed: Failed, **more: Any) -> SendRow:
    headers = more.pop("headers", {})
    error = {"message": "m", "type": "OAuthException", "code": code, "error_subcode": subcode, **more}
    return SendRow(
        f"error {failed.code} with HTTP {status} {' '.join(headers)}".strip(),
        {"type": "text", "text": "Hello"},
        TO,
        answers=(answer({"error": error}, status, **headers),),
        requests=(said(text="Hello"),),
        failed=failed,
    )


def attachment(kind: str, **payload: Any) -> dict[str, Any]:
    return {"type": kind, "payload": payload}


def usage(*minutes: float) -> dict[str, str]:
    limits = [{"type": "messenger", "estimated_time_to_regain_access": each} for each in minutes]
    return {"x_business_use_case_usage": orjson.dumps({"1067": limits}).decode()}


LINK = "https://cdn.example/picture.jpg"
YES = {"type": "reply", "id": "yes", "title": "Yes"}
NO = {"type": "reply", "id": "no", "title": "No"}
TRACK = {"type": "url", "title": "Track", "url": "https://shop.example/t/1"}
CALL = {"type": "call", "title": "Call us", "phone": "447700900100"}
QUICK_YES = {"content_type": "text", "title": "Yes", "payload": "yes"}
QUICK_NO = {"content_type": "text", "title": "No", "payload": "no"}
LINKS = [
    {"type": "web_url", "title": "Track", "url": "https://shop.example/t/1"},
    {"type": "phone_number", "title": "Call us", "payload": "+447700900100"},
]

SENDS = (
    sent("a text", {"type": "text", "text": "Hello"}, said(text="Hello")),
    sent(
        "a text of a person, by the message's attribute",
        {"type": "text", "text": "Hello"},
        tagged(text="Hello"),
        attributes={"message_tag": "HUMAN_AGENT"},
    ),
    sent(
        "a text of a person, by the account's setting",
        {"type": "text", "text": "Hello"},
        tagged(text="Hello"),
        account="desk",
    ),
    sent(
        "the second part of a text",
        {"type": "text", "text": "Bye"},
        posted_to_page(messaging_type="RESPONSE", message={"text": "Bye", "metadata": f"{REFERENCE}#2"}),
        part=2,
    ),
    sent(
        "an image by URL",
        {"type": "image", "url": LINK},
        said(attachment=attachment("image", url=LINK)),
    ),
    sent(
        "a video by id",
        {"type": "video", "media_id": "900"},
        said(attachment=attachment("video", attachment_id="900")),
    ),
    sent(
        "audio",
        {"type": "audio", "url": "https://cdn.example/a.mp3"},
        said(attachment=attachment("audio", url="https://cdn.example/a.mp3")),
    ),
    sent(
        "a document",
        {"type": "document", "url": "https://cdn.example/a.pdf", "filename": "Invoice.pdf"},
        said(attachment=attachment("file", url="https://cdn.example/a.pdf")),
    ),
    sent(
        "a sticker by id",
        {"type": "sticker", "media_id": "767226160478561"},
        said(sticker_id=767226160478561),
    ),
    sent(
        "a sticker by URL, which is an image",
        {"type": "sticker", "url": LINK},
        said(attachment=attachment("image", url=LINK)),
    ),
    sent(
        "reply buttons",
        {"type": "text", "text": "Well?", "buttons": [YES, NO]},
        said(text="Well?", quick_replies=[QUICK_YES, QUICK_NO]),
    ),
    sent(
        "reply buttons under an image",
        {"type": "image", "url": LINK, "buttons": [YES]},
        said(attachment=attachment("image", url=LINK), quick_replies=[QUICK_YES]),
    ),
    sent(
        "url and call buttons",
        {"type": "text", "text": "On its way", "buttons": [TRACK, CALL]},
        said(
            attachment=attachment("template", template_type="button", text="On its way", buttons=LINKS),
        ),
    ),
    sent(
        "buttons of all kinds",
        {"type": "text", "text": "On its way", "buttons": [TRACK, YES, {**CALL, "phone": "+447700900100"}]},
        said(
            attachment=attachment("template", template_type="button", text="On its way", buttons=LINKS),
            quick_replies=[QUICK_YES],
        ),
    ),
    acted(
        "a reaction",
        {"type": "reaction", "to": "m_IN", "emoji": "👍"},
        sender_action="react",
        payload={"message_id": "m_IN", "reaction": "👍"},
    ),
    acted(
        "a reaction taken back",
        {"type": "reaction", "to": "m_IN", "emoji": ""},
        sender_action="unreact",
        payload={"message_id": "m_IN"},
    ),
    acted("typing", {"type": "typing"}, sender_action="typing_on"),
    acted("a read mark", {"type": "read", "of": "m_IN"}, sender_action="mark_seen"),
    sent(
        "a raw message, whose recipient stays ours",
        {"type": "raw", "payload": {"message": {"text": "Hi"}, "recipient": {"id": "1"}}},
        posted_to_page(messaging_type="RESPONSE", message={"text": "Hi"}),
    ),
    sent(
        "a raw message of a type of its own, which gets no tag",
        {"type": "raw", "payload": {"message": {"template": {}}, "messaging_type": "UTILITY"}},
        posted_to_page(messaging_type="UTILITY", message={"template": {}}),
        account="desk",
    ),
    acted(
        "a raw action",
        {"type": "raw", "payload": {"sender_action": "typing_off"}},
        sender_action="typing_off",
    ),
    SendRow(
        "an action whose answer says nothing",
        {"type": "typing"},
        TO,
        answers=(answer({}),),
        requests=(posted_to_page(sender_action="typing_on"),),
        failed=Failed(UNCERTAIN, "provider_error", "http_200"),
    ),
    refused("a caption", "unsupported_content", {"type": "image", "url": LINK, "caption": "Yours"}),
    refused(
        "a url button under media", "unsupported_content", {"type": "image", "url": LINK, "buttons": [TRACK]}
    ),
    refused(
        "a location button",
        "unsupported_content",
        {"type": "text", "text": "Where?", "buttons": [{"type": "location", "title": "Here"}]},
    ),
    refused(
        "more url and call buttons than a template takes",
        "unsupported_content",
        {"type": "text", "text": "Well?", "buttons": [TRACK, TRACK, TRACK, CALL]},
    ),
    refused(
        "a url button under a long text",
        "content_too_long",
        {"type": "text", "text": "x" * 641, "buttons": [TRACK]},
    ),
    refused(
        "a button with a long id",
        "content_too_long",
        {"type": "text", "text": "Well?", "buttons": [{**YES, "id": "x" * 1_001}]},
    ),
    refused("a sticker of another channel", "invalid_message", {"type": "sticker", "media_id": "CAAC"}),
    refused("a template", "unsupported_content", {"type": "template", "name": "n", "language": "en"}),
    refused(
        "an address of another channel",
        "invalid_recipient",
        {"type": "text", "text": "Hello"},
        Address(kind="msisdn", id="+447700900001"),
    ),
    refused(
        "a payload that no JSON can hold",
        "invalid_message",
        {"type": "raw", "payload": {"message": {"text": 2**70}}},
    ),
    fails(400, 190, 463, Failed(AUTH, "account_credentials", "190/463")),
    fails(403, 10, None, Failed(AUTH, "account_credentials", "10")),
    fails(403, 230, None, Failed(AUTH, "account_credentials", "230")),
    fails(400, 100, 33, Failed(AUTH, "sender_invalid", "100/33")),
    fails(400, 368, None, Failed(AUTH, "account_suspended", "368")),
    fails(403, 10, 1893063, Failed(AUTH, "account_suspended", "10/1893063")),
    fails(403, 10, 2018278, Failed(PERMANENT, "outside_session_window", "10/2018278")),
    fails(400, 200, 2018065, Failed(PERMANENT, "outside_session_window", "200/2018065")),
    fails(400, 551, None, Failed(PERMANENT, "recipient_unreachable", "551")),
    fails(400, 200, 1545041, Failed(PERMANENT, "recipient_unreachable", "200/1545041")),
    fails(400, 10, 2018108, Failed(PERMANENT, "recipient_unreachable", "10/2018108")),
    fails(400, 100, 2018001, Failed(PERMANENT, "invalid_recipient", "100/2018001")),
    fails(400, 200, 2018028, Failed(PERMANENT, "invalid_recipient", "200/2018028")),
    fails(400, 100, 2018034, Failed(PERMANENT, "content_too_long", "100/2018034")),
    fails(400, 100, 2018008, Failed(PERMANENT, "media_unreachable", "100/2018008")),
    fails(400, 100, 2018109, Failed(PERMANENT, "media_too_large", "100/2018109")),
    fails(400, 4, 2018354, Failed(PERMANENT, "policy_rejected", "4/2018354")),
    fails(400, 100, None, Failed(PERMANENT, "invalid_message", "100")),
    fails(400, 9, 2018352, Failed(TRANSIENT, "rate_limited", "9/2018352")),
    fails(400, 613, None, Failed(THROTTLED, "rate_limited", "613")),
    fails(400, 4, 2018022, Failed(THROTTLED, "rate_limited", "4/2018022", 1_800.0), headers=usage(0, 30, 5)),
    fails(
        400,
        80006,
        None,
        Failed(THROTTLED, "rate_limited", "80006", 9.0),
        headers={**usage(30), "retry_after": "9"},
    ),
    fails(400, 32, None, Failed(THROTTLED, "rate_limited", "32"), headers={"x_business_use_case_usage": "x"}),
    fails(500, 2, None, Failed(TRANSIENT, "provider_unavailable", "2"), headers=usage(30)),
    fails(500, 1, 99, Failed(TRANSIENT, "provider_error", "1/99")),
    fails(400, 1, 1357046, Failed(UNCERTAIN, "provider_error", "1/1357046")),
    fails(400, 1200, None, Failed(TRANSIENT, "provider_error", "1200")),
    fails(400, 999, None, Failed(TRANSIENT, "provider_error", "999"), is_transient=True),
    fails(400, 999, 7, Failed(PERMANENT, "provider_error", "999/7")),
    fails(500, 999, None, Failed(UNCERTAIN, "provider_error", "999")),
    fails(200, 999, None, Failed(PERMANENT, "provider_error", "999")),
)
