"""Puts a message into a call of the Web API: the name of the method, and its arguments."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from gateway.errors import MessageRefused
from gateway.model.address import Address
from gateway.model.content import (
    Button,
    Content,
    ListContent,
    ListRow,
    MediaContent,
    RawContent,
    ReactionContent,
    ReplyButton,
    TextContent,
    UrlButton,
)
from handlers.contract import Submission
from handlers.providers.slack.words import emoji_name, escaped

Json = dict[str, Any]

ACTIONS_ELEMENTS, OPTION_VALUE_CHARACTERS, ALT_TEXT_CHARACTERS = 25, 150, 2_000
_POST = "chat.postMessage"
_MESSAGE = re.compile(r"([A-Z0-9]{1,64}):([0-9]{1,12}\.[0-9]{1,9})(:.*)?")  # as in provider_message_id


def call_of(submission: Submission) -> tuple[str, Json]:
    """The method and its arguments. Raises MessageRefused for what Slack has no form for."""
    channel, content = _channel(submission.to), submission.content
    if isinstance(content, ReactionContent):
        return "reactions.add", _reaction(content)
    said = _said(content) | {"channel": channel}
    thread = _thread(submission)
    return _POST, said | ({"thread_ts": thread} if thread else {})


def _channel(to: Address) -> str:
    if to.kind not in ("chat_id", "user_id"):
        raise MessageRefused("invalid_recipient", f"Slack reaches a chat_id or a user_id, not a {to.kind}")
    return to.id


def _thread(submission: Submission) -> str | None:
    """The first message of the thread: an answer to an answer belongs to that, too, so the thread of an MO
    counts before the MO itself."""
    if submission.thread is not None and (found := _MESSAGE.fullmatch(submission.thread.id)):
        return found[2]
    return _message(submission.in_reply_to)[1] if submission.in_reply_to is not None else None


def _message(key: str) -> tuple[str, str]:
    found = _MESSAGE.fullmatch(key)
    if found is None:
        raise MessageRefused("invalid_message", "a message of Slack is named channel:ts")
    return found[1], found[2]


def _reaction(content: ReactionContent) -> Json:
    channel, ts = _message(content.to)
    name = emoji_name(content.emoji)
    if name is None:
        raise MessageRefused("unsupported_content", "Slack takes back no reaction, and knows emoji by :name:")
    return {"channel": channel, "timestamp": ts, "name": name}


def _said(content: Content) -> Json:
    match content:
        case TextContent(buttons=()):
            shown = content.preview_url
            return _fallback(content.text) | {"unfurl_links": shown, "unfurl_media": shown}
        case TextContent():
            return _fallback(content.text) | {"blocks": [_section(content.text), *_rows(content.buttons)]}
        case MediaContent(type="image"):
            return _image(content)
        case ListContent():
            return _fallback(content.text) | {"blocks": [_section(content.text), _actions([_menu(content)])]}
        case RawContent():
            return dict(content.payload)
    raise MessageRefused("unsupported_content", f"Slack has no {content.type}")


def _fallback(text: str) -> Json:
    # What notifications show; without blocks, the message itself. Nothing in it is formatting.
    return {"text": escaped(text), "mrkdwn": False}


def _plain(text: str) -> Json:
    return {"type": "plain_text", "text": text, "emoji": False}


def _section(text: str) -> Json:
    return {"type": "section", "text": _plain(text)}


def _image(content: MediaContent) -> Json:
    alt_text = content.caption or content.filename or content.type
    source = {"image_url": content.url} if content.url else {"slack_file": {"id": content.media_id}}
    image = {"type": "image", **source, "alt_text": alt_text[:ALT_TEXT_CHARACTERS]}
    caption = [_section(content.caption)] if content.caption else []
    return _fallback(alt_text) | {"blocks": [image, *caption, *_rows(content.buttons)]}


def _actions(elements: Sequence[Json]) -> Json:
    return {"type": "actions", "elements": list(elements)}


def _rows(buttons: tuple[Button, ...]) -> list[Json]:
    elements = [_button(number, button) for number, button in enumerate(buttons, start=1)]
    starts = range(0, len(elements), ACTIONS_ELEMENTS)
    return [_actions(elements[start : start + ACTIONS_ELEMENTS]) for start in starts]


def _button(number: int, button: Button) -> Json:
    element = {"type": "button", "text": _plain(button.title), "action_id": f"{button.type}:{number}"}
    if isinstance(button, UrlButton):
        return element | {"url": button.url}
    if isinstance(button, ReplyButton):
        return element | {"value": button.id}
    raise MessageRefused("unsupported_content", f"Slack has no {button.type} button")


def _menu(content: ListContent) -> Json:
    menu = {"type": "static_select", "action_id": "list", "placeholder": _plain(content.button)}
    if not any(section.title for section in content.sections):
        return menu | {"options": [_option(row) for section in content.sections for row in section.rows]}
    groups = [
        {
            "label": _plain(section.title or content.button),
            "options": [_option(row) for row in section.rows],
        }
        for section in content.sections
    ]
    return menu | {"option_groups": groups}


def _option(row: ListRow) -> Json:
    if len(row.id) > OPTION_VALUE_CHARACTERS:
        limit = f"Slack takes {OPTION_VALUE_CHARACTERS} characters in the id of a row"
        raise MessageRefused("content_too_long", limit)
    option: Json = {"text": _plain(row.title), "value": row.id}
    return option | ({"description": _plain(row.description)} if row.description else {})
