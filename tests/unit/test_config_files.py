"""Configuration files: what is read, what is refused, and where secrets came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from gateway.config_files import RawConfig, RawDocument, read_folder, read_yaml
from gateway.errors import ConfigurationError, Problem

SECRET = "hunter2-the-secret"


def write(folder: Path, name: str, text: str | bytes) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def read(tmp_path: Path, text: str | bytes, environ: dict[str, str] | None = None) -> Any:
    return read_yaml(write(tmp_path, "file.yaml", text), environ or {})


def problems(
    tmp_path: Path, text: str | bytes, environ: dict[str, str] | None = None
) -> list[tuple[str, str]]:
    """What is wrong with a file, as (field, what); the file's path is taken off."""
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, text, environ)
    assert SECRET not in str(caught.value)
    path = str(tmp_path / "file.yaml")
    assert all(problem.where.startswith(path) for problem in caught.value.problems)
    return [(each.where.removeprefix(path).removeprefix(": "), each.what) for each in caught.value.problems]


def test_values_are_read_as_yaml_1_2_reads_them(tmp_path: Path) -> None:
    text = """
    text: plain
    quoted: "12"
    whole: -12
    fraction: 1.5
    yes_is_text: yes
    country: NO
    on: off
    time: 12:30
    number_with_zero: 0049
    date: 2026-11-22
    truth: true
    nothing: ~
    empty:
    list: [1, two, {three: 3}]
    1: a key is always text
    """
    assert read(tmp_path, text) == {
        "text": "plain",
        "quoted": "12",
        "whole": -12,
        "fraction": 1.5,
        "yes_is_text": "yes",
        "country": "NO",
        "on": "off",
        "time": "12:30",
        "number_with_zero": "0049",
        "date": "2026-11-22",
        "truth": True,
        "nothing": None,
        "empty": None,
        "list": [1, "two", {"three": 3}],
        "1": "a key is always text",
    }


def test_an_empty_file_is_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "") is None
    assert read(tmp_path, "# only a comment\n") is None


def test_a_byte_order_mark_is_not_content(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbfa: 1\n") == {"a": 1}


def test_an_alias_stands_for_what_it_names(tmp_path: Path) -> None:
    assert read(tmp_path, "a: &x [1, 2]\nb: *x\n") == {"a": [1, 2], "b": [1, 2]}


@pytest.mark.parametrize(
    ("text", "field", "what"),
    [
        ("a: 1\nb: 2\na: 3\n", "a", "line 3: is given twice"),
        ("a: {b: 1, 'b': 2}\n", "a.b", "line 1: is given twice"),
        ("a: !!python/object/apply:os.system [ls]\n", "a", "line 1: tags are not taken"),
        ("a: !secret x\n", "a", "line 1: tags are not taken"),
        ("a: !!binary aGk=\n", "a", "line 1: tags are not taken"),
        ("a: !!set {x}\n", "a", "line 1: tags are not taken"),
        ("x: &x {a: 1}\nb:\n  <<: *x\n", "b", "line 3: merge keys (<<) are not taken"),
        ("[a, b]: 1\n", "", "line 1: a key is not text"),
        ("a: 1\n---\nb: 1\n", "", "holds several documents; it takes one"),
        ("a: &a [*a]\n", "a" + ".0" * 31, "is nested more than 32 deep"),
        ("a" + ": {a" * 1_500, "", "is nested too deeply"),
        ("[" * 1_500, "", "is nested too deeply"),
    ],
)
def test_what_configuration_does_not_need_is_refused(
    tmp_path: Path, text: str, field: str, what: str
) -> None:
    assert problems(tmp_path, text) == [(field, what)]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (f"a: *{SECRET}\n", "line 1, column 4"),
        (f"a: '{SECRET}\n", "line 2, column 1"),
        (f"a: !{SECRET}! x\n", "line 1, column"),
        (f"%{SECRET}\n", "line 2, column 1"),
        (f"a: {SECRET}: x\n", "line 1, column"),
        (f"a: [{SECRET}\nb: x\n", "line 2, column"),
        (f"- a\n{SECRET}\n", "line 3, column 1: could not find expected ':'"),
        (f"a: @{SECRET}\n", "line 1, column 4"),
    ],
)
def test_what_is_not_yaml_is_refused_with_the_place_and_without_the_text(
    tmp_path: Path, text: str, place: str
) -> None:
    found = problems(tmp_path, text)
    assert [field for field, _ in found] == [""]
    assert found[0][1].startswith(f"is not readable as YAML at {place}")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"a: \xff\xfe\n", "is not text in UTF-8"),
        (b"a: \x00\n", "is not YAML: it holds characters that YAML does not allow"),
        (b"#" * 1_048_577, "is larger than 1048576 bytes"),
    ],
)
def test_what_is_not_text_or_too_large_is_refused(tmp_path: Path, content: bytes, what: str) -> None:
    assert problems(tmp_path, content) == [("", what)]


