"""What the push services have in common: a notification's title and words, its urgency, how long it lasts.

Attributes of a message that they all know: `title`, `urgency` (as RFC 8030 has it) and `collapse_key`, by
which a later notification takes the place of an earlier one.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, Literal, cast, get_args

from gateway.errors import MessageRefused
from gateway.model.base import now
from gateway.model.content import Content, MediaContent, TextContent
from handlers.contract import Submission
from handlers.shared.splitting import Limit, cut

Json = dict[str, Any]
Urgency = Literal["very-low", "low", "normal", "high"]

# The services take about 4,000 bytes in all: a title, our reference and a receipt's token come on top.
TEXT = Limit(3_000, "bytes")
LONGEST_SECONDS = 2_419_200  # four weeks: the services keep a notification no longer

_TITLE = Limit(256, "bytes")  # screens show far less
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")


def title_of(submission: Submission) -> str | None:
    """The attribute `title`, else the title of the thread; cut where no screen would show it whole."""
    title = submission.attributes.get("title") or (submission.thread and submission.thread.title)
    return cut(title, _TITLE) if title else None


def words_of(content: TextContent | MediaContent) -> str | None:
    """The text of a notification."""
    return content.text if isinstance(content, TextContent) else content.caption


def image_of(content: TextContent | MediaContent) -> str | None:
    """Where the image is that a notification shows. Raises MessageRefused for one that has no URL."""
    if isinstance(content, TextContent):
        return None
    if content.type != "image":
        raise MessageRefused("unsupported_content", f"notifications show no {content.type}")
    if content.url is None:
        raise MessageRefused("media_unsupported", "notifications take an image by url, not by media_id")
    return content.url


def urgency_of(submission: Submission) -> Urgency:
    """The attribute `urgency`; high without it, as a message to a person should not wait until their device
    wakes up by itself. Raises MessageRefused for one that is not known."""
    told = submission.attributes.get("urgency", "high")
    if told not in get_args(Urgency):
        raise MessageRefused("invalid_message", f"urgency is one of {', '.join(get_args(Urgency))}")
    return cast(Urgency, told)


def collapse_key(submission: Submission, most: int) -> str | None:
    """The attribute `collapse_key`, or a digest of it where it is longer than the service takes or no plain
    word. The parts of one message do not replace each other."""
    key = submission.attributes.get("collapse_key")
    if not key:
        return None
    if submission.part > 1:
        key = f"{key}#{submission.part}"
    if len(key) <= most and _PLAIN.fullmatch(key):
        return key
    return hashlib.sha256(key.encode()).hexdigest()[:most]


def seconds_left(submission: Submission) -> int:
    """How long a service should try to deliver; 0: once, now."""
    if submission.expires_at is None:
        return LONGEST_SECONDS
    left = (submission.expires_at - now()).total_seconds()
    return max(0, min(LONGEST_SECONDS, round(left)))


def with_data(holder: Json, added: Json) -> Json:
    """The same object with more in its `data`. Raises MessageRefused where a raw payload has data of another
    kind."""
    held = holder.get("data", {})
    if not isinstance(held, dict):
        raise MessageRefused("invalid_message", "the payload's data is not an object")
    return {**holder, "data": {**held, **added}}


def without_form(service: str, content: Content) -> MessageRefused:
    """The refusal of a content that a push service has no form for."""
    return MessageRefused("unsupported_content", f"{service} has no {content.type}")


def fitting(body: bytes, most: int) -> bytes:
    """The payload. Raises MessageRefused when it is larger than the service takes."""
    if len(body) > most:
        raise MessageRefused("content_too_long", f"the notification has {len(body)} bytes; {most} are taken")
    return body
