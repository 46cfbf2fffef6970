"""Reads settings from variables, from the files that these name, and from TOML; knows names, not meanings."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.errors import Problem

PREFIX = "IMGW_"
CONFIG_FILE = "IMGW_CONFIG_FILE"
_FILE = "_FILE"

# What begins with the prefix and is not a setting of a process.
_OTHERS = frozenset({CONFIG_FILE})
_OTHER_PREFIXES = ("IMGW_DEMO_",)
# Kubernetes puts these into every container beside a service whose name begins with imgw.
_SERVICE_LINK = re.compile(r"IMGW_(\w+_)?(SERVICE_(HOST|PORT(_\w+)?)|PORT_\d+_(TCP|UDP)(_\w+)?)")
_SERVICE_ADDRESS = re.compile(r"(tcp|udp|sctp)://\S+")


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting that there is."""

    path: tuple[str, ...]  # ("broker", "url")
    secret: bool

    @property
    def variable(self) -> str:
        """`IMGW_BROKER__URL`."""
        return PREFIX + "__".join(self.path).upper()


@dataclass(frozen=True, slots=True)
class Given:
    """What was given: values by setting, where each came from, and what was wrong with the giving."""

    values: dict[tuple[str, ...], Any] = field(default_factory=dict)
    origins: dict[tuple[str, ...], str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def put(self, path: tuple[str, ...], value: object, origin: str) -> None:
        self.values[path] = value
        self.origins[path] = origin

    def over(self, other: Given) -> Given:
        """These settings, and the other's where this one has none; the problems of both."""
        return Given(
            other.values | self.values, other.origins | self.origins, [*other.problems, *self.problems]
        )

    def nested(self) -> dict[str, Any]:
        """The values as sections hold them: {"broker": {"url": …}}."""
        nested: dict[str, Any] = {}
        for path, value in self.values.items():
            section = nested
            for name in path[:-1]:
                section = section.setdefault(name, {})
            section[path[-1]] = value
        return nested


def read_variables(environ: Mapping[str, str], entries: Sequence[Entry]) -> Given:
    """The settings that variables give, secrets from files included. Empty variables count as not set."""
    given = Given()
    known = {entry.variable: entry for entry in entries}
    files = {entry.variable + _FILE: entry for entry in entries if entry.secret}
    for name, value in sorted(environ.items()):
        if not name.upper().startswith(PREFIX) or not value:
            continue
        if name in known:
            given.put(known[name].path, value, name)
        elif name in files:
            _put_secret_file(given, files[name], value, name, taken=bool(environ.get(files[name].variable)))
        elif not _not_ours(name, value):
            given.problems.append(unknown(name, (*known, *files, CONFIG_FILE)))
    return given


def read_file(path: Path, entries: Sequence[Entry]) -> Given:
    """The settings of a TOML file, which names them as sections do; a secret's file is `<name>_file`."""
    given = Given()
    where = str(path)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        given.problems.append(Problem(CONFIG_FILE, f"{where} cannot be read: {error.strerror}"))
        return given
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        line = re.search(r"\(at line \d+, column \d+\)", str(error))
        given.problems.append(Problem(where, f"is not TOML {line.group() if line else ''}".rstrip()))
        return given
    known = {".".join(entry.path): entry for entry in entries}
    files = {name + "_file": entry for name, entry in known.items() if entry.secret}
    flat = dict(_flattened(content, known))
    for name, value in flat.items():
        if name in known:
            given.put(known[name].path, value, f"{where}: {name}")
        elif name in files:
            taken = ".".join(files[name].path) in flat
            _put_secret_file(given, files[name], str(value), f"{where}: {name}", taken=taken)
        else:
            given.problems.append(unknown(name, (*known, *files), within=f"{where}: "))
    return given


def unknown(name: str, known: Iterable[str], within: str = "") -> Problem:
    """The problem with a name that is no setting's, with the closest one that is."""
    close = difflib.get_close_matches(
        name.lower(), {other.lower(): other for other in known}, n=1, cutoff=0.6
    )
    match = next((other for other in known if close and other.lower() == close[0]), None)
    return Problem(within + name, f"is not a setting; did you mean {match}?" if match else "is not a setting")


def _put_secret_file(given: Given, entry: Entry, file: str, where: str, *, taken: bool) -> None:
    if taken:
        given.problems.append(Problem(where, "is set, and so is the same without _FILE; only one can be"))
        return
    try:
        text = Path(file).read_text(encoding="utf-8")
    except OSError as error:
        given.problems.append(Problem(where, f"{file} cannot be read: {error.strerror}"))
    except UnicodeDecodeError:
        given.problems.append(Problem(where, f"{file} is not text in UTF-8"))
    else:
        given.put(entry.path, text.removesuffix("\n").removesuffix("\r"), where)


def _flattened(
    content: Mapping[str, Any], known: Mapping[str, Entry], prefix: str = ""
) -> Iterable[tuple[str, Any]]:
    for name, value in content.items():
        dotted = prefix + name
        section = any(other.startswith(f"{dotted}.") for other in known)
        if isinstance(value, dict) and (value or section):
            yield from _flattened(value, known, dotted + ".")
        else:
            yield dotted, value


def _not_ours(name: str, value: str) -> bool:
    return (
        name in _OTHERS
        or name.startswith(_OTHER_PREFIXES)
        or _SERVICE_LINK.fullmatch(name) is not None
        or (name.endswith("_PORT") and _SERVICE_ADDRESS.fullmatch(value) is not None)
    )
