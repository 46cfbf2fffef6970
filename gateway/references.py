"""Replaces ${env:NAME} and ${file:PATH} in configuration by what they name, and remembers where."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from re import Match
from typing import Any

from gateway.errors import Problem

_MOST_BYTES = 65_536
# A second dollar before it takes the meaning away: $${env:X} is the text ${env:X}.
_REFERENCE = re.compile(
    r"(?P<escaped>\$\$(?=\{(?:env|file):))|\$\{(?P<kind>env|file):(?P<name>[^}]*)(?P<end>\}?)"
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Resolver:
    """Resolves the references of one document.

    `where` names the document in problems, which are put into `problems`; paths that are not absolute are
    meant from `folder` on. `fields` holds the dotted fields whose values held references.
    """

    def __init__(self, where: str, folder: Path, environ: Mapping[str, str], problems: list[Problem]) -> None:
        self.fields: set[str] = set()
        self._where = where
        self._folder = folder
        self._environ = environ
        self._problems = problems

    def resolve(self, value: Any, field: str = "") -> Any:
        """The same value with every text in it resolved. What a reference brings in is not looked into."""
        if isinstance(value, dict):
            return {name: self.resolve(each, _dotted(field, name)) for name, each in value.items()}
        if isinstance(value, list):
            return [self.resolve(each, _dotted(field, str(n))) for n, each in enumerate(value)]
        if isinstance(value, str):
            return _REFERENCE.sub(lambda match: self._named(match, field), value)
        return value

    def _named(self, match: Match[str], field: str) -> str:
        if match.group("escaped"):
            return "$"
        self.fields.add(field)
        name = match.group("name")
        if not match.group("end"):
            return self._problem(field, "holds a reference without its closing brace")
        return self._variable(name, field) if match.group("kind") == "env" else self._file(name, field)

    def _variable(self, name: str, field: str) -> str:
        if not _VARIABLE.fullmatch(name):
            return self._problem(field, "holds ${env:…} with something that is not a variable's name")
        value = self._environ.get(name, "")
        return value or self._problem(field, f"needs the environment variable {name}, which is not set")

    def _file(self, name: str, field: str) -> str:
        if not name:
            return self._problem(field, "holds ${file:} without a path")
        try:
            with (self._folder / name).open("rb") as file:
                content = file.read(_MOST_BYTES + 1)
            text = content.decode()
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
            return self._problem(field, f"needs the file {name}, which cannot be read: {why}")
        if not text or len(content) > _MOST_BYTES:
            return self._problem(field, f"needs the file {name}, which is {'too large' if text else 'empty'}")
        return text.removesuffix("\n").removesuffix("\r")

    def _problem(self, field: str, what: str) -> str:
        self._problems.append(Problem(f"{self._where}: {field}" if field else self._where, what))
        return ""


def _dotted(field: str, name: str) -> str:
    return f"{field}.{name}" if field else name
