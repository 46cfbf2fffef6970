"""Reads configuration written by people: YAML files, with secrets taken from variables and other files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gateway.config_yaml import MOST_BYTES, documents
from gateway.errors import ConfigurationError, Problem
from gateway.references import Resolver

_ENDINGS = frozenset({".yaml", ".yml"})


@dataclass(frozen=True, slots=True)
class RawDocument:
    """One YAML document, its references replaced by what they name; not checked against a model yet.

    `from_reference` holds the dotted fields ("credentials.access_token", "callback.secrets.0") whose value
    came wholly or partly from a reference.
    """

    where: str  # "accounts/wa-shop.yaml", or "accounts/all.yaml, document 2"
    content: dict[str, Any] = field(repr=False)  # secrets are in it
    from_reference: frozenset[str] = frozenset()

    def problem(self, at: str, what: str) -> Problem:
        """What is wrong with one of its fields, by dotted name; an empty name means the document."""
        return Problem(f"{self.where}: {at}" if at else self.where, what)

    def problems(self, error: ValidationError) -> list[Problem]:
        """What a model said of it, field by field and without the values."""
        return [
            self.problem(".".join(map(str, detail["loc"])), detail["msg"].removeprefix("Value error, "))
            for detail in error.errors(include_url=False, include_input=False, include_context=False)
        ]


@dataclass(frozen=True, slots=True)
class RawConfig:
    """What a folder of configuration holds."""

    applications: list[RawDocument]
    accounts: list[RawDocument]


def read_yaml(path: Path, environ: Mapping[str, str]) -> Any:
    """The content of a YAML file with one document; None when it is empty. Raises ConfigurationError."""
    problems: list[Problem] = []
    contents = [content for _, content, _ in _read(path, str(path), environ, problems)]
    if len(contents) > 1:
        problems.append(Problem(str(path), "holds several documents; it takes one"))
    if problems:
        raise ConfigurationError(problems)
    return contents[0] if contents else None


def read_folder(folder: Path, environ: Mapping[str, str]) -> RawConfig:
    """The documents in `applications/*.yaml` and `accounts/*.yaml` of a folder, in the order of file names.

    A file holds one document or several. Raises ConfigurationError with the problems of all files.
    """
    raw, problems = read_documents(folder, environ)
    if problems:
        raise ConfigurationError(problems)
    return raw


def read_documents(folder: Path, environ: Mapping[str, str]) -> tuple[RawConfig, list[Problem]]:
    """The same, but what could be read comes beside what is wrong.

    Where a reference could not be resolved the text is without it. Raises ConfigurationError when there is
    nothing to read.
    """
    problems: list[Problem] = []
    kinds = ("applications", "accounts")
    if not any((folder / kind).is_dir() for kind in kinds):
        what = "holds no folder applications or accounts" if folder.is_dir() else "is not a folder"
        raise ConfigurationError([Problem(str(folder), what)])
    applications, accounts = (_read_kind(folder, kind, environ, problems) for kind in kinds)
    return RawConfig(applications, accounts), problems


def _read_kind(
    folder: Path, kind: str, environ: Mapping[str, str], problems: list[Problem]
) -> list[RawDocument]:
    raw: list[RawDocument] = []
    files = (folder / kind).iterdir() if (folder / kind).is_dir() else ()
    for path in sorted(files):
        if path.suffix.lower() not in _ENDINGS or path.name.startswith("."):
            continue
        for where, content, from_reference in _read(path, f"{kind}/{path.name}", environ, problems):
            if isinstance(content, dict):
                raw.append(RawDocument(where, content, from_reference))
            elif content is not None:
                problems.append(Problem(where, "is not a mapping of fields to values"))
    return raw


def _read(
    path: Path, where: str, environ: Mapping[str, str], problems: list[Problem]
) -> Iterator[tuple[str, Any, frozenset[str]]]:
    """Each document as (where, content, fields from references); what is wrong goes to `problems`."""
    text = _text(path, where, problems)
    if text is None:
        return
    found = documents(text, where, problems)
    for number, content in enumerate(found, start=1):
        at = where if len(found) == 1 else f"{where}, document {number}"
        resolver = Resolver(at, path.parent, environ, problems)
        resolved = resolver.resolve(content)
        yield at, resolved, frozenset(resolver.fields)


def _text(path: Path, where: str, problems: list[Problem]) -> str | None:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) <= MOST_BYTES:
            return content.decode("utf-8-sig")
        problems.append(Problem(where, f"is larger than {MOST_BYTES} bytes"))
    except OSError as error:
        problems.append(Problem(where, f"cannot be read: {error.strerror}"))
    except UnicodeDecodeError:
        problems.append(Problem(where, "is not text in UTF-8"))
    return None
