"""The small things that providers share: pointers, templates, times, signatures."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

import pytest

from handlers.shared.instants import read_instant
from handlers.shared.pointers import find, find_text
from handlers.shared.signatures import signed
from handlers.shared.templates import fill, fill_fields, fill_json, fill_url, placeholders

# The document and the pointers of RFC 6901, section 5.
RFC: dict[str, Any] = {
    "foo": ["bar", "baz"],
    "": 0,
    "a/b": 1,
    "c%d": 2,
    "e^f": 3,
    "g|h": 4,
    "i\\j": 5,
    'k"l': 6,
    " ": 7,
    "m~n": 8,
}


@pytest.mark.parametrize(
    ("pointer", "found"),
    [
        ("", RFC),
        ("/foo", ["bar", "baz"]),
        ("/foo/0", "bar"),
        ("/", 0),
        ("/a~1b", 1),
        ("/c%d", 2),
        ("/e^f", 3),
        ("/g|h", 4),
        ("/i\\j", 5),
        ('/k"l', 6),
        ("/ ", 7),
        ("/m~0n", 8),
        ("/foo/2", None),
        ("/foo/01", None),
        ("/foo/-", None),
        ("/foo/-1", None),
        ("/foo/bar", None),
        ("/foo/0/0", None),
        ("/none/at/all", None),
        (None, None),
    ],
)
def test_a_pointer_finds_what_the_rfc_says(pointer: str | None, found: Any) -> None:
    assert find(RFC, pointer) == found


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        ("", ""),
        (0, "0"),
        (1.5, "1.5"),
        (True, "true"),
        (False, "false"),
        (None, None),
        ([], None),
    ],
)
def test_a_value_is_taken_as_the_text_that_json_writes(value: Any, text: str | None) -> None:
    assert find_text({"at": value}, "/at") == text


VALUES = {"to": "+44 7", "text": 'He said "{{to}}" & left', "empty": "", "none": None}


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("plain", "plain"),
        ("{{to}}", "+44 7"),
        ("a {{ to }} b {{to}}", "a +44 7 b +44 7"),
        ("{{text}}", 'He said "{{to}}" & left'),  # what is filled in is not filled in again
        ("{{empty}}", ""),
        ("{{none}}", None),
        ("{{unset}}", None),
        ("a{{none}}b", "ab"),
    ],
)
def test_a_template_is_filled_once(template: str, filled: str | None) -> None:
    assert fill(template, VALUES) == filled


def test_in_a_url_every_value_is_encoded() -> None:
    assert fill_url("/to/{{to}}?t={{text}}&n={{none}}", VALUES) == (
        "/to/%2B44%207?t=He%20said%20%22%7B%7Bto%7D%7D%22%20%26%20left&n="
    )


def test_in_json_other_types_stay_and_parts_without_a_value_are_left_out() -> None:
    template = {"a": 1, "b": True, "c": None, "d": "{{none}}", "e": ["{{to}}", "{{none}}", {"f": "{{to}}"}]}
    assert fill_json(template, VALUES) == {"a": 1, "b": True, "c": None, "e": ["+44 7", {"f": "+44 7"}]}
    assert fill_fields({"a": "{{none}}", "b": "{{empty}}", "c": "x{{none}}"}, VALUES) == {"b": "", "c": "x"}


def test_all_placeholders_are_found() -> None:
    template = {"a": "{{one}} {{ two }}", "b": ["{{three}}", {"c": 4}], "d": "}} { {"}
    assert list(placeholders(template)) == ["one", "two", "three"]


@pytest.mark.parametrize("template", ["{{to", "{{to}", "{{ {{to}} ", {"a": ["x{{"]}])
def test_a_placeholder_that_is_not_closed_is_an_error(template: Any) -> None:
    with pytest.raises(ValueError, match="not closed"):
        list(placeholders(template))


AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
UNREADABLE: tuple[object, ...] = (None, True, [], {}, 1e300, -1e300)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (1795341600, AT),
        (1795341600.0, AT),
        ("1795341600", AT),
        (1795341600000, AT),
        ("1795341600000", AT),
        ("2026-11-22T10:00:00Z", AT),
        ("2026-11-22T11:00:00.000+01:00", AT),
        ("2026-11-22 10:00:00", AT),
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        *((word, None) for word in ("", "soon", "nan", "inf", "1e400", "0001-01-01T00:00:00+23:00")),
        *((value, None) for value in UNREADABLE),
    ],
)
def test_a_time_is_read_however_it_is_written_or_not_at_all(written: object, read: datetime | None) -> None:
    assert read_instant(written) == read


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
def test_a_signature_counts_in_either_case_and_only_over_the_same_bytes(algorithm: Any) -> None:
    given = hmac.new(b"key", b"body", getattr(hashlib, algorithm)).hexdigest()
    assert signed(given, ["old", "key"], b"body", algorithm=algorithm)
    assert signed(given.upper(), ["key"], b"body", algorithm=algorithm)
    assert not signed(given, ["old", "key"], b"body ", algorithm=algorithm)
    assert not signed(given, ["kez"], b"body", algorithm=algorithm)
    assert not signed("", ["key"], b"body", algorithm=algorithm)
