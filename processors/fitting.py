"""Makes an MT fit what the account's channel can carry: refused, or simplified and said so. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.errors import MessageRefused
from gateway.model.content import Button, Content, ListContent, MediaContent, TextContent
from gateway.model.message import MTMessage
from handlers.contract import Capabilities


@dataclass(frozen=True, slots=True)
class Fitted:
    """What will be sent, and what was simplified, in words that a person understands."""

    content: Content
    in_reply_to: str | None
    degraded: tuple[str, ...]


def fit(mt: MTMessage, capabilities: Capabilities) -> Fitted:
    """The content as this channel can carry it.

    Raises MessageRefused with `unsupported_content` or `content_too_long` where it cannot be carried, or only
    by simplifying it and the message says `degrade: never`.
    """
    content, notes = mt.content, []
    if isinstance(content, ListContent) and "list" not in capabilities.content:
        content = _list_as_text(content)
        notes.append("the list was written out as text")
    if isinstance(content, TextContent | MediaContent) and not _buttons_fit(content.buttons, capabilities):
        content = _buttons_as_text(content)
        notes.append("buttons were written out as text")
    in_reply_to = mt.in_reply_to
    if in_reply_to is not None and not capabilities.replies:
        in_reply_to = None
        notes.append("the quoted message was left out")
    if notes and mt.degrade == "never":
        raise MessageRefused("unsupported_content", f"without being simplified it cannot be sent: {notes[0]}")
    _check(content, capabilities)
    return Fitted(content, in_reply_to, tuple(notes))


def _check(content: Content, capabilities: Capabilities) -> None:
    if content.type not in capabilities.content:
        raise MessageRefused("unsupported_content", f"the channel does not carry {content.type}")
    longest = capabilities.content[content.type]
    length = len(_words(content))
    if longest is not None and length > longest:
        raise MessageRefused("content_too_long", f"{length} characters; the channel takes {longest}")


def _words(content: Content) -> str:
    if isinstance(content, TextContent | ListContent):
        return content.text
    if isinstance(content, MediaContent):
        return content.caption or ""
    return ""


def _buttons_fit(buttons: tuple[Button, ...], capabilities: Capabilities) -> bool:
    counts: dict[str, int] = {}
    for button in buttons:
        counts[button.type] = counts.get(button.type, 0) + 1
        if capabilities.button_title is not None and len(button.title) > capabilities.button_title:
            return False
    most = {str(kind): number for kind, number in capabilities.buttons.items()}
    return len(counts) <= 1 and all(number <= most.get(kind, 0) for kind, number in counts.items())


def _buttons_as_text(content: TextContent | MediaContent) -> Content:
    lines = [_button_line(number, button) for number, button in enumerate(content.buttons, 1)]
    field = "text" if isinstance(content, TextContent) else "caption"
    words = "\n".join([part for part in (_words(content),) if part] + lines)
    return content.model_copy(update={"buttons": (), field: words})


def _button_line(number: int, button: Button) -> str:
    if button.type == "url":
        return f"{button.title}: {button.url}"
    if button.type == "call":
        return f"{button.title}: {button.phone}"
    return f"{number}. {button.title}"


def _list_as_text(content: ListContent) -> TextContent:
    lines, number = [content.text], 0
    for section in content.sections:
        if section.title:
            lines.append(f"{section.title}:")
        for row in section.rows:
            number += 1
            lines.append(f"{number}. {row.title}" + (f" ({row.description})" if row.description else ""))
    return TextContent.model_construct(text="\n".join(lines))  # may be too long: _check says so