def test_a_file_that_grows_by_its_aliases_is_refused(tmp_path: Path) -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    found = problems(tmp_path, "\n".join(levels))
    assert [what for _, what in found] == ["stands for more than 50000 values; are its aliases meant?"]


def test_references_are_replaced_anywhere_in_a_text(tmp_path: Path) -> None:
    write(tmp_path, "secrets/key", "from a file\n\n")
    text = """
    whole: ${env:TOKEN}
    part: Bearer ${env:TOKEN}, ${file:secrets/key}!
    deep: {list: [a, "${env:TOKEN}"]}
    not_one: "${name} {{ name }} $5 ${ENV:TOKEN}"
    escaped: "$${env:TOKEN}"
    """
    assert read(tmp_path, text, {"TOKEN": "t0ken"}) == {
        "whole": "t0ken",
        "part": "Bearer t0ken, from a file\n!",
        "deep": {"list": ["a", "t0ken"]},
        "not_one": "${name} {{ name }} $5 ${ENV:TOKEN}",
        "escaped": "${env:TOKEN}",
    }


def test_what_a_reference_brings_in_is_not_looked_into(tmp_path: Path) -> None:
    environ = {"A": "${env:B} and: [more]", "B": SECRET}
    assert read(tmp_path, "a: ${env:A}", environ) == {"a": "${env:B} and: [more]"}


def test_a_file_is_meant_from_the_folder_of_the_one_that_names_it_or_from_the_root(tmp_path: Path) -> None:
    write(tmp_path, "other/key", "k\r\n")
    config = write(
        tmp_path, "accounts/a.yaml", f"a: ${{file:../other/key}}\nb: ${{file:{tmp_path}/other/key}}\n"
    )
    assert read_yaml(config, {}) == {"a": "k", "b": "k"}


@pytest.mark.parametrize(
    ("reference", "what"),
    [
        ("${env:NOPE}", "needs the environment variable NOPE, which is not set"),
        ("${env:EMPTY}", "needs the environment variable EMPTY, which is not set"),
        ("${env:}", "holds ${env:…} with something that is not a variable's name"),
        ("${env:not a name}", "holds ${env:…} with something that is not a variable's name"),
        ("${env:TOKEN", "holds a reference without its closing brace"),
        ("${file:}", "holds ${file:} without a path"),
        ("${file:nope}", "needs the file nope, which cannot be read: No such file or directory"),
        ("${file:.}", "needs the file ., which cannot be read: Is a directory"),
        ("${file:empty}", "needs the file empty, which is empty"),
        ("${file:binary}", "needs the file binary, which cannot be read: it is not text in UTF-8"),
        ("${file:large}", "needs the file large, which is too large"),
    ],
)
def test_a_reference_to_nothing_names_field_and_what_is_missing(
    tmp_path: Path, reference: str, what: str
) -> None:
    write(tmp_path, "empty", b"")
    write(tmp_path, "binary", b"\xff" + SECRET.encode())
    write(tmp_path, "large", SECRET.encode() * 10_000)
    text = f"credentials: {{tokens: [ok, '{SECRET} {reference}']}}"
    assert problems(tmp_path, text, {"EMPTY": "", "TOKEN": SECRET}) == [("credentials.tokens.1", what)]


