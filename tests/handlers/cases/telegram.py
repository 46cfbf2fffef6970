"""The table of telegram: what comes back, and how it is proved; what is sent is in telegram_sends."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from gateway.model.address import Person, Thread
from gateway.model.callback import CallbackReply, CallbackRequest
from gateway.model.content import (
    ButtonReply,
    ContactContent,
    EventContent,
    InboundContent,
    InboundMediaContent,
    InboundText,
    LocationContent,
    UnsupportedContent,
)
from handlers.contract import InboundMessage
from tests.handlers.cases.telegram_accounts import ACCOUNT, SECRET_TOKEN, TOKEN
from tests.handlers.cases.telegram_sends import SENDS
from tests.handlers.rows import CallbackRow, Table, posted

AT, AT_SECONDS = datetime(2026, 11, 22, 10, 0, tzinfo=UTC), 1795341600
ANN = {"id": 4242, "is_bot": False, "first_name": "Ann", "last_name": "Lee", "language_code": "en"}
PRIVATE = {"id": 4242, "type": "private", "first_name": "Ann"}
GROUP = {"id": -100500, "type": "supergroup", "title": "Family"}


def prove(body: bytes) -> CallbackRequest:
    headers = {"x-telegram-bot-api-secret-token": SECRET_TOKEN, "content-type": "application/json"}
    return CallbackRequest("POST", "https://gw.example/callbacks/tg-shop", {}, headers, body)


def update(**part: Any) -> CallbackRequest:
    return prove(posted({"update_id": 900, **part}))


def message(chat: dict[str, Any] = PRIVATE, **part: Any) -> dict[str, Any]:
    return {"message_id": 5, "from": ANN, "chat": chat, "date": AT_SECONDS, **part}


def read(content: InboundContent, **more: Any) -> InboundMessage:
    given = {
        "provider_message_id": "4242:5",
        "sender": Person(kind="chat_id", id="4242", name="Ann Lee"),
        "sent_at": AT,
        **more,
    }
    return InboundMessage(content=content, **given)


def wrote(name: str, content: InboundContent, **part: Any) -> CallbackRow:
    return CallbackRow(name, update(message=message(**part)), ("mo",), messages=(read(content),))


def file(file_id: str, **more: Any) -> dict[str, Any]:
    shape = {"width": 1, "height": 1, "duration": 1, "is_animated": False, "is_video": False}
    return {"file_id": file_id, "file_unique_id": "u", "file_size": 1, "type": "regular", **shape, **more}


ORDER_KEYBOARD = {
    "inline_keyboard": [
        [{"text": "Shop", "url": "https://shop.example"}],
        [{"text": "Yes", "callback_data": "yes"}],
    ]
}
PLACE = {"latitude": 51.5, "longitude": -0.12}

CALLBACKS = (
    CallbackRow("not JSON", prove(b"update"), refused=400),
    CallbackRow("not an update", prove(b'{"message":{}}'), refused=400),
    CallbackRow(
        "without its secret token",
        CallbackRequest("POST", "https://gw.example/callbacks/tg-shop", {}, {}, b'{"update_id":1}'),
        refused=403,
    ),
    wrote("a text", InboundText(text="Hi"), text="Hi", entities=[]),
    wrote(
        "a picture, of which the largest size counts",
        InboundMediaContent(type="image", media_id="large", caption="Broken"),
        photo=[file("small"), file("large")],
        caption="Broken",
    ),
    wrote(
        "a voice message",
        InboundMediaContent(type="audio", media_id="v", mime_type="audio/ogg"),
        voice=file("v", mime_type="audio/ogg"),
    ),
    wrote(
        "an animation, which is also given as a document",
        InboundMediaContent(type="video", media_id="a", filename="a.mp4"),
        animation=file("a", file_name="a.mp4"),
        document=file("a", file_name="a.mp4"),
    ),
    wrote(
        "a document",
        InboundMediaContent(type="document", media_id="d", filename="a.pdf", mime_type="application/pdf"),
        document=file("d", file_name="a.pdf", mime_type="application/pdf"),
    ),
    wrote("a sticker", InboundMediaContent(type="sticker", media_id="s"), sticker=file("s")),
    wrote("a location", LocationContent(latitude=51.5, longitude=-0.12), location=PLACE),
    wrote(
        "a venue, which is also given as a location",
        LocationContent(latitude=51.5, longitude=-0.12, name="Shop", address="1 High St"),
        venue={"location": PLACE, "title": "Shop", "address": "1 High St"},
        location=PLACE,
    ),
    wrote(
        "a contact",
        ContactContent(name="Bo Ek", phones=("+447700900002",)),
        contact={"phone_number": "+447700900002", "first_name": "Bo", "last_name": "Ek"},
    ),
    wrote(
        "a poll",
        UnsupportedContent(provider_type="poll", raw={"poll": {"id": "1"}}),
        has_protected_content=True,
        poll={"id": "1"},
    ),
    wrote("a service message without anything to it", UnsupportedContent(provider_type="message", raw={})),
    wrote("the press of Start", EventContent(name="conversation_started"), text="/start"),
    wrote(
        "the press of Start behind a link",
        EventContent(name="conversation_started", details={"payload": "spring"}),
        text="/start spring",
    ),
    wrote("a word that begins like it", InboundText(text="/started"), text="/started"),
    CallbackRow(
        "an answer in a group",
        update(message=message(GROUP, text="Hi", reply_to_message=message(GROUP, message_id=4))),
        ("mo",),
        messages=(
            read(
                InboundText(text="Hi"),
                provider_message_id="-100500:5",
                sender=Person(kind="chat_id", id="-100500", name="Ann Lee"),
                thread=Thread(id="-100500", type="conversation", title="Family"),
                in_reply_to="-100500:4",
            ),
        ),
    ),
    CallbackRow(
        "an edit, which is no repetition of the original",
        update(edited_message=message(text="Hi there", edit_date=AT_SECONDS + 60)),
        ("mo",),
        messages=(read(InboundText(text="Hi there"), provider_message_id="4242:5:900", edited=True),),
    ),
    CallbackRow(
        "a pressed button",
        update(
            callback_query={
                "id": "777",
                "chat_instance": "1",
                "from": ANN,
                "data": "yes",
                "message": message(text="Well?", reply_markup=ORDER_KEYBOARD),
            }
        ),
        ("mo",),
        messages=(
            read(
                ButtonReply(id="yes", title="Yes"),
                provider_message_id="4242:5:900",
                in_reply_to="4242:5",
                sent_at=None,
            ),
        ),
        reply=CallbackReply(
            body=b'{"method":"answerCallbackQuery","callback_query_id":"777"}',
            content_type="application/json",
        ),
    ),
    CallbackRow(
        "a pressed button of a message that is gone",
        update(callback_query={"id": "778", "from": ANN, "inline_message_id": "x", "data": "no"}),
        ("mo",),
        messages=(read(ButtonReply(id="no"), provider_message_id="4242:0:900", sent_at=None),),
        reply=CallbackReply(
            body=b'{"method":"answerCallbackQuery","callback_query_id":"778"}',
            content_type="application/json",
        ),
    ),
    *(
        CallbackRow(
            f"the bot is {name}",
            update(
                my_chat_member={
                    "chat": PRIVATE,
                    "from": ANN,
                    "date": AT_SECONDS,
                    "old_chat_member": {"status": "member"},
                    "new_chat_member": {"status": status, "user": {"id": 1}},
                }
            ),
            ("mo",),
            messages=(
                read(
                    EventContent.model_validate({"name": name, "details": {"status": status}}),
                    provider_message_id="4242:0:900",
                ),
            ),
        )
        for name, status in (("blocked", "kicked"), ("unblocked", "member"))
    ),
    CallbackRow("a post of a channel", update(channel_post=message(text="News")), ("event",)),
)

TABLE = Table(
    provider="telegram",
    accounts={"main": ACCOUNT},
    secrets=(TOKEN, SECRET_TOKEN),
    sends=SENDS,
    callbacks=CALLBACKS,
    prove=prove,
    proof="x-telegram-bot-api-secret-token",
    proof_covers_body=False,
)
