"""Reads Slack's events and pressed buttons, and brings them into normal form.

Ids: a message is `channel:ts`. An edit, a deletion, a reaction and a pressed button are news of their own:
their id goes on with the event's id, or the time of the press, which repetitions share.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import parse_qsl

import orjson
from pydantic import ValidationError

from gateway.errors import CallbackRefused
from gateway.model.address import Person, Thread
from gateway.model.callback import CallbackItem, CallbackRequest, ItemKind
from gateway.model.content import (
    ButtonReply,
    EventContent,
    InboundContent,
    InboundMedia,
    InboundMediaContent,
    InboundText,
    ListReply,
    ReactionContent,
    UnsupportedContent,
)
from handlers.contract import InboundMessage
from handlers.providers.slack import wire
from handlers.providers.slack.words import emoji_sign, plain
from handlers.shared.instants import read_instant
from handlers.shared.json_bodies import read_callback, write_item

_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 32
# What people say; the other subtypes are what Slack says, of people who come and go for instance.
_SAID = (None, "file_share", "me_message", "thread_broadcast")
_SLACK_ITSELF = "USLACKBOT"
# What proves or permits something is not kept with the message.
_SECRETS = ("token", "response_url", "response_urls", "trigger_id")


class News(NamedTuple):
    """What an event says of a message: as it is now, or as it was before it was deleted."""

    message: wire.Json
    edited: bool = False
    deleted: bool = False


def split(request: CallbackRequest) -> tuple[CallbackItem, ...]:
    """The event or interaction as the one item it is; nothing for a challenge."""
    is_form = request.headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM
    document = _form(request.body) if is_form else read_callback(request.body)
    if not isinstance(document, dict):
        raise CallbackRefused("not a request of Slack", status=400)
    if document.get("type") == "url_verification":
        return ()
    kept = {name: value for name, value in document.items() if name not in _SECRETS}
    try:
        return (write_item(_kind(document), kept),)
    except ValidationError as error:
        raise CallbackRefused("not a request of Slack", status=400) from error


def _form(body: bytes) -> object:
    """An interaction's payload; all fields of a slash command."""
    try:
        fields = dict(parse_qsl(body.decode(), max_num_fields=_MOST_FIELDS))
    except ValueError as error:
        raise CallbackRefused("the body is not a form", status=400) from error
    return read_callback(fields["payload"].encode()) if "payload" in fields else fields


def challenge(body: bytes) -> str | None:
    """The word that Slack wants back when the URL is entered; None in any other request."""
    try:
        return wire.Challenge.model_validate_json(body).challenge
    except ValidationError:
        return None


def _kind(document: wire.Json) -> ItemKind:
    if document.get("type") == "block_actions":
        actions = document.get("actions")
        if not isinstance(actions, list):
            return "event"
        return "mo" if any(_chosen(wire.Action.model_validate(action)) for action in actions) else "event"
    if document.get("type") != "event_callback":
        return "event"
    delivery = wire.Delivery.model_validate(document)
    event = delivery.event
    ours = {authorization.user_id for authorization in delivery.authorizations} | {_SLACK_ITSELF}
    if event.get("type") in ("reaction_added", "reaction_removed"):
        item = event.get("item")
        is_of_message = isinstance(item, dict) and item.get("type") == "message"
        return "mo" if is_of_message and _is_by_person(event, ours) else "event"
    if event.get("type") not in ("message", "app_mention"):
        return "event"
    news = _news(event)
    return "mo" if news is not None and _is_by_person(news.message, ours) else "event"


def _is_by_person(message: wire.Json, ours: set[str | None]) -> bool:
    # Bots that answer bots never stop, so what any of them writes, ours among them, is only an event.
    user = message.get("user")
    return not message.get("bot_id") and isinstance(user, str) and user not in ours


def _news(event: wire.Json) -> News | None:
    subtype, after, before = event.get("subtype"), event.get("message"), event.get("previous_message")
    if subtype in _SAID:
        return News(event)
    if subtype == "message_deleted" and isinstance(before, dict):
        return News(before, deleted=True)
    if subtype != "message_changed" or not isinstance(after, dict) or not isinstance(before, dict):
        return None
    if after.get("subtype") == "tombstone":  # what is left of a message with a thread
        return News(before, deleted=True)
    if after.get("text") == before.get("text"):  # a preview was added, or the thread has grown
        return None
    return News(after, edited=True)


