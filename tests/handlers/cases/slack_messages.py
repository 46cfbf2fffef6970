"""What people do in Slack, as its Events API tells it: rows from an event to the messages in it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from gateway.model.address import Person, Thread
from gateway.model.callback import CallbackRequest
from gateway.model.content import (
    EventContent,
    InboundContent,
    InboundMediaContent,
    InboundText,
    ReactionContent,
    UnsupportedContent,
)
from handlers.contract import InboundMessage
from tests.handlers.cases.slack_accounts import prove
from tests.handlers.rows import CallbackRow, posted

AT, TS, PARENT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC), "1795341600.000200", "1795341500.000100"
PRIVATE = {"channel": "D0ANN", "channel_type": "im"}
CHANNEL = {"channel": "C0SHOP", "channel_type": "channel"}
IN_CHANNEL: dict[str, Any] = {
    "provider_message_id": f"C0SHOP:{TS}",
    "sender": Person(kind="chat_id", id="C0SHOP", name="U0ANN"),
    "thread": Thread(id="C0SHOP", type="conversation"),
}


def delivered(event: dict[str, Any]) -> CallbackRequest:
    envelope = {
        "token": "verification-token",
        "team_id": "T0TEAM",
        "api_app_id": "A0APP",
        "type": "event_callback",
        "event_id": "Ev0EVENT",
        "event_time": 1795341600,
        "authorizations": [{"team_id": "T0TEAM", "user_id": "U0BOT", "is_bot": True}],
    }
    return prove(posted(envelope | {"event": event}))


def said(place: dict[str, Any] = PRIVATE, **part: Any) -> dict[str, Any]:
    return {"type": "message", "user": "U0ANN", "ts": TS, "event_ts": TS, **place, **part}


def changed(after: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    outer = {"type": "message", "subtype": "message_changed", "hidden": True, "event_ts": TS, "ts": TS}
    return outer | PRIVATE | {"message": after, "previous_message": before}


def read(content: InboundContent, **more: Any) -> InboundMessage:
    given = {
        "provider_message_id": f"D0ANN:{TS}",
        "sender": Person(kind="user_id", id="U0ANN"),
        "to": "A0APP",
        "sent_at": AT,
        **more,
    }
    return InboundMessage(content=content, **given)


def wrote(name: str, event: dict[str, Any], *messages: InboundMessage) -> CallbackRow:
    return CallbackRow(name, delivered(event), ("mo",), messages=messages)


def happened(name: str, event: dict[str, Any]) -> CallbackRow:
    return CallbackRow(name, delivered(event), ("event",))


def reacted(kind: str, reaction: str, **more: Any) -> dict[str, Any]:
    item = {"type": "message", "channel": "C0SHOP", "ts": PARENT}
    told = {"type": f"reaction_{kind}", "user": "U0ANN", "reaction": reaction, "event_ts": TS}
    return told | {"item_user": "U0BOT", "item": item} | more


def reaction(emoji: str) -> InboundMessage:
    key = f"C0SHOP:{PARENT}"
    return read(
        ReactionContent(to=key, emoji=emoji), **{**IN_CHANNEL, "provider_message_id": f"{key}:Ev0EVENT"}
    )


PICTURE = {"id": "F0PICTURE", "name": "shoes.png", "mimetype": "image/png", "size": 1}
TEXTS = (
    wrote("a text in private", said(text="Hi", client_msg_id="c-1"), read(InboundText(text="Hi"))),
    wrote("a text in a channel", said(CHANNEL, text="Hi"), read(InboundText(text="Hi"), **IN_CHANNEL)),
    wrote(
        "a mention, which a message tells as well, under the same id",
        said({"channel": "C0SHOP"}, type="app_mention", text="<@U0BOT> hi"),
        read(InboundText(text="@U0BOT hi"), **IN_CHANNEL),
    ),
    wrote(
        "links and mentions, as they were typed",
        said(
            text="<https://a.example> <http://b.example|b.example> <https://c.example|see> "
            "<mailto:d@e.example|d@e.example> <#C1|general> <@U1|ann> <!here> "
            "<!subteam^S1|@team> 1 &lt; 2 &amp;&amp; 3 &amp;lt;"
        ),
        read(
            InboundText(
                text="https://a.example b.example see (https://c.example) "
                "d@e.example #general @ann @here @team 1 < 2 && 3 &lt;"
            )
        ),
    ),
    wrote(
        "an answer in a thread",
        said(CHANNEL, text="Hi", thread_ts=PARENT),
        read(
            InboundText(text="Hi"),
            **IN_CHANNEL | {"thread": Thread(id=f"C0SHOP:{PARENT}", type="conversation")},
            in_reply_to=f"C0SHOP:{PARENT}",
        ),
    ),
    wrote(
        "the first message of a thread, also told to the channel",
        said(CHANNEL, text="Hi", thread_ts=TS, subtype="thread_broadcast"),
        read(
            InboundText(text="Hi"),
            **IN_CHANNEL | {"thread": Thread(id=f"C0SHOP:{TS}", type="conversation")},
        ),
    ),
    wrote(
        "two files with a text",
        said(
            subtype="file_share",
            text="Broken",
            files=[PICTURE, {"id": "F0PDF", "name": "a.pdf", "mimetype": "application/pdf"}],
        ),
        read(
            InboundMediaContent(
                type="image",
                media_id="F0PICTURE",
                caption="Broken",
                filename="shoes.png",
                mime_type="image/png",
            )
        ),
        read(
            InboundMediaContent(
                type="document", media_id="F0PDF", filename="a.pdf", mime_type="application/pdf"
            ),
            provider_message_id=f"D0ANN:{TS}:2",
        ),
    ),
    *(
        wrote(
            f"a file of type {mime_type}",
            said(subtype="file_share", text="", files=[{"id": "F0", "mimetype": mime_type}]),
            read(
                InboundMediaContent.model_validate({"type": kind, "media_id": "F0", "mime_type": mime_type})
            ),
        )
        for mime_type, kind in (("video/mp4", "video"), ("audio/webm", "audio"))
    ),
    wrote(
        "a message that is neither text nor file",
        said(text="", blocks=[{"type": "call"}]),
        read(
            UnsupportedContent(provider_type="message", raw=said(text="", blocks=[{"type": "call"}])),
        ),
    ),
)

CHANGES = (
    wrote(
        "an edit, which is no repetition of the original",
        changed(
            said(text="Hi there", ts=PARENT, edited={"user": "U0ANN", "ts": TS}), said(text="Hi", ts=PARENT)
        ),
        read(InboundText(text="Hi there"), provider_message_id=f"D0ANN:{PARENT}:Ev0EVENT", edited=True),
    ),
    happened(
        "a preview that Slack has added",
        changed(said(text="<https://a.example>", attachments=[{}]), said(text="<https://a.example>")),
    ),
    *(
        wrote(
            name,
            event,
            read(
                EventContent(name="message_deleted", details={"message": f"D0ANN:{PARENT}"}),
                provider_message_id=f"D0ANN:{PARENT}:Ev0EVENT",
                deleted=True,
            ),
        )
        for name, event in (
            (
                "a deletion",
                {
                    "type": "message",
                    "subtype": "message_deleted",
                    "event_ts": TS,
                    **PRIVATE,
                    "deleted_ts": PARENT,
                    "previous_message": said(text="Hi", ts=PARENT),
                },
            ),
            (
                "the deletion of a message with a thread",
                changed(said(subtype="tombstone", user="USLACKBOT", ts=PARENT), said(text="Hi", ts=PARENT)),
            ),
        )
    ),
    wrote("a reaction", reacted("added", "thumbsup::skin-tone-2"), reaction("👍")),
    wrote("a reaction that has no sign", reacted("added", "party-parrot"), reaction(":party-parrot:")),
    wrote("a reaction that is taken back", reacted("removed", "eyes"), reaction("")),
)

EVENTS = (
    happened("what our bot wrote", said(CHANNEL, user="U0BOT", bot_id="B0BOT", app_id="A0APP", text="Hi")),
    happened("what our bot uploaded", said(CHANNEL, user="U0BOT", subtype="file_share", files=[PICTURE])),
    happened("what another bot wrote", said(CHANNEL, subtype="bot_message", bot_id="B0ELSE", text="Hi")),
    happened("what Slack's own bot wrote", said(user="USLACKBOT", text="Reminder")),
    happened("a bot's edit", changed(said(text="a", bot_id="B0"), said(text="b", bot_id="B0"))),
    happened("somebody who came", said(CHANNEL, subtype="channel_join", text="<@U0ANN> has joined")),
    happened("our bot's reaction", reacted("added", "eyes", user="U0BOT")),
    happened("a reaction to a file", reacted("added", "eyes", item={"type": "file", "file": "F0"})),
    happened("a new colleague", {"type": "team_join", "user": {"id": "U0NEW"}}),
    CallbackRow(
        "events that Slack held back",
        prove(posted({"type": "app_rate_limited", "team_id": "T0TEAM", "api_app_id": "A0APP"})),
        ("event",),
    ),
)
