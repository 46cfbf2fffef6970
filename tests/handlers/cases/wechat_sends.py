"""What is sent through wechat: rows from submission to the exact calls; what fails is in wechat_failures."""

from __future__ import annotations

from typing import Any

from gateway.model.base import event_id
from tests.handlers.cases.wechat_accounts import (
    DONE,
    FETCHED,
    FRESH,
    HELLO,
    LINK,
    NEXT,
    NEXT_TOKEN,
    TO,
    called,
    found,
    said,
    token_asked,
    upload,
    uploaded,
)
from tests.handlers.rows import REFERENCE, SendRow, Sent, answer


def sent(name: str, content: dict[str, Any], *requests: Sent, **more: Any) -> SendRow:
    given = {"to": TO, "answers": (FRESH, DONE), "ids": (REFERENCE,), "receipts_follow": False, **more}
    return SendRow(name, content, requests=(token_asked(), *requests), **given)


TAKEN = (
    sent("a text", HELLO, said("text", {"content": "Hello"})),
    sent(
        "a text in Chinese, which is not escaped",
        {"type": "text", "text": "你好"},
        said("text", {"content": "你好"}),
    ),
    sent(
        "the second part of a long text, which has an id of its own",
        HELLO,
        said("text", {"content": "Hello"}),
        part=2,
        ids=(f"{REFERENCE}#2",),
    ),
    sent(
        "reply buttons",
        {
            "type": "text",
            "text": "Well?",
            "buttons": [
                {"type": "reply", "id": "yes", "title": "Yes"},
                {"type": "reply", "id": "no", "title": "No"},
            ],
        },
        said(
            "msgmenu",
            {
                "head_content": "Well?",
                "list": [{"id": "yes", "content": "Yes"}, {"id": "no", "content": "No"}],
                "tail_content": "",
            },
        ),
    ),
    sent(
        "a URL button",
        {
            "type": "text",
            "text": "New shoes",
            "buttons": [{"type": "url", "title": "Shop", "url": "https://shop.example"}],
        },
        said(
            "news",
            {"articles": [{"title": "Shop", "description": "New shoes", "url": "https://shop.example"}]},
        ),
    ),
    sent("an image by id", {"type": "image", "media_id": "M1"}, said("image", {"media_id": "M1"})),
    sent("audio by id", {"type": "audio", "media_id": "M2"}, said("voice", {"media_id": "M2"})),
    sent(
        "a video by the id that an MO had",
        {"type": "video", "media_id": "video:M3"},
        said("video", {"media_id": "M3"}),
    ),
    SendRow(
        "an image by URL, which is fetched and uploaded",
        {"type": "image", "url": LINK},
        TO,
        answers=(found("image/PNG; q=1"), FRESH, uploaded("M4"), DONE),
        requests=(
            FETCHED,
            token_asked(),
            upload("image", "png", "image/png"),
            said("image", {"media_id": "M4"}),
        ),
        ids=(REFERENCE,),
        receipts_follow=False,
    ),
    SendRow(
        "audio by URL, whose type the message knows better",
        {"type": "audio", "url": LINK, "mime_type": "audio/mpeg"},
        TO,
        answers=(found("application/octet-stream"), FRESH, uploaded("M5"), DONE),
        requests=(
            FETCHED,
            token_asked(),
            upload("voice", "mp3", "audio/mpeg"),
            said("voice", {"media_id": "M5"}),
        ),
        ids=(REFERENCE,),
        receipts_follow=False,
    ),
    SendRow(
        "a video by URL, while the token runs out",
        {"type": "video", "url": LINK},
        TO,
        answers=(found("video/mp4"), FRESH, answer({"errcode": 42001}), NEXT, uploaded("M6"), DONE),
        requests=(
            FETCHED,
            token_asked(),
            upload("video", "mp4", "video/mp4"),
            token_asked(),
            upload("video", "mp4", "video/mp4", NEXT_TOKEN),
            said("video", {"media_id": "M6"}, NEXT_TOKEN),
        ),
        ids=(REFERENCE,),
        receipts_follow=False,
    ),
    sent(
        "a template, which gets receipts",
        {
            "type": "template",
            "name": "shipped",
            "language": "zh_CN",
            "parameters": {"body": ["Shoes", "10:00"], "buttons": ["https://shop.example/1"]},
        },
        called(
            "message/template/send",
            template_id="TM-1",
            data={"thing1": {"value": "Shoes"}, "time2": {"value": "10:00"}},
            url="https://shop.example/1",
            client_msg_id=event_id(REFERENCE),
        ),
        answers=(FRESH, answer({"errcode": 0, "errmsg": "ok", "msgid": 200228332})),
        ids=("200228332",),
        receipts_follow=True,
    ),
    sent("typing", {"type": "typing"}, called("message/custom/typing", command="Typing")),
    sent(
        "a raw message",
        {
            "type": "raw",
            "payload": {"msgtype": "wxcard", "wxcard": {"card_id": "c"}, "touser": "oEvil"},
        },
        said("wxcard", {"card_id": "c"}),
    ),
    sent(
        "a raw template",
        {"type": "raw", "payload": {"template_id": "TM-2", "miniprogram": {"appid": "a"}, "data": {}}},
        called("message/template/send", template_id="TM-2", miniprogram={"appid": "a"}, data={}),
        answers=(FRESH, answer({"errcode": 0, "msgid": 7})),
        ids=("7",),
        receipts_follow=True,
    ),
    *(
        SendRow(
            f"a token that WeChat answers with {errcode}, then takes the next",
            HELLO,
            TO,
            answers=(FRESH, answer({"errcode": errcode, "errmsg": "invalid"}), NEXT, DONE),
            requests=(
                token_asked(),
                said("text", {"content": "Hello"}),
                token_asked(force=force),
                said("text", {"content": "Hello"}, NEXT_TOKEN),
            ),
            ids=(REFERENCE,),
            receipts_follow=False,
        )
        for errcode, force in ((40001, True), (40014, True), (42001, False))
    ),
)
