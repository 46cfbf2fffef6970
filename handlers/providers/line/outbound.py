"""Puts a message into the words of the Messaging API."""

from __future__ import annotations

import re
from typing import Any

from gateway.errors import MessageRefused
from gateway.model.address import Address
from gateway.model.content import (
    Button,
    CallButton,
    Content,
    ListContent,
    LocationContent,
    MediaContent,
    RawContent,
    ReplyButton,
    TextContent,
    UrlButton,
)
from handlers.shared.splitting import Limit, cut

Json = dict[str, Any]

MOST_QUICK_REPLIES = 13
LIST_ROWS = 10
ROW_TITLE, ROW_DESCRIPTION = Limit(30, "utf16"), Limit(58, "utf16")
_CONFIRM_TEXT, _BUTTONS_TEXT = Limit(240, "utf16"), Limit(160, "utf16")
_MOST_TEMPLATE_BUTTONS = 4
_ALTERNATIVE, _PLACE, _DATA = Limit(400, "utf16"), Limit(100, "utf16"), Limit(300, "utf16")
_STICKER = re.compile(r"([0-9]{1,20}):([0-9]{1,20})")
_NOT_DIALLED = re.compile(r"[^0-9+]")


def chat_of(to: Address) -> str:
    """The user, group or room it goes to."""
    if to.kind not in ("user_id", "chat_id"):
        raise MessageRefused("invalid_recipient", f"LINE reaches a user_id or a chat_id, not a {to.kind}")
    return to.id


def loading_of(to: Address) -> Json:
    """The body of `chat/loading/start`. LINE shows it to a single person, until the next message comes."""
    chat = chat_of(to)
    if to.kind != "user_id":
        raise MessageRefused("unsupported_content", "LINE shows typing to a user, not in groups and rooms")
    return {"chatId": chat, "loadingSeconds": 20}


def push_of(to: Address, content: Content, *, audio_seconds: int, video_preview_url: str | None) -> Json:
    """The body of `message/push`. Raises MessageRefused for what LINE has no form for."""
    chat = chat_of(to)
    if isinstance(content, RawContent):
        return _raw(content) | {"to": chat}
    match content:
        case TextContent():
            messages = [_text(content)]
        case MediaContent(type="sticker"):
            messages = [_sticker(content)]
        case MediaContent():
            messages = [_media(content, audio_seconds, video_preview_url)]
        case LocationContent():
            messages = [_location(content)]
        case ListContent():
            messages = _list(content)
        case _:
            raise MessageRefused("unsupported_content", f"LINE has no {content.type}")
    return {"to": chat, "messages": messages}


def _raw(content: RawContent) -> Json:
    if not isinstance(content.payload.get("messages"), list):
        raise MessageRefused("invalid_message", 'raw for LINE is the body of a push, with "messages"')
    return dict(content.payload)


def _text(content: TextContent) -> Json:
    kind = _template_for(content)
    if kind is None:
        return {"type": "text", "text": content.text} | _quick_replies(content.buttons)
    template = {"type": kind, "text": content.text, "actions": _actions(content.buttons)}
    return _template(content.text, template)


def _template_for(content: TextContent) -> str | None:
    """Which template the buttons fit. It stays with its message, where quick replies vanish with the next one
    and are on phones only; LINE has buttons for a place among quick replies alone."""
    number, kinds = len(content.buttons), {button.type for button in content.buttons}
    if number == 2 and kinds == {"reply"} and _CONFIRM_TEXT.allows(content.text):
        return "confirm"
    fits = 0 < number <= _MOST_TEMPLATE_BUTTONS and _BUTTONS_TEXT.allows(content.text)
    return "buttons" if fits and "location" not in kinds else None


def _template(words: str, template: Json) -> Json:
    """`words` are shown in notifications, and where templates are not."""
    return {"type": "template", "altText": cut(words, _ALTERNATIVE), "template": template}


def _quick_replies(buttons: tuple[Button, ...]) -> Json:
    if not buttons:
        return {}
    if len(buttons) > MOST_QUICK_REPLIES:
        raise MessageRefused("unsupported_content", f"LINE takes {MOST_QUICK_REPLIES} buttons in all")
    return {"quickReply": {"items": [{"type": "action", "action": action} for action in _actions(buttons)]}}


def _actions(buttons: tuple[Button, ...]) -> list[Json]:
    return [_action(button) for button in buttons]


def _action(button: Button) -> Json:
    if isinstance(button, ReplyButton):
        return _postback(button.title, button.id, button.title)
    if isinstance(button, UrlButton):
        return {"type": "uri", "label": button.title, "uri": button.url}
    if isinstance(button, CallButton):
        return {"type": "uri", "label": button.title, "uri": f"tel:{_NOT_DIALLED.sub('', button.phone)}"}
    return {"type": "location", "label": button.title}


def _postback(label: str, row_id: str, said: str) -> Json:
    """An action that comes back as `row_id`; the chat shows `said` as the person's answer."""
    if not _DATA.allows(row_id):
        raise MessageRefused("content_too_long", f"LINE takes {_DATA.most} characters in the id of a button")
    return {"type": "postback", "label": label, "data": row_id, "displayText": cut(said, _DATA)}


def _media(content: MediaContent, audio_seconds: int, video_preview_url: str | None) -> Json:
    if content.type == "document":
        raise MessageRefused("unsupported_content", "LINE has no document")
    if content.url is None or not content.url.startswith("https://"):
        raise MessageRefused("unsupported_content", "LINE takes media by https URL only")
    _uncaptioned(content)
    part: Json = {"type": content.type, "originalContentUrl": content.url}
    if content.type == "audio":
        part["duration"] = audio_seconds * 1_000
    else:
        preview = video_preview_url if content.type == "video" else None
        part["previewImageUrl"] = preview or content.url
    return part | _quick_replies(content.buttons)


def _sticker(content: MediaContent) -> Json:
    found = _STICKER.fullmatch(content.media_id or "")
    if found is None:
        raise MessageRefused("unsupported_content", "a sticker of LINE has the media_id package:sticker")
    _uncaptioned(content)
    return {"type": "sticker", "packageId": found[1], "stickerId": found[2]} | _quick_replies(content.buttons)


def _uncaptioned(content: MediaContent) -> None:
    if content.caption is not None:
        raise MessageRefused("unsupported_content", f"LINE takes no caption with {content.type}")


def _location(content: LocationContent) -> Json:
    numbers = f"{content.latitude}, {content.longitude}"
    return {
        "type": "location",
        "title": cut(content.name or content.address or numbers, _PLACE),  # LINE needs both
        "address": cut(content.address or content.name or numbers, _PLACE),
        "latitude": content.latitude,
        "longitude": content.longitude,
    }


def _list(content: ListContent) -> list[Json]:
    """The text, and behind it a carousel with a column for each row: all columns alike, as LINE wants it."""
    columns = [
        {
            "text": "\n".join(filter(None, (section.title, row.title, row.description))),
            "actions": [_postback(content.button, row.id, row.title)],
        }
        for section in content.sections
        for row in section.rows
    ]
    if len(columns) > LIST_ROWS:
        raise MessageRefused("unsupported_content", f"LINE takes {LIST_ROWS} rows in all")
    carousel = {"type": "carousel", "columns": columns}
    return [{"type": "text", "text": content.text}, _template(content.text, carousel)]
