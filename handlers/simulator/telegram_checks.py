"""What the Telegram Bot API checks in a request to send, its limits, and the errors it answers with.

Source: core.telegram.org/bots/api (Bot API 9), read in 2026. Telegram documents the form of errors and their
numbers; the descriptions are those of the live API, which clients have come to rely on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.errors import RefusedError
from handlers.simulator.desk import Answer

Json = Mapping[str, Any]

MAX_TEXT = 4_096
MAX_CAPTION = 1_024
MAX_CALLBACK_DATA_BYTES = 64

# Method (in lower case, since methods are case-insensitive) and the parameter that carries its media.
MEDIA = {
    "sendphoto": "photo",
    "sendvideo": "video",
    "sendaudio": "audio",
    "sendvoice": "voice",
    "senddocument": "document",
    "sendsticker": "sticker",
}
SENDS = frozenset({"sendmessage", "sendlocation", "sendvenue", "sendcontact", *MEDIA})
_REQUIRED = {
    "sendlocation": ("latitude", "longitude"),
    "sendvenue": ("latitude", "longitude", "title", "address"),
    "sendcontact": ("phone_number", "first_name"),
}


@dataclass(frozen=True, slots=True)
class BotError:
    """One error: HTTP status and description."""

    status: int
    description: str


# The names that rules may use, and what Telegram says then.
NAMES = {
    "blocked": BotError(403, "Forbidden: bot was blocked by the user"),
    "deactivated": BotError(403, "Forbidden: user is deactivated"),
    "not_started": BotError(403, "Forbidden: bot can't initiate conversation with a user"),
    "kicked": BotError(403, "Forbidden: bot was kicked from the group chat"),
    "chat_not_found": BotError(400, "Bad Request: chat not found"),
    "no_rights": BotError(400, "Bad Request: not enough rights to send text messages to the chat"),
    "bad_file": BotError(400, "Bad Request: wrong file identifier/HTTP URL specified"),
    "media": BotError(400, "Bad Request: failed to get HTTP URL content"),
    "entities": BotError(400, "Bad Request: can't parse entities: unsupported start tag"),
    "403": BotError(403, "Forbidden: bot was blocked by the user"),
    "400": BotError(400, "Bad Request: chat not found"),
}
UNAUTHORIZED = BotError(401, "Unauthorized")


class Wrong(RefusedError):
    """A request that the Bot API refuses, with its error."""

    def __init__(self, description: str) -> None:
        super().__init__(description)
        self.error = BotError(400, f"Bad Request: {description}")


def known(case: str) -> bool:
    """Whether a rule may name this."""
    return case in NAMES


def refusal(error: BotError, parameters: Json | None = None) -> Answer:
    body: dict[str, Any] = {"ok": False, "error_code": error.status, "description": error.description}
    if parameters:
        body["parameters"] = parameters
    return Answer(error.status, orjson.dumps(body))


def success(result: Any, description: str | None = None) -> Answer:
    body: dict[str, Any] = {"ok": True, "result": result}
    if description is not None:
        body["description"] = description
    return Answer(200, orjson.dumps(body))


def throttled(retry_after_seconds: int) -> Answer:
    error = BotError(429, f"Too Many Requests: retry after {retry_after_seconds}")
    return refusal(error, {"retry_after": retry_after_seconds})


def chat_of(parameters: Json) -> str:
    """The chat as text: its number, or @name. Raises Wrong."""
    chat = parameters.get("chat_id", "")
    if chat == "" or isinstance(chat, bool) or not isinstance(chat, int | str):
        raise Wrong("chat_id is empty")
    if not re.fullmatch(r"-?[1-9][0-9]{0,18}|@[A-Za-z][A-Za-z0-9_]{3,31}", str(chat)):
        raise Wrong("chat not found")
    return str(chat)


def check(method: str, parameters: Json) -> None:
    """Raises Wrong for what the Bot API would refuse. `method` is one of SENDS."""
    chat_of(parameters)
    if method == "sendmessage":
        _text(parameters)
    elif method in MEDIA:
        _media(MEDIA[method], parameters)
    for name in _REQUIRED.get(method, ()):
        if parameters.get(name) in (None, ""):
            raise Wrong(f"{name.replace('_', ' ')} is empty")
        if name in ("latitude", "longitude"):
            _number(name, parameters[name])
    if parameters.get("parse_mode", "") not in ("", None, "HTML", "Markdown", "MarkdownV2"):
        raise Wrong("unsupported parse_mode")
    for button in buttons(parameters):
        _button(button)


def buttons(parameters: Json) -> list[Json]:
    """The buttons of an inline keyboard, row after row. Raises Wrong."""
    rows = _decoded(parameters.get("reply_markup") or {}).get("inline_keyboard") or []
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise Wrong('field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays')
    flat = [button for row in rows for button in row]
    if not all(isinstance(button, dict) for button in flat):
        raise Wrong("can't parse inline keyboard button: InlineKeyboardButton must be an Object")
    return flat


def _number(name: str, value: Any) -> None:
    try:
        float(value)
    except (TypeError, ValueError) as error:
        raise Wrong(f"{name} must be a number") from error


def _text(parameters: Json) -> None:
    text = parameters.get("text")
    if not isinstance(text, str) or not text.strip():
        raise Wrong("message text is empty")
    if len(text) > MAX_TEXT:
        raise Wrong("message is too long")


def _media(name: str, parameters: Json) -> None:
    file = parameters.get(name)
    if not file:
        raise Wrong(f"there is no {name} in the request")
    if isinstance(file, str) and "://" in file and not re.match(r"https?://[^\s/]+", file):
        raise Wrong("wrong file identifier/HTTP URL specified")
    if len(str(parameters.get("caption") or "")) > MAX_CAPTION:
        raise Wrong("message caption is too long")


def _button(button: Json) -> None:
    if not isinstance(button.get("text"), str) or not button["text"]:
        raise Wrong("can't parse inline keyboard button: Can't find field \"text\"")
    if "callback_data" in button:
        if not 1 <= len(str(button["callback_data"]).encode()) <= MAX_CALLBACK_DATA_BYTES:
            raise Wrong("BUTTON_DATA_INVALID")
    elif "url" in button:
        if not re.match(r"(https?|tg)://[^\s/]+", str(button["url"])):
            raise Wrong("BUTTON_URL_INVALID")
    elif len(button) == 1:
        raise Wrong("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")


def _decoded(markup: Any) -> Json:
    """A reply_markup, which comes as an object or, in a form, as its JSON text."""
    if isinstance(markup, str):
        try:
            markup = orjson.loads(markup)
        except orjson.JSONDecodeError as error:
            raise Wrong("can't parse reply keyboard markup JSON object") from error
    if not isinstance(markup, dict):
        raise Wrong("object expected as reply markup")
    return markup
