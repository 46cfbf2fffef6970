"""A simulated Telegram bot: its counters, its messages as the Bot API shows them, its updates.

Source: core.telegram.org/bots/api (Message, Update, CallbackQuery, setWebhook), Bot API 9, read in 2026.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from handlers.simulator.callbacks import Sealed
from handlers.simulator.config import TelegramAccount
from handlers.simulator.speech import Pressed, SentMedia, Speech
from handlers.simulator.telegram_checks import MEDIA, Json, buttons

_COPIED = ("text", "caption", "title", "address", "phone_number", "first_name", "latitude", "longitude")


class Bot:
    """One bot. Message ids count per chat, as Telegram's do; update ids count per bot."""

    def __init__(self, account: TelegramAccount, url: str) -> None:
        self.account = account
        self.url: str | None = url
        self._secret = account.secret_token.get_secret_value()
        self._messages: Counter[str] = Counter()
        self._update = secrets.randbelow(10**8)
        self._queries: set[str] = set()

    @property
    def user(self) -> Json:
        """The bot as a User."""
        name = self.account.bot_username
        return {"id": self.account.bot_id, "is_bot": True, "first_name": name, "username": name}

    def set_webhook(self, url: str | None, secret_token: str) -> None:
        """Where updates go from now on; None: nowhere."""
        self.url = url
        self._secret = secret_token

    def next_message_id(self, chat: str) -> int:
        self._messages[chat] += 1
        return self._messages[chat]

    def message(self, method: str, parameters: Json, chat: str, message_id: int) -> dict[str, Any]:
        """The Message that a send results in."""
        shown: dict[str, Any] = {
            "message_id": message_id,
            "from": self.user,
            "chat": _chat(chat, "Kerry"),
            "date": int(time.time()),
        }
        if buttons(parameters):
            shown["reply_markup"] = {"inline_keyboard": [buttons(parameters)]}
        given = {name: parameters[name] for name in _COPIED if name in parameters}
        if method in ("sendlocation", "sendvenue"):
            place = {name: float(given.pop(name)) for name in ("latitude", "longitude")}
            venue = {"venue": {"location": place, **given}} if method == "sendvenue" else {}
            return shown | {"location": place} | venue
        if method == "sendcontact":
            return shown | {"contact": given}
        if method in MEDIA:
            caption = {"caption": given["caption"]} if given.get("caption") else {}
            return shown | caption | {MEDIA[method]: _file(MEDIA[method])}
        return shown | given

    def update(self, part: Mapping[str, Any]) -> dict[str, Any]:
        """The next Update, which holds this part."""
        self._update += 1
        return {"update_id": self._update, **part}

    def heard(self, speech: Speech, message_id: int) -> dict[str, Any]:
        """A Message from a person."""
        shown: dict[str, Any] = {
            "message_id": message_id,
            "from": _person(speech),
            "chat": _chat(speech.sender, speech.name),
            "date": int(time.time()),
        }
        if speech.in_reply_to is not None:
            shown["reply_to_message"] = self.earlier(speech.sender, speech.in_reply_to)
        if speech.location is not None:
            place = speech.location
            return shown | {"location": {"latitude": place.latitude, "longitude": place.longitude}}
        if speech.media is not None:
            caption = {"caption": speech.text} if speech.text else {}
            return shown | caption | {_inbound(speech.media): _file(_inbound(speech.media), speech.media)}
        return shown | {"text": speech.text}

    def corrected(self, speech: Speech, message_id: int) -> dict[str, Any]:
        """The same Message after the person edited it."""
        return self.heard(speech, message_id) | {"edit_date": int(time.time())}

    def pressed(self, speech: Speech, query_id: str, message: Mapping[str, Any]) -> dict[str, Any]:
        """A CallbackQuery for a press on a button of `message`; `query_id` waits for its answer now."""
        self._queries.add(query_id)
        button = speech.button or Pressed(id="0")
        keyboard = [[{"text": button.title or button.id, "callback_data": button.id}]]
        return {
            "id": query_id,
            "from": _person(speech),
            "message": {"reply_markup": {"inline_keyboard": keyboard}, **message},
            "chat_instance": str(abs(hash(speech.sender)) or 1),
            "data": button.id,
        }

    def answer_query(self, query_id: str) -> bool:
        """Whether this query was waiting; it is answered now."""
        if query_id not in self._queries:
            return False
        self._queries.discard(query_id)
        return True

    def earlier(self, chat: str, message_id: str) -> dict[str, Any]:
        """As much of a message of the bot as can be told from its id ("chat:message" or the number alone)."""
        number = message_id.rpartition(":")[2]
        return {
            "message_id": int(number) if number.isdecimal() else 0,
            "from": self.user,
            "chat": _chat(chat, "Kerry"),
            "date": int(time.time()),
            "text": "…",
        }

    def seal(self, updates: Sequence[Mapping[str, Any]]) -> Sealed:
        """One request with one update; Telegram does not batch."""
        headers = {"Content-Type": "application/json"}
        if self._secret:
            headers["X-Telegram-Bot-Api-Secret-Token"] = self._secret
        return Sealed(orjson.dumps(updates[0]), headers)


def new_query_id() -> str:
    return str(secrets.randbelow(10**18) + 10**18)


def _person(speech: Speech) -> dict[str, Any]:
    first, _, last = speech.name.partition(" ")
    names = {"first_name": first} | ({"last_name": last} if last else {})
    return {"id": int(speech.sender), "is_bot": False, **names, "language_code": "en"}


def _chat(chat: str, name: str) -> dict[str, Any]:
    if chat.startswith("@"):
        return {"id": -1_001_000_000_000, "type": "channel", "title": chat[1:], "username": chat[1:]}
    if chat.startswith("-"):
        return {"id": int(chat), "type": "group", "title": "Group"}
    return {"id": int(chat), "type": "private", "first_name": name.partition(" ")[0]}


def _inbound(media: SentMedia) -> str:
    return "photo" if media.type == "image" else media.type


def _file(kind: str, media: SentMedia | None = None) -> Any:
    """A file of this kind with the fields that the Bot API always gives."""
    file: dict[str, Any] = {
        "file_id": media.id if media else f"BQAC{secrets.token_urlsafe(24)}",
        "file_unique_id": secrets.token_urlsafe(8),
    }
    if media is not None and media.filename and kind != "photo":
        file["file_name"] = media.filename
    if media is not None and kind not in ("photo", "sticker"):
        file["mime_type"] = media.mime_type
    if kind in ("photo", "video", "sticker"):
        file |= {"width": 512, "height": 512}
    if kind in ("video", "audio", "voice"):
        file["duration"] = 3
    if kind == "sticker":
        file |= {"type": "regular", "is_animated": False, "is_video": False}
    return [file] if kind == "photo" else file
