"""Puts a message into the words of `POST /pa/send_message`."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson

from gateway.errors import MessageRefused
from gateway.model.address import Address
from gateway.model.content import (
    Button,
    ContactContent,
    Content,
    LocationContent,
    MediaContent,
    RawContent,
    ReplyButton,
    TextContent,
    UrlButton,
)
from handlers.contract import Submission
from handlers.shared.splitting import Limit, cut

Json = dict[str, Any]

MOST_BUTTONS = 24
_ROWS, _FULL_WIDTH, _HALF_WIDTH = 12, 6, 3  # of a keyboard; widths are in columns
_TRACKING_CHARACTERS = 4_000
_CONTACT_NAME, _PHONE_CHARACTERS = Limit(28), 18
_FILE_NAME_CHARACTERS = 256
_LOCATION_PICKER_API_VERSION = 3
_NOT_DIALLED = re.compile(r"[^0-9+]")
_STICKER = re.compile(r"[0-9]{1,20}")


def body_of(submission: Submission, sender: Json) -> Json:
    """The request's JSON, without the size of media. Raises MessageRefused for what Viber has no form for."""
    content = submission.content
    buttons = content.buttons if isinstance(content, TextContent | MediaContent) else ()
    envelope: Json = {
        "receiver": _receiver(submission.to),
        "min_api_version": _api_version(buttons),
        "sender": sender,
        "tracking_data": _tracking(submission.reference, buttons),
    }
    if isinstance(content, RawContent):
        return envelope | _raw(content) | {"receiver": envelope["receiver"]}
    return envelope | _said(content) | _keyboard(buttons)


def _receiver(to: Address) -> str:
    if to.kind != "user_id":
        raise MessageRefused("invalid_recipient", f"Viber reaches a user_id, not a {to.kind}")
    return to.id


def _api_version(buttons: tuple[Button, ...]) -> int:
    picks_place = any(button.type == "location" for button in buttons)
    return _LOCATION_PICKER_API_VERSION if picks_place else 1


def _tracking(reference: str, buttons: tuple[Button, ...]) -> str:
    # A pressed button comes back as if its id had been typed; by this it is told apart.
    titles = {button.id: button.title for button in buttons if isinstance(button, ReplyButton)}
    tracking = orjson.dumps({"reference": reference} | ({"buttons": titles} if titles else {})).decode()
    if len(tracking) > _TRACKING_CHARACTERS:
        raise MessageRefused(
            "content_too_long", "the ids and titles of the buttons are longer than Viber takes"
        )
    return tracking


def _raw(content: RawContent) -> Json:
    if not isinstance(content.payload.get("type"), str):
        raise MessageRefused("invalid_message", 'raw for Viber is the body of send_message, with its "type"')
    return content.payload


def _said(content: Content) -> Json:
    match content:
        case TextContent():
            return {"type": "text", "text": content.text}
        case MediaContent(type="sticker"):
            return _sticker(content)
        case MediaContent():
            return _media(content)
        case LocationContent():
            return {"type": "location", "location": {"lat": content.latitude, "lon": content.longitude}}
        case ContactContent():
            return _contact(content)
    raise MessageRefused("unsupported_content", f"Viber has no {content.type}")


def _media(content: MediaContent) -> Json:
    if content.type == "audio":
        raise MessageRefused("unsupported_content", "Viber has no audio")
    if content.url is None:
        raise MessageRefused("unsupported_content", "Viber takes media by URL only")
    if content.type == "image":
        return {"type": "picture", "text": content.caption or "", "media": content.url}
    _uncaptioned(content)
    if content.type == "video":
        return {"type": "video", "media": content.url}
    return {"type": "file", "media": content.url, "file_name": _file_name(content)}


def _uncaptioned(content: MediaContent) -> None:
    if content.caption is not None:
        raise MessageRefused("unsupported_content", f"Viber takes no caption with {content.type}")


def _file_name(content: MediaContent) -> str:
    name = content.filename or PurePosixPath(unquote(urlsplit(content.url or "").path)).name or "file"
    return name[-_FILE_NAME_CHARACTERS:]  # its end says what kind of file it is


def _sticker(content: MediaContent) -> Json:
    _uncaptioned(content)
    if not _STICKER.fullmatch(content.media_id or ""):
        raise MessageRefused("unsupported_content", "a sticker of Viber has a number as its media_id")
    return {"type": "sticker", "sticker_id": content.media_id}


def _contact(content: ContactContent) -> Json:
    phone = _NOT_DIALLED.sub("", next(iter(content.phones), ""))
    if not 0 < len(phone) <= _PHONE_CHARACTERS:
        raise MessageRefused("unsupported_content", "Viber takes contacts only with a phone number")
    return {"type": "contact", "contact": {"name": cut(content.name, _CONTACT_NAME), "phone_number": phone}}


def _keyboard(buttons: tuple[Button, ...]) -> Json:
    if not buttons:
        return {}
    if len(buttons) > MOST_BUTTONS:
        raise MessageRefused("unsupported_content", f"Viber takes {MOST_BUTTONS} buttons in all")
    columns = _FULL_WIDTH if len(buttons) <= _ROWS else _HALF_WIDTH
    rows = [{"Columns": columns, "Rows": 1, "Text": button.title} | _action(button) for button in buttons]
    return {"keyboard": {"Type": "keyboard", "Buttons": rows}}


def _action(button: Button) -> Json:
    if isinstance(button, ReplyButton):
        return {"ActionType": "reply", "ActionBody": button.id}
    if isinstance(button, UrlButton):
        return {"ActionType": "open-url", "ActionBody": button.url}
    if button.type == "location":
        return {"ActionType": "location-picker", "ActionBody": "location"}  # Viber wants some text there
    raise MessageRefused("unsupported_content", f"Viber has no {button.type} button")
