"""Reads what Apple posts: one message, choice or sign of life of one person at a time."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import orjson
from pydantic import ValidationError

from gateway.errors import CallbackRefused
from gateway.model.address import Person
from gateway.model.callback import CallbackItem, CallbackRequest
from gateway.model.content import (
    ButtonReply,
    EventContent,
    InboundContent,
    InboundMedia,
    InboundMediaContent,
    InboundText,
    ListReply,
    UnsupportedContent,
)
from handlers.contract import InboundMessage
from handlers.providers.apple_messages import wire
from handlers.providers.apple_messages.attachments import media_id_of
from handlers.shared.json_bodies import read_callback, write_item

_GZIP = b"\x1f\x8b"
_MOST_BYTES = 4 * 1024 * 1024
_ATTACHED = "\ufffc"
_MEDIA: dict[str, InboundMedia] = {"image": "image", "video": "video", "audio": "audio"}
_AROUND = ("version", "requestIdentifier", "mspVersion", "images", "replyMessage", "receivedMessage")


def split(request: CallbackRequest) -> tuple[CallbackItem, ...]:
    """The request as the one item it is. Its headers say again who wrote it and which message it is."""
    document = read_callback(_plain(request.body))
    if not isinstance(document, dict):
        raise CallbackRefused("not a message of Apple", status=400)
    told = {"id": request.headers.get("id"), "sourceId": request.headers.get("source-id")}
    document = {**{name: value for name, value in told.items() if value}, **document}
    try:
        kind = wire.Message.model_validate(document).type
    except ValidationError as error:
        raise CallbackRefused("not a message of Apple", status=400) from error
    return (write_item("event" if kind == "typing_end" else "mo", document),)


def _plain(body: bytes) -> bytes:
    """The body in the clear: the server has inflated it, but only where a header says that it is needed."""
    if not body.startswith(_GZIP):
        return body
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        plain = inflater.decompress(body, _MOST_BYTES)
    except zlib.error as error:
        raise CallbackRefused("the body cannot be inflated", status=400) from error
    if not inflater.eof:
        raise CallbackRefused("the body is too large, or cut short", status=400)
    return plain


def read_messages(body: bytes) -> tuple[InboundMessage, ...]:
    """What an item says; several messages where it has several files, or several rows were chosen."""
    raw = orjson.loads(body)
    message = wire.Message.model_validate(raw)
    answered, contents = _contents(message, raw)
    return tuple(
        InboundMessage(
            provider_message_id=message.id if number == 1 else f"{message.id}:{number}",
            sender=Person(kind="user_id", id=message.source_id),
            to=message.destination_id,
            content=content,
            in_reply_to=answered,
        )
        for number, content in enumerate(contents, start=1)
    )


def _contents(message: wire.Message, raw: wire.Json) -> tuple[str | None, list[InboundContent]]:
    """The message that it answers, if it does, and what it says."""
    match message.type:
        case "text":
            return None, list(_text(message))
        case "typing_start":
            return None, [EventContent(name="typing")]
        case "close":  # the person has deleted the conversation: nothing may be sent until they write again
            return None, [EventContent(name="opted_out", details={"type": "close"})]
        case "interactive" if message.interactive_data is not None:
            data = message.interactive_data.data
            read = wire.InteractiveData.model_validate(data)
            return read.request_identifier, _chosen(read, data)
        case "interactive" if message.interactive_data_ref is not None:
            # An answer of more than 10 KB, which lies at Apple as files do.
            return None, [
                UnsupportedContent(provider_type="interactiveDataRef", raw=message.interactive_data_ref)
            ]
    return None, [UnsupportedContent(provider_type=message.type, raw=raw)]


def _text(message: wire.Message) -> Iterator[InboundContent]:
    text = message.body.replace(_ATTACHED, "").strip() if message.attachments else message.body
    if not message.attachments:
        yield InboundText(text=text)
    for number, file in enumerate(message.attachments):
        yield InboundMediaContent(
            type=_MEDIA.get(file.mime_type.partition("/")[0], "document"),
            media_id=media_id_of(file),
            caption=(text or None) if number == 0 else None,
            filename=file.name,
            mime_type=file.mime_type,
        )


def _chosen(read: wire.InteractiveData, data: wire.Json) -> list[InboundContent]:
    if read.quick_reply is not None:
        return [_pressed(read.quick_reply)]
    sections = read.list_picker.sections if read.list_picker else ()
    if sections and sections[0].items:  # what was chosen comes first
        return [ListReply(id=item.identifier, title=item.title) for item in sections[0].items]
    kind = next((name for name in data if name not in _AROUND), "interactive")
    return [UnsupportedContent(provider_type=f"interactive.{kind}", raw=data)]


def _pressed(reply: wire.QuickReply) -> ButtonReply:
    by_id = {item.identifier: item.title for item in reply.items}
    if reply.selected_identifier is not None:
        return ButtonReply(id=reply.selected_identifier, title=by_id.get(reply.selected_identifier))
    if reply.selected_index is None or reply.selected_index >= len(reply.items):
        raise ValueError("no quick reply is selected")
    item = reply.items[reply.selected_index]
    return ButtonReply(id=item.identifier, title=item.title)
