"""Puts a message into the words of `POST /v1/message`: one message of Apple's, or two."""

from __future__ import annotations

import uuid
from typing import Any

from gateway.errors import MessageRefused
from gateway.model.address import Address
from gateway.model.content import (
    Content,
    ListContent,
    ListRow,
    ListSection,
    MediaContent,
    RawContent,
    ReplyButton,
    TextContent,
    TypingContent,
    UrlButton,
)
from handlers.contract import Submission

Json = dict[str, Any]

MOST_QUICK_REPLIES = 5
_LEAST_QUICK_REPLIES = 2
_BALLOON = "com.apple.messages.MSMessageExtensionBalloonPlugin:0000000000"
_EXTENSION = f"{_BALLOON}:com.apple.icloud.apps.messages.business.extension"
_ATTACHED = "\ufffc"  # stands in the text where the file is
_FILES = ("image", "video", "audio", "document")


def messages_of(submission: Submission, business_id: str) -> list[Json]:
    """What is sent, in order; without the attachment, which must be uploaded first. Raises MessageRefused for
    what Apple has no form for."""
    to = _person(submission.to)
    messages = []
    for number, said in enumerate(_said(submission.content), start=1):
        # The same for every attempt: Apple shows a message once, however often its id comes.
        name = submission.key if number == 1 else f"{submission.key}:{number}"
        message_id = str(uuid.uuid5(uuid.NAMESPACE_URL, name))
        around = {"v": 1, "id": message_id, "sourceId": business_id, "destinationId": to}
        messages.append(_answerable(said, message_id) | around)
    return messages


def _answerable(said: Json, message_id: str) -> Json:
    """With what an answer will name it by."""
    match said:
        case {"interactiveData": {"data": {**data}, **interactive}}:
            named = {"requestIdentifier": message_id, **data}
            return {**said, "interactiveData": {**interactive, "data": named}}
    return said


def _person(to: Address) -> str:
    if to.kind != "user_id":
        raise MessageRefused(
            "invalid_recipient", f"Apple reaches a user_id that wrote before, not a {to.kind}"
        )
    return to.id


def _said(content: Content) -> list[Json]:
    match content:
        case TextContent(buttons=()):
            return [_text(content.text)]
        case TextContent(buttons=(UrlButton() as link,)):
            rich = {"url": link.url, "title": link.title, "assets": {}}
            return [_text(content.text), {"type": "richLink", "richLinkData": rich}]
        case TextContent():
            return [_choice(content)]
        case MediaContent(buttons=(), url=str()) if content.type in _FILES:
            return [_text(_ATTACHED + (content.caption or ""))]
        case ListContent():
            return [_list(content)]
        case TypingContent():
            return [{"type": "typing_start"}]
        case RawContent():
            return [_raw(content)]
    raise MessageRefused("unsupported_content", f"Apple has no such {content.type}")


def _text(text: str) -> Json:
    return {"type": "text", "body": text}


def _raw(content: RawContent) -> Json:
    if not isinstance(content.payload.get("type"), str):
        raise MessageRefused("unsupported_content", "raw for Apple is a message with its type")
    return dict(content.payload)


def _choice(content: TextContent) -> Json:
    replies = [button for button in content.buttons if isinstance(button, ReplyButton)]
    if len(replies) != len(content.buttons) or len(replies) > MOST_QUICK_REPLIES:
        most = f"Apple takes up to {MOST_QUICK_REPLIES} reply buttons, or one url button alone"
        raise MessageRefused("unsupported_content", most)
    if len(replies) < _LEAST_QUICK_REPLIES:  # a list may have one row; quick replies are more than one
        row = ListRow(id=replies[0].id, title=replies[0].title)
        sections = (ListSection(rows=(row,)),)
        return _list(ListContent(text=content.text, button=row.title, sections=sections))
    items = [{"identifier": reply.id, "title": reply.title} for reply in replies]
    return _interactive({"quick-reply": {"summaryText": content.text, "items": items}})


def _list(content: ListContent) -> Json:
    sections = [
        {
            "title": section.title or "",
            "order": order,
            "multipleSelection": False,
            "items": [_row(number, row) for number, row in enumerate(section.rows)],
        }
        for order, section in enumerate(content.sections)
    ]
    received = {"title": content.button, "subtitle": content.text, "style": "small"}
    bubbles = {"receivedMessage": received, "replyMessage": {"title": content.button, "style": "small"}}
    return _interactive({"listPicker": {"sections": sections}}, bubbles)


def _row(number: int, row: ListRow) -> Json:
    item: Json = {"identifier": row.id, "title": row.title, "order": number, "style": "default"}
    return item | ({"subtitle": row.description} if row.description else {})


def _interactive(data: Json, bubbles: Json | None = None) -> Json:
    interactive = {"bid": _EXTENSION, "data": {"version": "1.0", **data}, **(bubbles or {})}
    return {"type": "interactive", "interactiveData": interactive}
