"""Account settings of every provider: what is needed is asked for by name, what is wrong is named, what was
given is never shown."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from pydantic import BaseModel

from gateway.errors import ConfigurationError, Problem
from gateway.model.account import Settings
from tests.handlers.rows import Table
from tests.handlers.tables import REGISTRY, TABLES

ACCOUNTS = [
    pytest.param(table, raw, id=f"{table.provider}: {name}")
    for table in TABLES
    for name, raw in table.accounts.items()
]
Path = tuple[str, ...]


def problems(raw: Mapping[str, Any]) -> tuple[Problem, ...]:
    try:
        REGISTRY.account(raw, "a.yaml")
    except ConfigurationError as error:
        return error.problems
    return ()


def changed(raw: Mapping[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """The same account with another value at `path`; without the field when the value is `...`."""
    copied = copy.deepcopy(dict(raw))
    holder: Any = copied
    for step in path[:-1]:
        holder = holder[step]
    if value is ...:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return copied


def required(model: BaseModel, above: Path = ()) -> Iterator[Path]:
    """The settings of an account that have no default, in it and in its sections."""
    for name, field in type(model).model_fields.items():
        path, value = (*above, field.alias or name), getattr(model, name)
        if field.is_required():
            yield path
        if isinstance(value, Settings) and name in model.model_fields_set:
            yield from required(value, path)


def sections(model: BaseModel, above: Path = ()) -> Iterator[Path]:
    """Where in an account a section of settings is."""
    yield above
    for name in model.model_fields_set:
        value = getattr(model, name)
        if isinstance(value, Settings):
            yield from sections(value, (*above, name))


def leaves(raw: Any, above: Path = ()) -> Iterator[tuple[Path, Any]]:
    if not isinstance(raw, Mapping):
        yield above, raw
        return
    for name, value in raw.items():
        yield from leaves(value, (*above, name))


@pytest.mark.parametrize(("table", "raw"), ACCOUNTS)
def test_every_required_setting_is_asked_for_by_name(table: Table, raw: Mapping[str, Any]) -> None:
    wanted = [path for path in required(REGISTRY.account(raw, "a.yaml")) if path[-1] != "scheme"]
    assert ("account",) in wanted
    for path in wanted:
        assert problems(changed(raw, path, ...)) == (Problem(f"a.yaml: {'.'.join(path)}", "is required"),)


@pytest.mark.parametrize(("table", "raw"), ACCOUNTS)
def test_an_empty_secret_is_refused_by_name(table: Table, raw: Mapping[str, Any]) -> None:
    paths = [path for path, value in leaves(raw) if value in table.secrets]
    assert paths
    for path in paths:
        assert problems(changed(raw, path, "")) == (Problem(f"a.yaml: {'.'.join(path)}", "is empty"),)
        spaced = Problem(f"a.yaml: {'.'.join(path)}", "begins or ends with white space")
        assert problems(changed(raw, path, "secret\n")) == (spaced,)


@pytest.mark.parametrize(("table", "raw"), ACCOUNTS)
def test_an_unknown_setting_is_refused_by_name(table: Table, raw: Mapping[str, Any]) -> None:
    for path in sections(REGISTRY.account(raw, "a.yaml")):
        found = problems(changed(raw, (*path, "no_such_thing"), 1))
        assert found == (Problem(f"a.yaml: {'.'.join((*path, 'no_such_thing'))}", "is not a setting"),)


@pytest.mark.parametrize(("table", "raw"), ACCOUNTS)
def test_what_was_given_is_never_shown(table: Table, raw: Mapping[str, Any]) -> None:
    for path, _ in leaves(raw):
        for wrong in ("LEAKED value", ["LEAKED value"], {"LEAKED value": 1}, {"a": "LEAKED value"}):
            found = problems(changed(raw, path, wrong))
            shown = [problem for problem in found if "LEAKED value" in problem.what]
            assert shown == []
            assert all(problem.where.startswith("a.yaml") for problem in found)


def test_every_setting_of_every_provider_has_a_description() -> None:
    missing = [
        f"{name}: {definition}.{field}"
        for name, provider in REGISTRY.providers().items()
        for definition, schema in _definitions(provider.Account.model_json_schema())
        for field, details in schema.get("properties", {}).items()
        if not {"description", "$ref"} & details.keys() and field not in {"provider", "retry", "enabled"}
    ]
    assert missing == []


def _definitions(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "account", schema
    yield from schema.get("$defs", {}).items()
