"""Puts a message into the JSON that a service worker gets: a declarative push message."""

from __future__ import annotations

from typing import Any, Protocol

from gateway.errors import MessageRefused
from gateway.model.content import Button, MediaContent, RawContent, TextContent, UrlButton
from handlers.contract import Submission
from handlers.providers.web_push.encryption import MOST_BYTES
from handlers.shared.json_bodies import write_request
from handlers.shared.push import fitting, image_of, title_of, with_data, without_form, words_of
from handlers.shared.push_receipts import PushCallback, receipt_data

Json = dict[str, Any]

_VERSION = 8030  # marks a declarative push message


class Looks(Protocol):
    """How an account's notifications look."""

    @property
    def title(self) -> str: ...

    @property
    def page(self) -> str | None: ...


def payload_of(submission: Submission, looks: Looks, callback: PushCallback | None) -> bytes:
    """The payload, not yet encrypted. Raises MessageRefused for what has no form here."""
    content, told = submission.content, receipt_data(callback, submission)
    if isinstance(content, RawContent):
        document = with_data(dict(content.payload), told)
    elif isinstance(content, TextContent | MediaContent):
        notification = with_data(_notification(submission, content, looks), told)
        document = {"web_push": _VERSION, "notification": notification}
        if callback is not None:
            document["mutable"] = True  # the worker is to see it: only it can report
    else:
        raise without_form("Web Push", content)
    return fitting(write_request(document), MOST_BYTES)


def _notification(submission: Submission, content: TextContent | MediaContent, looks: Looks) -> Json:
    shown: Json = {
        "title": title_of(submission) or looks.title,
        "body": words_of(content),
        "image": image_of(content),
        "navigate": looks.page,
        "actions": [_action(number, button) for number, button in enumerate(content.buttons, start=1)],
    }
    return {name: value for name, value in shown.items() if value}


def _action(number: int, button: Button) -> Json:
    if not isinstance(button, UrlButton):
        raise MessageRefused("unsupported_content", "notifications take url buttons only")
    return {"action": f"open-{number}", "title": button.title, "navigate": button.url}
