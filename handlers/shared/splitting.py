"""How long a text is in the eyes of a provider, and where to cut one that is too long.

Providers count differently: code points, UTF-16 units, bytes, or septets of the GSM alphabet (3GPP TS 23.038,
where a character outside of it makes the whole message UCS-2). A cut never breaks what a person sees as one
character (an extended grapheme cluster, Unicode Standard Annex 29), an escape sequence of the GSM alphabet or
a surrogate pair; it is made after a line, a sentence or a word where there is one, and anywhere between two
characters where there is none, as in Chinese or Thai.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import regex

Unit = Literal["characters", "utf16", "bytes", "septets"]

_GRAPHEME = regex.compile(r"\X")
_GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_EXTENDED = frozenset("\f^{}\\[~]|€")
_LINE_END = regex.compile(r"\n|\r(?!\n)")
_SENTENCE_END = regex.compile(r"[.!?…。！？।؟]+[\"'”’»)]*\s+|[。！？]")  # noqa: RUF001 - they are meant
_WORD_END = regex.compile(r"\s+")
# A cut is made at the best place in the last part of what fits: not so early that the parts get many.
_LEAST_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Limit:
    """The longest text, as its provider counts it."""

    most: int
    unit: Unit = "characters"

    def allows(self, text: str) -> bool:
        return length(text, self.unit) <= self.most


def length(text: str, unit: Unit) -> int:
    """How long the text is.

    In septets, a text that is not in the GSM alphabet is as long as one that takes the same room: 16 bits for
    each UTF-16 unit, against 7.
    """
    return next(so_far for _, so_far in _lengths([text], unit))


def cut(text: str, limit: Limit, end: str = "…") -> str:
    """The text, or as much of its beginning as fits with `end` behind it; nothing where that does not fit."""
    if limit.allows(text):
        return text
    kept = text[: _fitting(text, Limit(limit.most - length(end, limit.unit), limit.unit))].rstrip() + end
    return kept if limit.allows(kept) else ""


def split(text: str, limit: Limit) -> list[str]:
    """The text in parts that each fit, in order. Put together again they are the whole text, but for white
    space that would have been a part by itself."""
    parts, rest = [], text
    while (room := _fitting(rest, limit)) < len(rest):
        end = _end_of_part(rest, room, limit)
        parts.append(rest[:end])
        rest = rest[end:]
    parts.append(rest)
    return [part for part in parts if part.strip()] or parts[:1]


def _end_of_part(text: str, room: int, limit: Limit) -> int:
    """Where the first part ends of a text of which `room` fits: after something, and before the text does."""
    if room == 0:  # one character that is too long by itself is broken after all, between its code points
        return max(1, _last_that_fits(text[: 4 * limit.most + 4], limit))
    for ends in (_LINE_END, _SENTENCE_END, _WORD_END):
        found = [match.end() for match in ends.finditer(text, 0, room)]
        if found and found[-1] > room * _LEAST_SHARE:
            return found[-1]
    return room


def _fitting(text: str, limit: Limit) -> int:
    """Where the last of the whole characters ends that fit together."""
    return _last_that_fits((match.group() for match in _GRAPHEME.finditer(text)), limit)


def _last_that_fits(pieces: Iterable[str], limit: Limit) -> int:
    end = 0
    for piece, so_far in _lengths(pieces, limit.unit):
        if so_far > limit.most:
            break
        end += len(piece)
    return end


def _lengths(pieces: Iterable[str], unit: Unit) -> Iterator[tuple[str, int]]:
    """Each piece, with the length of all up to it."""
    if unit == "septets":
        yield from _septets(pieces)
        return
    so_far = 0
    for piece in pieces:
        so_far += _simple_length(piece, unit)
        yield piece, so_far


def _simple_length(text: str, unit: Unit) -> int:
    if unit == "utf16":
        return len(text.encode("utf-16-le", errors="surrogatepass")) // 2
    return len(text.encode(errors="surrogatepass")) if unit == "bytes" else len(text)


def _septets(pieces: Iterable[str]) -> Iterator[tuple[str, int]]:
    septets = units = 0
    gsm = True
    for piece in pieces:
        gsm = gsm and all(sign in _GSM_BASIC or sign in _GSM_EXTENDED for sign in piece)
        septets += sum(2 if sign in _GSM_EXTENDED else 1 for sign in piece)
        units += _simple_length(piece, "utf16")
        yield piece, septets if gsm else -(-16 * units // 7)
