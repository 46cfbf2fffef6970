"""The table of messenger: what comes back, as in Meta's reference, of people who are nobody; what is sent is
in messenger_sends."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from gateway.model.address import Person
from gateway.model.callback import CallbackReply, ItemKind
from gateway.model.content import (
    ButtonReply,
    EventContent,
    InboundContent,
    InboundMediaContent,
    InboundText,
    LocationContent,
    ReactionContent,
    UnsupportedContent,
)
from gateway.model.receipt import DeliveryReceipt, Watermark
from handlers.contract import InboundMessage
from tests.handlers.cases.messenger_accounts import (
    ACCESS_TOKEN,
    ACCOUNT,
    APP_SECRET,
    DESK,
    OLD_APP_SECRET,
    PAGE,
    TO,
    VERIFY_TOKEN,
    asked,
    prove,
)
from tests.handlers.cases.messenger_sends import SENDS
from tests.handlers.rows import CallbackRow, Table, posted

AT, AT_MS = datetime(2026, 11, 22, 10, 0, tzinfo=UTC), 1795341600000
BEFORE, BEFORE_MS = datetime(2026, 11, 22, 9, 59, tzinfo=UTC), 1795341540000
PSID = TO.id


def delivery(*entries: dict[str, Any]) -> bytes:
    return posted({"object": "page", "entry": [{"id": PAGE, "time": AT_MS, **entry} for entry in entries]})


def event(**part: Any) -> dict[str, Any]:
    return {"sender": {"id": PSID}, "recipient": {"id": PAGE}, "timestamp": AT_MS, **part}


def read(content: InboundContent, **more: Any) -> InboundMessage:
    given = {
        "provider_message_id": "m_IN",
        "sender": Person(kind="psid", id=PSID),
        "to": PAGE,
        "sent_at": AT,
        **more,
    }
    return InboundMessage(content=content, **given)


def happened(name: str, told: dict[str, Any], *messages: InboundMessage) -> CallbackRow:
    return CallbackRow(name, prove(delivery({"messaging": [told]})), ("mo",), messages=messages)


def wrote(name: str, part: dict[str, Any], *messages: InboundMessage) -> CallbackRow:
    return happened(name, event(message={"mid": "m_IN", **part}), *messages)


def kept(name: str, entry: dict[str, Any], *kinds: ItemKind) -> CallbackRow:
    return CallbackRow(name, prove(delivery(entry)), kinds or ("event",))


def told(name: str, part: dict[str, Any], *receipts: DeliveryReceipt) -> CallbackRow:
    return CallbackRow(name, prove(delivery({"messaging": [part]})), ("dr",), receipts=receipts)


def receipt(word: str, status: Any, **more: Any) -> DeliveryReceipt:
    return DeliveryReceipt(status=status, provider_status=word, **{"occurred_at": AT, **more})


def file(kind: str, **payload: Any) -> dict[str, Any]:
    return {"type": kind, "payload": payload}


UNTIL = Watermark(recipient=PSID, until=BEFORE)
CDN = "https://cdn.example/v/t42"
AD = {"source": "ADS", "type": "OPEN_THREAD", "ad_id": "6045246", "ref": "autumn"}
TOKEN_OPT_IN = {"type": "notification_messages", "payload": "news", "notification_messages_token": "4711"}
REEL = file("reel", url=f"{CDN}/reel", reel_video_id="12")
HI = {"mid": "m_IN", "text": "Hi"}

CALLBACKS = (
    CallbackRow(
        "the subscription request",
        asked(mode="subscribe", verify_token=VERIFY_TOKEN, challenge="1158201444"),
        reply=CallbackReply(body=b"1158201444"),
    ),
    CallbackRow(
        "a wrong verify token", asked(mode="subscribe", verify_token="x", challenge="1"), refused=403
    ),
    CallbackRow("a request for something else", asked(verify_token=VERIFY_TOKEN), refused=403),
    CallbackRow("a delivery of somebody else", prove(delivery(), "another"), refused=403),
    CallbackRow("not JSON", prove(b"<xml/>"), refused=400),
    CallbackRow("no entries", prove(b'{"object":"page"}'), refused=400),
    CallbackRow("not of a page", prove(b'{"object":"instagram","entry":[]}'), refused=400),
    wrote("a text", {"text": "Hi"}, read(InboundText(text="Hi"))),
    *(
        CallbackRow(
            f"a text signed with the {age} secret, while it is being changed",
            prove(delivery({"messaging": [event(message=HI)]}), secret),
            ("mo",),
            messages=(read(InboundText(text="Hi")),),
            account="desk",
        )
        for age, secret in (("new", APP_SECRET), ("old", OLD_APP_SECRET))
    ),
    CallbackRow(
        "a text signed with the old secret, after it was changed",
        prove(delivery({"messaging": [event(message=HI)]}), OLD_APP_SECRET),
        refused=403,
    ),
    wrote(
        "a text that quotes",
        {"text": "Yes", "reply_to": {"mid": "m_OUT", "is_self_reply": False}},
        read(InboundText(text="Yes"), in_reply_to="m_OUT"),
    ),
    wrote(
        "a text with a link, whose preview is left out",
        {"text": f"See {CDN}", "attachments": [file("fallback", url=CDN, title="News")]},
        read(InboundText(text=f"See {CDN}")),
    ),
    wrote(
        "a quick reply",
        {"text": "Yes", "quick_reply": {"payload": "yes"}},
        read(ButtonReply(id="yes", title="Yes")),
    ),
    wrote(
        "two images with a text",
        {"text": "Broken", "attachments": [file("image", url=f"{CDN}/1"), file("image", url=f"{CDN}/2")]},
        read(InboundText(text="Broken")),
        read(InboundMediaContent(type="image", url=f"{CDN}/1"), provider_message_id="m_IN:2"),
        read(InboundMediaContent(type="image", url=f"{CDN}/2"), provider_message_id="m_IN:3"),
    ),
    *(
        wrote(
            f"media of type {kind}",
            {"attachments": [file(kind, url=CDN, **more)]},
            read(InboundMediaContent.model_validate({"type": normal, "url": CDN})),
        )
        for kind, normal, more in (
            ("video", "video", {}),
            ("audio", "audio", {}),
            ("file", "document", {}),
            ("sticker", "sticker", {"sticker_id": 369239263222822}),
            ("image", "sticker", {"sticker_id": 369239263222822}),
        )
    ),
    wrote(
        "a location",
        {"attachments": [{**file("location", coordinates={"lat": 51.5, "long": -0.12}), "title": "Shop"}]},
        read(LocationContent(latitude=51.5, longitude=-0.12, name="Shop")),
    ),
    wrote(
        "a shared reel",
        {"attachments": [REEL]},
        read(UnsupportedContent(provider_type="reel", raw=REEL)),
    ),
    wrote(
        "a share that Messenger does not pass on",
        {"attachments": [{"type": "fallback", "payload": None}]},
        read(UnsupportedContent(provider_type="fallback", raw={"type": "fallback", "payload": None})),
    ),
    wrote(
        "a message with nothing in it",
        {"is_unsupported": True},
        read(UnsupportedContent(provider_type="message", raw={"mid": "m_IN", "is_unsupported": True})),
    ),
    wrote(
        "the first message after an ad",
        {"text": "Hi", "referral": AD},
        read(InboundText(text="Hi")),
        read(EventContent(name="referral", details=AD), provider_message_id="m_IN:2"),
    ),
    happened(
        "an edit, which is no repetition of the original",
        event(message_edit={"mid": "m_IN", "text": "Hi there", "num_edit": 1}),
        read(InboundText(text="Hi there"), provider_message_id=f"m_IN:{AT_MS}", edited=True),
    ),
    happened(
        "a postback",
        event(postback={"mid": "m_PB", "title": "Sizes", "payload": "sizes"}),
        read(ButtonReply(id="sizes", title="Sizes"), provider_message_id="m_PB"),
    ),
    happened(
        "the postback that begins a conversation, by way of an ad",
        event(postback={"title": "Get started", "referral": AD}),
        read(
            ButtonReply(id="Get started", title="Get started"), provider_message_id=f"postback:{PSID}:{AT_MS}"
        ),
        read(EventContent(name="referral", details=AD), provider_message_id=f"postback:{PSID}:{AT_MS}:2"),
    ),
    happened(
        "a referral",
        event(referral=AD),
        read(EventContent(name="referral", details=AD), provider_message_id=f"referral:{PSID}:{AT_MS}"),
    ),
    happened(
        "an opt-in",
        event(optin=TOKEN_OPT_IN),
        read(
            EventContent(name="opted_in", details=TOKEN_OPT_IN), provider_message_id=f"optin:{PSID}:{AT_MS}"
        ),
    ),
    happened(
        "an opt-out",
        event(optin={**TOKEN_OPT_IN, "notification_messages_status": "STOP_NOTIFICATIONS"}),
        read(
            EventContent(
                name="opted_out",
                details={**TOKEN_OPT_IN, "notification_messages_status": "STOP_NOTIFICATIONS"},
            ),
            provider_message_id=f"optin:{PSID}:{AT_MS}",
        ),
    ),
    *(
        happened(
            f"a reaction: {name}",
            event(reaction={"mid": "m_OUT", **part}),
            read(ReactionContent(to="m_OUT", emoji=emoji), provider_message_id=f"reaction:{PSID}:{AT_MS}"),
        )
        for name, part, emoji in (
            ("an emoji", {"action": "react", "reaction": "love", "emoji": "❤"}, "❤"),
            ("only a word", {"action": "react", "reaction": "like"}, "like"),
            ("taken back", {"action": "unreact", "reaction": "love", "emoji": "❤"}, ""),
        )
    ),
    told(
        "delivered, by message",
        event(delivery={"mids": ["m_OUT", "m_OUT2"], "watermark": BEFORE_MS}),
        receipt("delivery", "delivered", provider_message_id="m_OUT"),
        receipt("delivery", "delivered", provider_message_id="m_OUT2"),
    ),
    told(
        "delivered, by message and without a time of its own",
        {"sender": {"id": PSID}, "delivery": {"mids": ["m_OUT"], "watermark": BEFORE_MS}},
        receipt("delivery", "delivered", provider_message_id="m_OUT", occurred_at=BEFORE),
    ),
    told(
        "delivered, all up to a time",
        event(delivery={"watermark": BEFORE_MS}),
        receipt("delivery", "delivered", watermark=UNTIL),
    ),
    told(
        "read, all up to a time",
        event(read={"watermark": BEFORE_MS}),
        receipt("read", "read", watermark=UNTIL),
    ),
    kept(
        "an echo of what the page wrote",
        {"messaging": [event(message={"mid": "m_OUT", "text": "Hello", "is_echo": True, "app_id": 1})]},
    ),
    kept("an opt-in of somebody unknown", {"messaging": [{"optin": {"user_ref": "u-1"}}]}),
    kept("another app takes the conversation", {"messaging": [event(pass_thread_control={})]}),
    kept("account linking", {"messaging": [event(account_linking={"status": "linked"})]}),
    kept("what another app of the page is told", {"standby": [event(message=HI)]}),
    kept("another field of the webhook", {"changes": [{"field": "feed", "value": {"item": "post"}}]}),
    kept(
        "a message to another page",
        {"id": "1", "messaging": [event(message=HI), event(read={})]},
        *("event",) * 2,
    ),
    CallbackRow(
        "many things at once",
        prove(
            delivery(
                {"messaging": [event(message=HI), event(read={"watermark": BEFORE_MS})]},
                {"standby": [event(message=HI)]},
                {"messaging": [event(message={"mid": "m_IN2", "text": "Bye"})]},
                {},
            )
        ),
        ("mo", "dr", "event", "mo"),
        messages=(read(InboundText(text="Hi")), read(InboundText(text="Bye"), provider_message_id="m_IN2")),
        receipts=(receipt("read", "read", watermark=UNTIL),),
    ),
)

TABLE = Table(
    provider="messenger",
    accounts={"main": ACCOUNT, "desk": DESK},
    secrets=(ACCESS_TOKEN, APP_SECRET, OLD_APP_SECRET, VERIFY_TOKEN),
    sends=SENDS,
    callbacks=CALLBACKS,
    prove=prove,
    proof="x-hub-signature-256",
    proof_covers_body=True,
)
