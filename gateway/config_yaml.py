"""YAML as configuration uses it: no objects, no surprises of YAML 1.1, nothing that grows when it is read.

`no`, `on`, `12:30`, `0123` and dates are text, as in YAML 1.2. Keys are always text. A key given twice is
refused, and so are tags. Aliases are taken as long as what they stand for stays small.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from gateway.errors import Problem

MOST_BYTES = 1_048_576
_MOST_NODES = 50_000
_DEEPEST = 32

_TAG = "tag:yaml.org,2002:"
_MERGE = _TAG + "merge"
_NUMBERS = frozenset((_TAG + "int", _TAG + "float"))
_SCALARS = _NUMBERS | {_TAG + kind for kind in ("null", "bool", "str", "timestamp", "value", "merge")}
_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]{0,18})(?P<fraction>\.[0-9]+)?(?P<exponent>[eE][-+]?[0-9]{1,3})?")


def documents(text: str, where: str, problems: list[Problem]) -> list[Any]:
    """The documents of a YAML text, as plain values. What is wrong goes to `problems`, never with a value."""
    try:
        nodes = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        problems.append(_unreadable(error, where))
        return []
    except yaml.YAMLError:
        problems.append(Problem(where, "is not YAML: it holds characters that YAML does not allow"))
        return []
    except RecursionError:
        problems.append(Problem(where, "is nested too deeply"))
        return []
    reader = _Reader(where, problems)
    return [reader.value(node, (), 0) for node in nodes]


class _Reader:
    """Turns the nodes of one file into values; stops, with one problem, when they stand for too many."""

    def __init__(self, where: str, problems: list[Problem]) -> None:
        self._where = where
        self._problems = problems
        self._left = _MOST_NODES

    def value(self, node: yaml.Node, path: tuple[str, ...], depth: int) -> Any:
        self._left -= 1
        if self._left == -1:
            self._problem(path, f"stands for more than {_MOST_NODES} values; are its aliases meant?")
        if depth == _DEEPEST:
            self._problem(path, f"is nested more than {_DEEPEST} deep")
        if self._left < 0 or depth >= _DEEPEST:
            return None
        if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
            return self._mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
            return [self.value(each, (*path, str(n)), depth + 1) for n, each in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and node.tag in _SCALARS:
            return _scalar(node)
        self._problem(path, f"line {node.start_mark.line + 1}: tags are not taken")
        return None

    def _mapping(self, node: yaml.MappingNode, path: tuple[str, ...], depth: int) -> dict[str, Any]:
        content: dict[str, Any] = {}
        for key, value in node.value:
            line = f"line {key.start_mark.line + 1}"
            if not isinstance(key, yaml.ScalarNode) or key.tag not in _SCALARS:
                self._problem(path, f"{line}: a key is not text")
            elif key.tag == _MERGE:
                self._problem(path, f"{line}: merge keys (<<) are not taken")
            elif key.value in content:
                self._problem((*path, key.value), f"{line}: is given twice")
            else:
                content[key.value] = self.value(value, (*path, key.value), depth + 1)
        return content

    def _problem(self, path: tuple[str, ...], what: str) -> None:
        field = ".".join(path)
        self._problems.append(Problem(f"{self._where}: {field}" if field else self._where, what))


def _scalar(node: yaml.ScalarNode) -> Any:
    """By the rules of YAML 1.2's core schema, but that only decimal numbers are numbers."""
    text: str = node.value
    if node.tag == _TAG + "null":
        return None
    if node.tag == _TAG + "bool" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if node.tag in _NUMBERS and (match := _NUMBER.fullmatch(text)):
        return float(text) if match.group("fraction") or match.group("exponent") else int(text)
    return text


def _unreadable(error: yaml.MarkedYAMLError, where: str) -> Problem:
    """PyYAML's own words quote the text around the place, of which more than a sign is not passed on."""
    mark = error.problem_mark
    place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    words = re.sub(r"['\"].{4,}['\"]", "'…'", error.problem or "")
    return Problem(where, f"is not readable as YAML{place}{f': {words}' if words else ''}")