def test_a_folder_is_read_file_by_file_and_document_by_document(tmp_path: Path) -> None:
    write(tmp_path, "applications/shop.yaml", "app_id: shop\n")
    write(tmp_path, "accounts/b.yml", "account: b\n---\naccount: c\ncredentials: {token: '${env:T}'}\n")
    write(tmp_path, "accounts/a.yaml", "account: a\n")
    write(tmp_path, "accounts/.hidden.yaml", "[")
    write(tmp_path, "accounts/notes.txt", "[")
    assert read_folder(tmp_path, {"T": "t"}) == RawConfig(
        applications=[RawDocument("applications/shop.yaml", {"app_id": "shop"})],
        accounts=[
            RawDocument("accounts/a.yaml", {"account": "a"}),
            RawDocument("accounts/b.yml, document 1", {"account": "b"}),
            RawDocument(
                "accounts/b.yml, document 2",
                {"account": "c", "credentials": {"token": "t"}},
                frozenset({"credentials.token"}),
            ),
        ],
    )


def test_the_fields_that_came_from_references_are_known_exactly(tmp_path: Path) -> None:
    text = """
    account: wa
    credentials:
      whole: ${env:T}
      part: a-${env:T}-b
      typed: t
      escaped: $${env:T}
    callback:
      secrets: [typed, "${file:key}"]
    """
    write(tmp_path, "accounts/key", "k")
    write(tmp_path, "accounts/wa.yaml", text)
    document = read_folder(tmp_path, {"T": "t"}).accounts[0]
    assert document.from_reference == {"credentials.whole", "credentials.part", "callback.secrets.1"}


def test_the_problems_of_all_files_come_together(tmp_path: Path) -> None:
    write(tmp_path, "applications/shop.yaml", "app_id: shop\napp_id: shop\n")
    write(tmp_path, "accounts/a.yaml", "a: ${env:NOPE}\n---\nb: ${env:NOPE}\n")
    write(tmp_path, "accounts/b.yaml", "- not\n- a mapping\n")
    write(tmp_path, "accounts/c.yaml", "{")
    with pytest.raises(ConfigurationError) as caught:
        read_folder(tmp_path, {})
    missing = "needs the environment variable NOPE, which is not set"
    assert list(caught.value.problems)[:-1] == [
        Problem("applications/shop.yaml: app_id", "line 2: is given twice"),
        Problem("accounts/a.yaml, document 1: a", missing),
        Problem("accounts/a.yaml, document 2: b", missing),
        Problem("accounts/b.yaml", "is not a mapping of fields to values"),
    ]
    assert caught.value.problems[-1].where == "accounts/c.yaml"


def test_a_folder_without_configuration_is_a_problem(tmp_path: Path) -> None:
    for folder, what in (
        (tmp_path / "nowhere", "is not a folder"),
        (tmp_path, "holds no folder applications or accounts"),
    ):
        with pytest.raises(ConfigurationError) as caught:
            read_folder(folder, {})
        assert caught.value.problems == (Problem(str(folder), what),)


def test_a_file_that_cannot_be_opened_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "accounts" / "folder.yaml").mkdir(parents=True)
    with pytest.raises(ConfigurationError) as caught:
        read_folder(tmp_path, {})
    assert caught.value.problems == (Problem("accounts/folder.yaml", "cannot be read: Is a directory"),)


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: str
    tokens: list[SecretStr]


def test_what_a_model_says_becomes_problems_without_values() -> None:
    document = RawDocument("accounts/a.yaml", {"name": 1, "tokens": [{"a": SECRET}], "nmae": SECRET})
    with pytest.raises(ValidationError) as caught:
        Model.model_validate(document.content)
    assert document.problems(caught.value) == [
        Problem("accounts/a.yaml: name", "Input should be a valid string"),
        Problem("accounts/a.yaml: tokens.0", "Input should be a valid string"),
        Problem("accounts/a.yaml: nmae", "Extra inputs are not permitted"),
    ]


def test_a_document_does_not_show_its_content() -> None:
    assert SECRET not in repr(RawDocument("a", {"token": SECRET}))
