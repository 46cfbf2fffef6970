"""Puts a message into the words of `POST /2/dm_conversations/with/<user>/messages`."""

from __future__ import annotations

import re
from typing import Any

from gateway.errors import MessageRefused
from gateway.model.address import Address
from gateway.model.content import Content, MediaContent, RawContent, TextContent
from handlers.contract import Submission

Json = dict[str, Any]

_ID = re.compile(r"[0-9]{1,19}")


def call_of(submission: Submission) -> tuple[str, Json]:
    """The path and the body; without the attachment of an image that must be uploaded first. Raises
    MessageRefused for what X has no form for."""
    return f"dm_conversations/with/{_user(submission.to)}/messages", _said(submission.content)


def attached(media_id: str) -> Json:
    """One file with a message."""
    return {"attachments": [{"media_id": media_id}]}


def _user(to: Address) -> str:
    if to.kind != "user_id" or not _ID.fullmatch(to.id):
        raise MessageRefused("invalid_recipient", "X reaches a user_id: the number of a user, not the name")
    return to.id


def _said(content: Content) -> Json:
    match content:
        case TextContent(buttons=()):
            return {"text": content.text}
        case MediaContent(type="image", buttons=()):
            return _image(content)
        case RawContent():
            return dict(content.payload)
        case TextContent() | MediaContent(type="image"):
            raise MessageRefused("unsupported_content", "X takes no buttons in its API v2")
    raise MessageRefused("unsupported_content", f"X takes no {content.type}")


def _image(content: MediaContent) -> Json:
    caption = {"text": content.caption} if content.caption else {}
    if content.media_id is None:
        return caption
    if not _ID.fullmatch(content.media_id):
        raise MessageRefused("invalid_message", "a file at X is named by a number")
    return caption | attached(content.media_id)
