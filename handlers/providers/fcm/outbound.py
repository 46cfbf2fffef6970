"""Puts a message into the words of `projects.messages:send`."""

from __future__ import annotations

from typing import Any

import orjson

from gateway.errors import MessageRefused
from gateway.model.address import Address
from gateway.model.content import MediaContent, RawContent, TextContent
from handlers.contract import Submission
from handlers.shared.push import (
    collapse_key,
    image_of,
    seconds_left,
    title_of,
    urgency_of,
    with_data,
    without_form,
    words_of,
)
from handlers.shared.push_receipts import PushCallback, receipt_data

Json = dict[str, Any]

_COLLAPSE_KEY_LENGTH = 64  # Apple's limit


def message_of(submission: Submission, callback: PushCallback | None) -> Json:
    """The `message` of the request. Raises MessageRefused for what FCM has no form for."""
    content = submission.content
    recipient = _recipient(submission.to)
    if isinstance(content, RawContent):
        message = dict(content.payload)
    elif isinstance(content, TextContent | MediaContent):
        message = _notification(submission, content)
    else:
        raise without_form("FCM", content)
    return with_data(message, _data(submission, callback)) | recipient


def _recipient(to: Address) -> Json:
    if to.kind == "device_token":
        return {"token": to.id}
    if to.kind == "topic":
        return {"topic": to.id.removeprefix("/topics/")}
    raise MessageRefused("invalid_recipient", f"FCM reaches a device_token or a topic, not a {to.kind}")


def _data(submission: Submission, callback: PushCallback | None) -> Json:
    told = receipt_data(None if submission.to.kind == "topic" else callback, submission)
    if "receipt" in told:
        told["receipt"] = orjson.dumps(told["receipt"]).decode()
    return told


def _notification(submission: Submission, content: TextContent | MediaContent) -> Json:
    if content.buttons:
        raise MessageRefused("unsupported_content", "FCM has no buttons")
    image = image_of(content)
    shown = {"title": title_of(submission), "body": words_of(content), "image": image}
    message = {"notification": {name: text for name, text in shown.items() if text}}
    return message | _platforms(submission, has_image=image is not None)


def _platforms(submission: Submission, *, has_image: bool) -> Json:
    """How urgent it is, how long it is tried and what it replaces, in the words of each platform."""
    urgency, replaced = urgency_of(submission), collapse_key(submission, _COLLAPSE_KEY_LENGTH)
    high = urgency == "high"
    android: Json = {"priority": "HIGH" if high else "NORMAL"}
    apns: Json = {"headers": {"apns-priority": "10" if high else "5"}}
    webpush: Json = {"headers": {"Urgency": urgency}}
    if submission.expires_at is not None:
        seconds = seconds_left(submission)
        android["ttl"] = f"{seconds}s"
        apns["headers"]["apns-expiration"] = str(int(submission.expires_at.timestamp()))
        webpush["headers"]["TTL"] = str(seconds)
    if replaced:
        android["collapse_key"] = replaced
        apns["headers"]["apns-collapse-id"] = replaced
    if has_image:
        # An app's extension may only put the image into a notification that is marked so.
        apns["payload"] = {"aps": {"mutable-content": 1}}
    return {"android": android, "apns": apns, "webpush": webpush}