def read_messages(body: bytes) -> tuple[InboundMessage, ...]:
    """What an event or interaction says; several where several files were sent together."""
    document = orjson.loads(body)
    if isinstance(document, dict) and document.get("type") == "block_actions":
        return tuple(_pressed(wire.Pressed.model_validate(document)))
    delivery = wire.Delivery.model_validate(document)
    if delivery.event.get("type") in ("reaction_added", "reaction_removed"):
        return (_reaction(delivery, wire.Reaction.model_validate(delivery.event)),)
    news = _news(delivery.event)
    return tuple(_messages(delivery, news)) if news is not None else ()


def _messages(delivery: wire.Delivery, news: News) -> Iterator[InboundMessage]:
    place = wire.Place.model_validate(delivery.event)
    message = wire.Message.model_validate(news.message)
    key = f"{place.channel}:{message.ts}"
    changed = f":{delivery.event_id}" if news.edited or news.deleted else ""
    contents = [_deletion(key)] if news.deleted else list(_contents(message, news.message))
    for number, content in enumerate(contents, start=1):
        yield InboundMessage(
            provider_message_id=key + changed + (f":{number}" if number > 1 else ""),
            sender=_person(place.channel, message.user),
            to=delivery.api_app_id,
            content=content,
            thread=_thread(place.channel, message.thread_ts),
            in_reply_to=_answered(place.channel, message),
            edited=news.edited,
            deleted=news.deleted,
            sent_at=read_instant(place.event_ts or message.ts),
        )


def _deletion(key: str) -> InboundContent:
    return EventContent(name="message_deleted", details={"message": key})


def _is_private(channel: str) -> bool:
    return channel.startswith("D")


def _person(channel: str, user: str) -> Person:
    # Who answers in a channel answers to the channel. Slack tells no name, so the user's id stands for it.
    if _is_private(channel):
        return Person(kind="user_id", id=user)
    return Person(kind="chat_id", id=channel, name=user)


def _thread(channel: str, thread_ts: str | None) -> Thread | None:
    if thread_ts is not None:
        return Thread(id=f"{channel}:{thread_ts}", type="conversation")
    return None if _is_private(channel) else Thread(id=channel, type="conversation")


def _answered(channel: str, message: wire.Message) -> str | None:
    if message.thread_ts is None or message.thread_ts == message.ts:
        return None
    return f"{channel}:{message.thread_ts}"


def _contents(message: wire.Message, raw: wire.Json) -> Iterator[InboundContent]:
    text = plain(message.text)
    for number, file in enumerate(message.files):
        yield InboundMediaContent(
            type=_media_kind(file.mimetype or ""),
            media_id=file.id,
            caption=(text or None) if number == 0 else None,
            filename=file.name,
            mime_type=file.mimetype,
        )
    if message.files:
        return
    yield InboundText(text=text) if text else UnsupportedContent(provider_type="message", raw=raw)


def _media_kind(mime_type: str) -> InboundMedia:
    match mime_type.partition("/")[0]:
        case "image":
            return "image"
        case "video":
            return "video"
        case "audio":
            return "audio"
    return "document"


def _reaction(delivery: wire.Delivery, reaction: wire.Reaction) -> InboundMessage:
    channel, key = reaction.item.channel, f"{reaction.item.channel}:{reaction.item.ts}"
    emoji = emoji_sign(reaction.reaction) if reaction.type == "reaction_added" else ""
    return InboundMessage(
        provider_message_id=f"{key}:{delivery.event_id}",
        sender=_person(channel, reaction.user),
        to=delivery.api_app_id,
        content=ReactionContent(to=key, emoji=emoji),
        thread=_thread(channel, None),
        sent_at=read_instant(reaction.event_ts),
    )


def _pressed(pressed: wire.Pressed) -> Iterator[InboundMessage]:
    channel, message = pressed.channel.id, pressed.message
    for action in pressed.actions:
        content = _chosen(action)
        if content is not None:
            yield InboundMessage(
                provider_message_id=f"{channel}:{message.ts}:{action.action_ts}",
                sender=_person(channel, pressed.user.id),
                to=pressed.api_app_id,
                content=content,
                thread=_thread(channel, message.thread_ts),
                in_reply_to=f"{channel}:{message.ts}",
                sent_at=read_instant(action.action_ts),
            )


def _chosen(action: wire.Action) -> InboundContent | None:
    """None for a button that opened a URL."""
    if action.selected_option is not None:
        return ListReply(id=action.selected_option.value, title=action.selected_option.text.text)
    return ButtonReply(id=action.value, title=action.text.text) if action.value is not None else None
