"""The table of slack: pressed buttons, and how callbacks are proved; what people write is in slack_messages,
what is sent in slack_sends.

Pressed buttons come as a form; their rows are those of the account "buttons", for the search for unreadable
callbacks garbles JSON.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson

from gateway.model.address import Person, Thread
from gateway.model.callback import CallbackReply, CallbackRequest
from gateway.model.content import ButtonReply, InboundContent, InboundText, ListReply
from handlers.contract import InboundMessage
from tests.handlers.cases.slack_accounts import (
    ACCOUNT,
    BOT_TOKEN,
    JSON,
    OLD_SECRET,
    SIGNATURE,
    SIGNING_SECRET,
    TIMESTAMP,
    URL,
    SignedNow,
    interaction,
    prove,
    signed,
    submitted,
)
from tests.handlers.cases.slack_messages import AT, CHANGES, EVENTS, PARENT, TEXTS, TS, read, said
from tests.handlers.cases.slack_sends import SENDS
from tests.handlers.rows import CallbackRow, Table, posted


def pressed(*actions: dict[str, Any], **more: Any) -> CallbackRequest:
    payload = {
        "type": "block_actions",
        "token": "verification-token",
        "api_app_id": "A0APP",
        "user": {"id": "U0ANN", "username": "ann"},
        "container": {"type": "message", "message_ts": PARENT, "channel_id": "D0ANN"},
        "channel": {"id": "D0ANN", "name": "directmessage"},
        "message": {"ts": PARENT, "text": "Well?", "user": "U0BOT", "bot_id": "B0BOT"},
        "response_url": "https://hooks.slack.com/actions/secret",
        "trigger_id": "12.98.abc",
        "actions": list(actions),
    }
    return interaction(payload | more)


def action(**part: Any) -> dict[str, Any]:
    around = {"type": "button", "action_id": "reply:1", "block_id": "b", "action_ts": TS}
    return around | {"text": {"type": "plain_text", "text": "Yes"}} | part


def chosen(content: InboundContent, **more: Any) -> InboundMessage:
    given = {"provider_message_id": f"D0ANN:{PARENT}:{TS}", "in_reply_to": f"D0ANN:{PARENT}", **more}
    return read(content, **given)


ROW = {"value": "s", "text": {"type": "plain_text", "text": "Small"}}
PRESSES = (
    CallbackRow(
        "a pressed button",
        pressed(action(value="yes")),
        ("mo",),
        messages=(chosen(ButtonReply(id="yes", title="Yes")),),
        account="buttons",
    ),
    CallbackRow(
        "a row of a list, in a channel's thread",
        pressed(
            {"type": "static_select", "action_ts": TS, "selected_option": ROW},
            channel={"id": "C0SHOP"},
            message={"ts": PARENT, "thread_ts": PARENT},
        ),
        ("mo",),
        messages=(
            chosen(
                ListReply(id="s", title="Small"),
                provider_message_id=f"C0SHOP:{PARENT}:{TS}",
                sender=Person(kind="chat_id", id="C0SHOP", name="U0ANN"),
                thread=Thread(id=f"C0SHOP:{PARENT}", type="conversation"),
                in_reply_to=f"C0SHOP:{PARENT}",
            ),
        ),
        account="buttons",
    ),
    CallbackRow(
        "two choices at once",
        pressed(action(value="yes"), action(value="no", action_ts="1795341600.000300", text={})),
        ("mo",),
        messages=(
            chosen(ButtonReply(id="yes", title="Yes")),
            chosen(ButtonReply(id="no"), provider_message_id=f"D0ANN:{PARENT}:1795341600.000300"),
        ),
        account="buttons",
    ),
    CallbackRow("a button that opens a URL", pressed(action()), ("event",), account="buttons"),
    CallbackRow(
        "a form that was filled in", interaction({"type": "view_submission"}), ("event",), account="buttons"
    ),
    CallbackRow(
        "a slash command",
        submitted({"command": "/shop", "text": "open", "user_id": "U0ANN", "token": "t"}),
        ("event",),
        account="buttons",
    ),
    CallbackRow("an empty form", submitted({}), ("event",), account="buttons"),
    CallbackRow("too many fields", submitted({str(n): "1" for n in range(40)}), refused=400),
    CallbackRow("a payload that is not JSON", submitted({"payload": "{"}), refused=400),
    CallbackRow("a payload that is no object", submitted({"payload": "[]"}), refused=400),
    CallbackRow("actions that are none", pressed(action(action_ts=1)), refused=400),
)

HELLO = orjson.dumps({"type": "event_callback", "event_id": "Ev1", "event": said(text="Hi")})
CHALLENGE = posted({"type": "url_verification", "token": "verification-token", "challenge": "3eZbr"})


def at(moment: datetime) -> CallbackRequest:
    return replace(prove(HELLO), headers=signed(HELLO, moment))


def without(name: str) -> CallbackRequest:
    headers = {key: value for key, value in signed(HELLO, AT).items() if key != name}
    return replace(prove(HELLO), headers=headers)


PROOFS = (
    CallbackRow("the challenge", prove(CHALLENGE), (), reply=CallbackReply(body=b"3eZbr")),
    CallbackRow(
        "the former secret, while it is being changed",
        CallbackRequest("POST", URL, {}, SignedNow(HELLO, JSON, OLD_SECRET), HELLO),
        ("mo",),
        messages=(read(InboundText(text="Hi"), to=None),),
    ),
    CallbackRow(
        "another secret",
        CallbackRequest("POST", URL, {}, SignedNow(HELLO, JSON, "another"), HELLO),
        refused=403,
    ),
    CallbackRow("signed long ago", at(datetime(2020, 1, 1, tzinfo=UTC)), refused=403),
    CallbackRow("signed in a time to come", at(datetime(2099, 1, 1, tzinfo=UTC)), refused=403),
    CallbackRow("without its time", without(TIMESTAMP), refused=403),
    CallbackRow("without its signature", without(SIGNATURE), refused=403),
    CallbackRow("not JSON", prove(b"event"), refused=400),
    CallbackRow("no object", prove(b"[]"), refused=400),
    CallbackRow("an event without an id", prove(b'{"type":"event_callback","event":{}}'), refused=400),
)

TABLE = Table(
    provider="slack",
    accounts={"main": ACCOUNT, "buttons": ACCOUNT},
    secrets=(BOT_TOKEN, SIGNING_SECRET, OLD_SECRET),
    sends=SENDS,
    callbacks=TEXTS + CHANGES + EVENTS + PRESSES + PROOFS,
    prove=prove,
    proof=SIGNATURE,
    proof_covers_body=True,
)
