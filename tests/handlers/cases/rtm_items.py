"""What devices say on rtm: rows from items to messages and receipts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from gateway.model.address import Person
from gateway.model.callback import CallbackItem
from gateway.model.content import (
    ButtonReply,
    ContactContent,
    EventContent,
    InboundContent,
    InboundMediaContent,
    InboundText,
    ListReply,
    LocationContent,
    ReactionContent,
)
from gateway.model.receipt import DeliveryReceipt, Reporter
from gateway.rtm.items import UpItem
from handlers.contract import InboundMessage
from tests.handlers.rows import REFERENCE, ItemRow, posted

AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
ALICE = Person(kind="user_id", id="alice")
REPORTER = Reporter(app_id="shop", user_id="alice", device_id="phone")


def up(payload: Any, **more: Any) -> dict[str, Any]:
    return {"app_id": "shop", "user_id": "alice", "device_id": "phone", "payload": payload, **more}


def item(kind: Literal["mo", "dr", "event"], body: Any) -> CallbackItem:
    return CallbackItem(kind, posted(body))


def message(name: str, content: dict[str, Any], meant: InboundContent, **told: Any) -> ItemRow:
    """`told` is what the device says beside the content."""
    body = up({"id": "m-1", "content": content, **told})
    read = InboundMessage(
        provider_message_id="shop/alice/phone/m-1",
        sender=ALICE,
        content=meant,
        in_reply_to=told.get("in_reply_to"),
        sent_at=AT if "sent_at" in told else None,
        origin=UpItem.model_validate(body),
    )
    return ItemRow(name, item("mo", body), messages=(read,))


def receipt(name: str, told: dict[str, Any], *, reporter: Reporter = REPORTER, **of_item: Any) -> ItemRow:
    read = DeliveryReceipt(
        reference=REFERENCE,
        status=told["status"],
        provider_status=told["status"],
        occurred_at=AT if "at" in told else None,
        reporter=reporter,
    )
    payload = {"message_id": "order-4711", **told}
    return ItemRow(name, item("dr", up(payload, **of_item)), receipts=(read,))


def unreadable(name: str, kind: Literal["mo", "dr"], body: Any, *, why: str) -> ItemRow:
    return ItemRow(name, item(kind, body), unreadable=why)


HELLO = {"type": "text", "text": "Hello"}
URL = "https://cdn.example/a.jpg"

ITEMS = (
    message("a text", HELLO, InboundText(text="Hello")),
    message("an empty text", {"type": "text", "text": ""}, InboundText(text="")),
    message(
        "an image",
        {"type": "image", "url": URL, "caption": "Look"},
        InboundMediaContent(type="image", url=URL, caption="Look"),
    ),
    message(
        "a place",
        {"type": "location", "latitude": 51.5, "longitude": -0.1},
        LocationContent(latitude=51.5, longitude=-0.1),
    ),
    message(
        "a contact",
        {"type": "contact", "name": "Bob", "phones": ["447700900002"]},
        ContactContent(name="Bob", phones=("447700900002",)),
    ),
    message(
        "a reaction",
        {"type": "reaction", "to": "order-4711", "emoji": "+"},
        ReactionContent(to="order-4711", emoji="+"),
    ),
    message(
        "a button", {"type": "button_reply", "id": "yes", "title": "Yes"}, ButtonReply(id="yes", title="Yes")
    ),
    message("a row of a list", {"type": "list_reply", "id": "r-1"}, ListReply(id="r-1")),
    message("a typing mark", {"type": "typing"}, EventContent(name="typing")),
    message(
        "an answer in a thread",
        HELLO,
        InboundText(text="Hello"),
        in_reply_to="order-4711",
        sent_at="2026-11-22T11:00:00+01:00",
        thread={"id": "t-1"},
    ),
    receipt("delivered", {"status": "delivered"}),
    receipt("read at some time", {"status": "read", "at": "2026-11-22T11:00:00+01:00"}),
    receipt(
        "delivered, by a device that wants an answer",
        {"status": "delivered"},
        reporter=REPORTER.model_copy(update={"correlation": "c0ffee"}),
        answer=True,
        correlation="c0ffee",
    ),
    ItemRow("something that happened", item("event", up({"online": True}))),
    unreadable("not an item", "mo", {"id": "m-1", "content": HELLO}, why="app_id\n  Field required"),
    unreadable("no id", "mo", up({"content": HELLO}), why="for UpMessage\nid\n  Field required"),
    unreadable("an unknown type", "mo", up({"id": "m-1", "content": {"type": "poll"}}), why="content\n"),
    unreadable(
        "more than there is", "mo", up({"id": "m-1", "content": HELLO, "to": "bob"}), why="to\n  Extra inputs"
    ),
    unreadable("a receipt for an MO", "mo", up({"message_id": "m-1", "status": "read"}), why="for UpMessage"),
    unreadable("an unknown status", "dr", up({"message_id": "m-1", "status": "failed"}), why="status\n"),
    unreadable("a receipt for nothing", "dr", up({"status": "read"}), why="message_id\n  Field required"),
    unreadable(
        "a person that nobody is",
        "dr",
        up({"message_id": "m-1", "status": "read"}) | {"user_id": "+"},
        why="user_id\n",
    ),
)
