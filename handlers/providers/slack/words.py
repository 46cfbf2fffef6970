"""Slack's own spelling: text with its links and mentions, and the names of emoji.

Source: Slack's reference of text formatting, read in November 2026. Of its about two thousand emoji, the ones
most used as reactions are known here by their signs; any other goes and comes by its name, as `:name:`.
"""

from __future__ import annotations

import re

_MARK = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")
_EMOJI = {
    "+1": "👍",
    "-1": "👎",
    "100": "💯",
    "clap": "👏",
    "cry": "😢",
    "eyes": "👀",
    "fire": "🔥",
    "grinning": "😀",
    "heart": "❤",
    "heavy_check_mark": "✔",
    "joy": "😂",
    "muscle": "💪",
    "ok_hand": "👌",
    "open_mouth": "😮",
    "pray": "🙏",
    "rage": "😡",
    "raised_hands": "🙌",
    "rocket": "🚀",
    "slightly_smiling_face": "🙂",
    "smile": "😄",
    "tada": "🎉",
    "thinking_face": "🤔",
    "wave": "👋",
    "white_check_mark": "✅",
    "x": "❌",
}
_ALIASES = {"thumbsup": "+1", "thumbsdown": "-1"}
_NAMES = {sign: name for name, sign in _EMOJI.items()}
_NAME = re.compile(r"[\w+'-]{1,100}")
_NAME_CHARACTERS = 30  # what an emoji in normal form has room for
_AS_PICTURE = "\ufe0f"  # follows some signs, and changes only how they look


def escaped(text: str) -> str:
    """The text, so that Slack shows it as it is."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def plain(text: str) -> str:
    """What a person wrote, without Slack's marks: links as they were typed, mentions by their names."""
    shown = _MARK.sub(lambda match: _shown(match[1], match[2]), text)
    return shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _shown(target: str, label: str | None) -> str:
    if target[:1] in ("@", "#"):
        return target[0] + (label or target[1:])
    if target[:1] == "!":  # <!here>, <!subteam^S1|@team>, <!date^…|a day>
        return label or "@" + target[1:]
    if label is None or label == target:
        return target.removeprefix("mailto:")
    return label if target.endswith(label.removesuffix("/")) else f"{label} ({target})"


def emoji_name(emoji: str) -> str | None:
    """Slack's name of an emoji that is given as a sign or as `:name:`; None where it is not known."""
    name = _NAMES.get(emoji.replace(_AS_PICTURE, "")) or emoji.strip(":")
    return name if name.isascii() and _NAME.fullmatch(name) else None


def emoji_sign(name: str) -> str:
    """The sign, where it is known, else `:name:`. The colour of the skin is left out."""
    bare = name.partition("::")[0]
    return _EMOJI.get(_ALIASES.get(bare, bare)) or f":{bare[:_NAME_CHARACTERS]}:"
