"""The table of x_dm: what comes back, and how it is proved; what is sent is in x_dm_sends."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

from gateway.model.address import Person
from gateway.model.callback import CallbackReply, CallbackRequest
from gateway.model.content import (
    ButtonReply,
    EventContent,
    InboundContent,
    InboundMediaContent,
    InboundText,
    UnsupportedContent,
)
from gateway.model.receipt import DeliveryReceipt, Watermark
from handlers.contract import InboundMessage
from tests.handlers.cases.x_dm_accounts import (
    ACCOUNT,
    BEARER,
    CONSUMER_KEY,
    CONSUMER_SECRET,
    OF_OAUTH2,
    OUR_ID,
    TOKEN,
    TOKEN_SECRET,
    read,
)
from tests.handlers.cases.x_dm_deliveries import (
    AT,
    AT_MILLISECONDS,
    PLACE,
    SIGNATURE,
    activity,
    asked,
    attachment,
    delivery,
    marked,
    message,
    prove,
    signature,
)
from tests.handlers.cases.x_dm_sends import SENDS
from tests.handlers.rows import CallbackRow, Table, posted


def got(content: InboundContent, **more: Any) -> InboundMessage:
    given = {
        "provider_message_id": "1001",
        "sender": Person(kind="user_id", id="4242", name="Ann"),
        "to": OUR_ID,
        "sent_at": AT,
        **more,
    }
    return InboundMessage(content=content, **given)


def wrote(name: str, content: InboundContent, *, text: str = "Hi", **part: Any) -> CallbackRow:
    return CallbackRow(
        name, delivery(direct_message_events=[message(text, **part)]), ("mo",), messages=(got(content),)
    )


# 2026-11-22T10:00:00.123Z, as X would write it into an id, with the lower bits of a busy machine.
READ_ID = str(((1_795_341_600_123 - 1_288_834_974_657) << 22) + 4_194_303)
READ_AT = datetime(2026, 11, 22, 10, 0, 0, 123_000, tzinfo=UTC)
READ = DeliveryReceipt(
    watermark=Watermark(recipient="4242", until=READ_AT),
    status="read",
    provider_status="mark_read",
    occurred_at=AT,
)
TON = "https://ton.twitter.com/1.1/ton/data/dm/1001/9/picture.jpg"
STICKER = {"type": "media", "media": {"id": 9, "type": "sticker", "media_url_https": TON}}
CARD = {"type": "card", "card": {"id": 4}}
CHALLENGE = "MTUyZTMzN2EtZmVlMi00OWE5LTllYzktNWJlZjBlNjVlYTcw"
IN_HEX = hmac.new(CONSUMER_SECRET.encode(), b"{}", hashlib.sha256).hexdigest()
ANSWER = signature(CHALLENGE.encode())

CALLBACKS = (
    CallbackRow(
        "a challenge",
        asked(crc_token=CHALLENGE, nonce="x"),
        reply=CallbackReply(
            body=f'{{"response_token":"{ANSWER}"}}'.encode(), content_type="application/json"
        ),
    ),
    CallbackRow("a challenge that is a forged delivery", asked(crc_token='{"for_user_id":"1"}'), refused=403),
    CallbackRow("a challenge of nothing", asked(crc_token=""), refused=403),
    CallbackRow("a GET without a challenge", asked(), refused=403),
    CallbackRow(
        "a signature in hex",
        CallbackRequest("POST", PLACE, {}, {SIGNATURE: f"sha256={IN_HEX}"}, b"{}"),
        refused=403,
    ),
    CallbackRow("not JSON", prove(b"<xml/>"), refused=400),
    CallbackRow("a list", prove(b"[]"), refused=400),
    CallbackRow("messages that are no list", delivery(direct_message_events=5), refused=400),
    wrote("a text", InboundText(text="Hi")),
    wrote(
        "a pressed quick reply",
        ButtonReply(id="ext-2", title="Yes"),
        text="Yes",
        quick_reply_response={"type": "options", "metadata": "ext-2"},
    ),
    wrote(
        "a picture with a text, which X adds a link to",
        InboundMediaContent(type="image", url=TON, caption="Broken"),
        text="Broken https://t.co/abc",
        attachment=attachment("photo", media_url_https=TON),
    ),
    wrote(
        "a picture without a text",
        InboundMediaContent(type="image", url=TON),
        text=" https://t.co/abc",
        attachment=attachment("photo", media_url_https=TON),
    ),
    wrote(
        "a video, of which the best file counts",
        InboundMediaContent(type="video", url="https://video.twimg.com/dm_video/9/best.mp4"),
        text="https://t.co/abc",
        attachment=attachment(
            "video",
            media_url_https=TON,
            video_info={
                "variants": [
                    {"url": "https://video.twimg.com/dm_video/9/low.mp4", "bitrate": 256_000},
                    {"url": "https://video.twimg.com/dm_video/9/all.m3u8"},
                    {"url": "https://video.twimg.com/dm_video/9/best.mp4", "bitrate": 832_000},
                ]
            },
        ),
    ),
    wrote(
        "a GIF, whose file has no bit rate to speak of",
        InboundMediaContent(type="video", url="https://video.twimg.com/dm_gif/9/a.mp4"),
        text="",
        attachment=attachment(
            "animated_gif",
            video_info={"variants": [{"url": "https://video.twimg.com/dm_gif/9/a.mp4", "bitrate": 0}]},
        ),
    ),
    wrote(
        "a medium of a new kind",
        UnsupportedContent(
            provider_type="attachment.sticker",
            raw={"text": "Hi", "entities": {"urls": []}, "attachment": STICKER},
        ),
        attachment=STICKER,
    ),
    wrote(
        "an attachment of a new kind",
        UnsupportedContent(
            provider_type="attachment.card",
            raw={"text": "Hi", "entities": {"urls": []}, "attachment": CARD},
        ),
        attachment=CARD,
    ),
    CallbackRow(
        "two messages, one of somebody of whom nothing is told, and our own, which is an echo",
        delivery(
            direct_message_events=[
                message("One"),
                message("Ours", sender=OUR_ID, number="1002"),
                message("Two", sender="4343", number="1003"),
            ]
        ),
        ("mo", "event", "mo"),
        messages=(
            got(InboundText(text="One")),
            got(
                InboundText(text="Two"),
                provider_message_id="1003",
                sender=Person(kind="user_id", id="4343"),
            ),
        ),
    ),
    CallbackRow(
        "something in a conversation that is no message",
        delivery(direct_message_events=[{"type": "participants_join", "id": "1", "sender_id": "4242"}]),
        ("event",),
    ),
    CallbackRow(
        "a message to another user of the same app",
        prove(posted({"for_user_id": "88", "direct_message_events": [message()], "users": {}})),
        ("event",),
    ),
    CallbackRow(
        "somebody has read, and so have we",
        delivery(direct_message_mark_read_events=[marked("4242", READ_ID), marked(OUR_ID, READ_ID)]),
        ("dr", "event"),
        receipts=(READ,),
    ),
    CallbackRow(
        "two people have read",
        delivery(direct_message_mark_read_events=[marked("4242", READ_ID), marked("4343", READ_ID)]),
        ("dr", "dr"),
        receipts=(
            READ,
            DeliveryReceipt(
                watermark=Watermark(recipient="4343", until=READ_AT),
                status="read",
                provider_status="mark_read",
                occurred_at=AT,
            ),
        ),
    ),
    CallbackRow(
        "somebody types",
        delivery(
            direct_message_indicate_typing_events=[
                {
                    "created_timestamp": AT_MILLISECONDS,
                    "sender_id": "4242",
                    "target": {"recipient_id": OUR_ID},
                }
            ]
        ),
        ("mo",),
        messages=(got(EventContent(name="typing"), provider_message_id=f"typing:4242:{AT_MILLISECONDS}"),),
    ),
    CallbackRow(
        "a message by the X Activity API",
        activity("dm.received", direct_message_events=[message()]),
        ("mo",),
        messages=(got(InboundText(text="Hi")),),
    ),
    CallbackRow(
        "our own message by the X Activity API",
        activity("dm.sent", direct_message_events=[message(sender=OUR_ID)]),
        ("event",),
    ),
    CallbackRow(
        "somebody has read, by the X Activity API",
        activity("dm.read", direct_message_mark_read_events=[marked("4242", READ_ID)]),
        ("dr",),
        receipts=(READ,),
    ),
    CallbackRow(
        "a change of our profile by the X Activity API",
        activity("profile.update.bio", before="Shop", after="The shop"),
        ("event",),
    ),
    CallbackRow(
        "messages of the X Activity API that are no list",
        activity("dm.received", direct_message_events={"1": message()}),
        refused=400,
    ),
    CallbackRow(
        "a post", delivery(tweet_create_events=[{"id_str": "1", "text": "Hello, @shop"}]), ("event",)
    ),
    CallbackRow(
        "the user has taken back the app's permission",
        prove(posted({"user_event": {"revoke": {"date_time": "2026-11-22T10:00:00Z"}}})),
        ("event",),
    ),
)

TABLE = Table(
    provider="x_dm",
    accounts={"main": ACCOUNT, "oauth2": OF_OAUTH2},
    secrets=(CONSUMER_KEY, CONSUMER_SECRET, TOKEN, TOKEN_SECRET, BEARER),
    sends=SENDS,
    callbacks=CALLBACKS,
    prove=prove,
    proof=SIGNATURE,
    proof_covers_body=True,
    read=read,
)
