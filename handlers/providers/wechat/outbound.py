"""Puts a message into the words of WeChat: the call's path, and its JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from gateway.errors import MessageRefused
from gateway.model.base import event_id
from gateway.model.content import (
    Button,
    MediaContent,
    RawContent,
    ReplyButton,
    TemplateContent,
    TextContent,
    TypingContent,
    UrlButton,
)
from handlers.contract import Submission
from handlers.providers.wechat import wire
from handlers.providers.wechat.upload import TYPES

Json = dict[str, Any]
Said = tuple[str, Json]

MESSAGE, TYPING = "/cgi-bin/message/custom/send", "/cgi-bin/message/custom/typing"
TEMPLATE = "/cgi-bin/message/template/send"


class Template(Protocol):
    """How an approved template is called at WeChat, and what its placeholders are called."""

    @property
    def id(self) -> str: ...
    @property
    def fields(self) -> tuple[str, ...]: ...


def check(submission: Submission) -> None:
    """Raises MessageRefused for what must not be uploaded first, since WeChat has no form for it."""
    to, content = submission.to, submission.content
    if to.kind != "openid":
        raise MessageRefused("invalid_recipient", f"WeChat reaches an openid, not a {to.kind}")
    if not isinstance(content, MediaContent):
        return
    if content.type not in TYPES:
        raise MessageRefused("unsupported_content", f"WeChat has no {content.type}")
    if content.caption is not None or content.buttons:
        raise MessageRefused("unsupported_content", "WeChat takes media only without caption and buttons")


def call_of(submission: Submission, templates: Mapping[str, Template], media_id: str | None) -> Said:
    """The path and the JSON of what was checked. `media_id` is that of media that had to be uploaded. Raises
    MessageRefused for what WeChat has no form for."""
    path, said = _said(submission, templates, media_id)
    return path, said | {"touser": submission.to.id}


def _said(submission: Submission, templates: Mapping[str, Template], media_id: str | None) -> Said:
    content = submission.content
    match content:
        case TextContent(buttons=()):
            return MESSAGE, _typed("text", {"content": content.text})
        case TextContent():
            return MESSAGE, _with_buttons(content.text, content.buttons)
        case MediaContent():
            given = media_id or (content.media_id or "").removeprefix(wire.VIDEO_MARK)
            return MESSAGE, _typed(TYPES[content.type], {"media_id": given})
        case TemplateContent():
            return TEMPLATE, _template(content, templates) | {"client_msg_id": event_id(submission.key)}
        case TypingContent():
            return TYPING, {"command": "Typing"}
        case RawContent():
            return _raw(content)
    raise MessageRefused("unsupported_content", f"WeChat has no {content.type}")


def _typed(kind: str, part: Any) -> Json:
    return {"msgtype": kind, kind: part}


def _with_buttons(text: str, buttons: tuple[Button, ...]) -> Json:
    rows = [
        {"id": button.id, "content": button.title} for button in buttons if isinstance(button, ReplyButton)
    ]
    if len(rows) == len(buttons):
        return _typed("msgmenu", {"head_content": text, "list": rows, "tail_content": ""})
    if len(buttons) == 1 and isinstance(buttons[0], UrlButton):
        article = {"title": buttons[0].title, "description": text, "url": buttons[0].url}
        return _typed("news", {"articles": [article]})
    raise MessageRefused("unsupported_content", "WeChat takes reply buttons, or one url button alone")


def _template(content: TemplateContent, templates: Mapping[str, Template]) -> Json:
    template = templates.get(content.name)
    if template is None:
        raise MessageRefused("template_unknown", "the account's parameters.templates has no such template")
    values = content.parameters
    if values.header or len(values.buttons) > 1 or len(values.body) != len(template.fields):
        fits = f"{len(template.fields)} values in the body, none in the header, at most one button: a URL"
        raise MessageRefused("template_parameters", f"this template takes {fits}")
    named = zip(template.fields, values.body, strict=True)
    said: Json = {"template_id": template.id, "data": {name: {"value": value} for name, value in named}}
    return said | ({"url": values.buttons[0]} if values.buttons else {})


def _raw(content: RawContent) -> Said:
    # Whoever may send messages must not reach other calls: the shape tells which of these two it is.
    if "msgtype" in content.payload:
        return MESSAGE, dict(content.payload)
    if "template_id" in content.payload:
        return TEMPLATE, dict(content.payload)
    raise MessageRefused("unsupported_content", 'raw for WeChat has a "msgtype" or a "template_id"')
