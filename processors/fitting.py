"""Makes an MT fit what the account's channel can carry: as it is, simplified and said so, in several
messages, or refused. Pure.

One rule for all channels. Buttons that are lacking are written out as numbered text; a list becomes buttons
where they are enough for it, else text; media, places and contacts become text with a link; titles are cut.
A text that is too long goes in several messages, and so does a caption, which is then a message of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.errors import MessageRefused
from gateway.model.content import (
    Button,
    ContactContent,
    Content,
    ListContent,
    LocationContent,
    MediaContent,
    ReplyButton,
    TextContent,
)
from gateway.model.message import MTMessage
from handlers.contract import Capabilities, ListLimits
from handlers.shared.splitting import Limit, cut, split

MOST_PARTS = 32  # one MT that would go in more messages is somebody's mistake

_CUT = "titles that were too long were cut"


@dataclass(frozen=True, slots=True)
class Fitted:
    """What will be sent, message by message, and what was simplified, in words that a person understands."""

    contents: tuple[Content, ...]
    in_reply_to: str | None = None
    degraded: tuple[str, ...] = ()


def fit(mt: MTMessage, capabilities: Capabilities) -> Fitted:
    """The content as this channel can carry it.

    Raises MessageRefused with `unsupported_content`, `media_unsupported` or `content_too_long` where it
    cannot be carried, or only by simplifying it and the message says `degrade: never`.
    """
    notes: list[str] = []
    content = _carried(mt.content, capabilities, notes)
    content = _with_fitting_buttons(content, capabilities, notes)
    contents = _in_parts(content, capabilities, notes)
    in_reply_to = mt.in_reply_to
    if in_reply_to is not None and not capabilities.replies:
        in_reply_to = None
        notes.append("the quoted message was left out")
    if notes and mt.degrade == "never":
        raise MessageRefused("unsupported_content", f"without being simplified it cannot be sent: {notes[0]}")
    return Fitted(contents, in_reply_to, tuple(dict.fromkeys(notes)))


def _carried(content: Content, can: Capabilities, notes: list[str]) -> Content:
    """In a kind that the channel carries."""
    if isinstance(content, ListContent):
        return _list(content, can, notes)
    if content.type in can.content:
        if isinstance(content, MediaContent):
            _check_media(content, can)
        return content
    lines = _as_lines(content)
    if not lines or "text" not in can.content:
        raise MessageRefused("unsupported_content", f"the channel does not carry {content.type}")
    notes.append(f"the {content.type} was written out as text")
    buttons = content.buttons if isinstance(content, MediaContent) else ()
    return TextContent(text="\n".join(lines), buttons=buttons)


def _check_media(content: MediaContent, can: Capabilities) -> None:
    rule = can.media.get(content.type)
    if rule is None or not rule.types or content.mime_type is None:
        return
    if content.mime_type.partition(";")[0].strip().lower() not in rule.types:
        raise MessageRefused("media_unsupported", f"the channel takes no {content.type} of this type")


def _as_lines(content: Content) -> list[str]:
    """What a text can say instead; nothing where no text can."""
    match content:
        case MediaContent(url=str(url)):
            said: Iterable[str | None] = (content.caption, url)
        case LocationContent():
            place = f"https://maps.google.com/?q={content.latitude},{content.longitude}"
            said = (content.name, content.address, place)
        case ContactContent():
            said = (content.name, *content.phones, *content.emails)
        case _:
            said = ()
    return [line for line in said if line]


def _list(content: ListContent, can: Capabilities, notes: list[str]) -> Content:
    rows = [row for section in content.sections for row in section.rows]
    if "list" in can.content and (can.lists is None or len(rows) <= can.lists.rows):
        return content if can.lists is None else _cut_list(content, can.lists, notes)
    if len(rows) <= can.buttons.get("reply", 0) and not any(row.description for row in rows):
        notes.append("the list was turned into buttons")
        return TextContent(
            text=content.text, buttons=tuple(ReplyButton(id=r.id, title=r.title) for r in rows)
        )
    if "text" not in can.content:
        raise MessageRefused("unsupported_content", "the channel does not carry list")
    notes.append("the list was written out as text")
    return TextContent.model_construct(text=_list_as_text(content))  # may be too long for one: it is split


def _cut_list(content: ListContent, limits: ListLimits, notes: list[str]) -> ListContent:
    sections = []
    for section in content.sections:
        rows = tuple(
            row.model_copy(
                update={
                    "title": cut(row.title, limits.title),
                    "description": row.description and cut(row.description, limits.description),
                }
            )
            for row in section.rows
        )
        title = section.title and cut(section.title, limits.title)
        sections.append(section.model_copy(update={"title": title, "rows": rows}))
    button = cut(content.button, limits.button)
    fitted = content.model_copy(update={"sections": tuple(sections), "button": button})
    if fitted != content:
        notes.append(_CUT)
    return fitted


def _list_as_text(content: ListContent) -> str:
    lines, number = [content.text], 0
    for section in content.sections:
        if section.title:
            lines.append(f"{section.title}:")
        for row in section.rows:
            number += 1
            lines.append(f"{number}. {row.title}" + (f" ({row.description})" if row.description else ""))
    return "\n".join(lines)


def _with_fitting_buttons(content: Content, can: Capabilities, notes: list[str]) -> Content:
    if not isinstance(content, TextContent | MediaContent) or not content.buttons:
        return content
    if content.type not in can.buttons_under or not _enough_for(content.buttons, can):
        notes.append("buttons were written out as text")
        lines = [_button_line(number, button) for number, button in enumerate(content.buttons, 1)]
        words = "\n".join([word for word in (_words(content),) if word] + lines)
        return content.model_copy(update={"buttons": (), _field(content): words})
    limit = can.button_title
    if limit is None or all(limit.allows(button.title) for button in content.buttons):
        return content
    notes.append(_CUT)
    buttons = (button.model_copy(update={"title": cut(button.title, limit)}) for button in content.buttons)
    return content.model_copy(update={"buttons": tuple(buttons)})


def _enough_for(buttons: tuple[Button, ...], can: Capabilities) -> bool:
    """Whether there is a place for each; where kinds can be mixed, the most of any is the most of all."""
    counts = Counter(button.type for button in buttons)
    if len(counts) > 1 and not can.mixed_buttons:
        return False
    most = {str(kind): number for kind, number in can.buttons.items()}
    return len(buttons) <= max(most.values(), default=0) and all(
        number <= most.get(kind, 0) for kind, number in counts.items()
    )


def _button_line(number: int, button: Button) -> str:
    if button.type == "url":
        return f"{button.title}: {button.url}"
    if button.type == "call":
        return f"{button.title}: {button.phone}"
    return f"{number}. {button.title}"


def _in_parts(content: Content, can: Capabilities, notes: list[str]) -> tuple[Content, ...]:
    """The messages that it goes in. Buttons and lists come with the last of them."""
    if not isinstance(content, TextContent | MediaContent | ListContent):
        return (content,)
    limit, words = _limit(content, can), _words(content)
    if limit is None or limit.allows(words):
        return (content,)
    if "text" not in can.content:
        raise MessageRefused("content_too_long", f"it is longer than the {limit.most} {limit.unit} allowed")
    if isinstance(content, MediaContent):
        notes.append("the caption was sent as a message of its own")
        bare = content.model_copy(update={"caption": None, "buttons": ()})
        text = TextContent.model_construct(text=words, buttons=content.buttons)
        return (bare, *_in_parts(_with_fitting_buttons(text, can, notes), can, notes))
    parts = split(words, limit)
    if len(parts) > MOST_PARTS:
        many = f"it would go in {len(parts)} messages; at most {MOST_PARTS} are sent"
        raise MessageRefused("content_too_long", many)
    before = [TextContent.model_construct(text=part) for part in parts[:-1]]
    return (*before, content.model_copy(update={"text": parts[-1]}))


def _limit(content: TextContent | MediaContent | ListContent, can: Capabilities) -> Limit | None:
    limit, under = can.content[content.type], can.text_with_buttons
    if under is None or isinstance(content, ListContent) or not content.buttons:
        return limit
    return under if limit is None or under.most < limit.most else limit


def _words(content: TextContent | MediaContent | ListContent) -> str:
    return (content.caption or "") if isinstance(content, MediaContent) else content.text


def _field(content: TextContent | MediaContent) -> str:
    return "caption" if isinstance(content, MediaContent) else "text"
