"""Splitting loses no character, breaks none, and keeps to the limit, however the provider counts."""

from __future__ import annotations

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from handlers.shared.splitting import Limit, Unit, cut, length, split

UNITS = st.sampled_from(["characters", "utf16", "bytes", "septets"])
FAMILY = "👩‍👩‍👧‍👦"
PIECES = (*"aé€{}日。. \n\r\t", "👍🏽", FAMILY, "é", "क्षि", "🇸🇪")
TEXTS = st.lists(st.sampled_from(PIECES)).map("".join) | st.text()


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("", "characters", 0),
        ("日本", "characters", 2),
        ("日本", "bytes", 6),
        ("👍", "utf16", 2),
        ("grüße", "septets", 5),
        ("{€}", "septets", 6),
        ("日", "septets", 3),
        ("a" * 7 + "日", "septets", 19),
        ("\ud800", "bytes", 3),
    ],
)
def test_a_text_is_as_long_as_its_provider_counts(text: str, unit: Unit, expected: int) -> None:
    assert length(text, unit) == expected


@pytest.mark.parametrize(
    ("text", "limit", "parts"),
    [
        ("short", Limit(20), ["short"]),
        ("One sentence. Another one.", Limit(20), ["One sentence. ", "Another one."]),
        ("First line\nsecond line", Limit(14), ["First line\n", "second line"]),
        ("words and more words", Limit(12), ["words and ", "more words"]),
        ("没有空格的句子。另一个句子", Limit(10), ["没有空格的句子。", "另一个句子"]),
        ("没有空格没有空格没有空格", Limit(5), ["没有空格没", "有空格没有", "空格"]),
        (FAMILY * 2, Limit(8), [FAMILY, FAMILY]),
        ("{}{}", Limit(5, "septets"), ["{}", "{}"]),
        ("aaaaaa日日", Limit(10, "septets"), ["aaaaaa", "日日"]),
        ("ab" + " " * 9 + "cd", Limit(4), ["ab  ", "cd"]),
        ("    ", Limit(2), ["  "]),
        ("", Limit(2), [""]),
    ],
)
def test_a_text_is_cut_where_a_person_would(text: str, limit: Limit, parts: list[str]) -> None:
    assert split(text, limit) == parts


@given(TEXTS, UNITS, st.integers(12, 60))
def test_no_part_is_too_long_and_no_character_is_lost_or_broken(text: str, unit: Unit, most: int) -> None:
    limit = Limit(most, unit)
    parts = split(text, limit)
    graphemes = [found for found in regex.findall(r"\X", text) if limit.allows(found)]

    assert [part for part in parts if not limit.allows(part)] == []
    assert "".join("".join(parts).split()) == "".join(text.split())
    if len(graphemes) == len(regex.findall(r"\X", text)):
        kept = [found for part in parts for found in regex.findall(r"\X", part) if found.strip()]
        assert kept == [found for found in graphemes if found.strip()]


@given(TEXTS, UNITS, st.integers(3, 30))
def test_what_is_cut_fits_and_says_that_it_was_cut(text: str, unit: Unit, most: int) -> None:
    limit = Limit(most, unit)
    shortened = cut(text, limit)

    assert limit.allows(shortened)
    assert shortened == text if limit.allows(text) else shortened == "" or shortened.endswith("…")


def test_the_longest_text_there_is_goes_in_short_parts() -> None:
    text = "日x{" * 21_000  # what took time with the square of its length would not end in time
    parts = split(text, Limit(160, "septets"))

    assert ("".join(parts), len(parts)) == (text, 900)
