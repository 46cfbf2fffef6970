"""Puts a message into Apple's payload and headers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.errors import MessageRefused
from gateway.model.address import Address
from gateway.model.content import MediaContent, RawContent, TextContent
from handlers.contract import Submission
from handlers.shared.json_bodies import write_request
from handlers.shared.push import (
    collapse_key,
    fitting,
    image_of,
    title_of,
    urgency_of,
    with_data,
    without_form,
    words_of,
)
from handlers.shared.push_receipts import PushCallback, receipt_data

Json = dict[str, Any]

_MOST_BYTES = 4_096
_COLLAPSE_ID_LENGTH = 64
_DEVICE = re.compile(r"(?:[0-9a-fA-F]{2}){8,100}")  # 32 bytes today; Apple says not to rely on it
_PRIORITIES = {"high": "10", "normal": "5", "low": "5", "very-low": "1"}
_SHOWN = ("alert", "badge", "sound")


class Parameters(Protocol):
    """What must be known of the app."""

    @property
    def topic(self) -> str: ...

    @property
    def images(self) -> bool: ...

    @property
    def sound(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Push:
    """What goes to one device."""

    device: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


def push_of(submission: Submission, app: Parameters, callback: PushCallback | None) -> Push:
    """The push for a message. Raises MessageRefused for what Apple has no form for."""
    content, device = submission.content, _device(submission.to)
    if isinstance(content, RawContent):
        payload = dict(content.payload)
    elif isinstance(content, TextContent) or (isinstance(content, MediaContent) and app.images):
        payload = _alert(submission, content, app, has_receipt=callback is not None)
    else:
        raise without_form("this app", content)
    payload = with_data(payload, receipt_data(callback, submission))
    headers = {"apns-topic": app.topic, **_headers(submission, background=_is_background(payload))}
    return Push(device, headers, fitting(write_request(payload), _MOST_BYTES))


def checking_push(topic: str) -> Push:
    """A push that reaches nobody."""
    headers = {"apns-topic": topic, "apns-push-type": "background", "apns-priority": "5"}
    return Push("00" * 32, headers, b'{"aps":{"content-available":1}}')


def _device(to: Address) -> str:
    if to.kind != "device_token" or not _DEVICE.fullmatch(to.id):
        raise MessageRefused("invalid_recipient", "Apple reaches a device_token, which is written in hex")
    return to.id.lower()


def _alert(
    submission: Submission, content: TextContent | MediaContent, app: Parameters, *, has_receipt: bool
) -> Json:
    if content.buttons:
        raise MessageRefused("unsupported_content", "Apple has no buttons but those that an app registers")
    image = image_of(content)
    shown = {"title": title_of(submission), "body": words_of(content)}
    aps: Json = {"alert": {name: text for name, text in shown.items() if text}}
    if app.sound is not None:
        aps["sound"] = app.sound
    if submission.thread is not None:
        aps["thread-id"] = submission.thread.id
    if has_receipt or image is not None:
        aps["mutable-content"] = 1
    return {"aps": aps} | ({"image": image} if image else {})


def _is_background(payload: Json) -> bool:
    aps = payload.get("aps")
    return not isinstance(aps, dict) or not any(name in aps for name in _SHOWN)


def _headers(submission: Submission, *, background: bool) -> dict[str, str]:
    headers = {
        "apns-push-type": "background" if background else "alert",
        # Apple refuses background pushes of high priority.
        "apns-priority": "5" if background else _PRIORITIES[urgency_of(submission)],
    }
    if submission.expires_at is not None:
        headers["apns-expiration"] = str(max(0, int(submission.expires_at.timestamp())))
    if replaced := collapse_key(submission, _COLLAPSE_ID_LENGTH):
        headers["apns-collapse-id"] = replaced
    return headers
