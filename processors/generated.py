"""What is generated from the code: JSON Schemas of the contracts, the OpenAPI document of the API, and two
tables of the README. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from gateway.errors import ConfigurationError, Problem
from gateway.model.application import Application
from gateway.model.message import MOMessage, MTMessage
from gateway.model.receipt import DR
from gateway.rtm.wire import Presence, Request, UpMessage, UpReceipt
from gateway.settings import describe
from gateway.web.api.description import document
from handlers.registry import Registry
from processors.commands.providers import COLUMNS, rows

# Written by us, so strict for what we read (MT, and what devices publish) and lenient for what others read:
# they must ignore new fields.
_CONTRACTS: dict[str, tuple[Any, str, bool]] = {
    "mt.v1": (MTMessage, "MT: an outbound message, published to imgw.mt", True),
    "mo.v1": (MOMessage, "MO: an inbound message, read from imgw.mo", False),
    "dr.v1": (DR, "DR: a delivery receipt, read from imgw.dr", False),
    "rtm-message.v1": (UpMessage, "An in-app MO, published to the device's topic `up`", True),
    "rtm-receipt.v1": (UpReceipt, "An in-app receipt, published to the device's topic `receipts`", True),
    "rtm-request.v1": (Request, "An in-app request, published to the device's topic `requests`", True),
    "rtm-presence.v1": (Presence, "In-app presence, published to the device's topic `presence`", True),
}


def generated_files(root: Path) -> dict[Path, str]:
    """Every generated file with what should be in it."""
    registry = Registry.discover()
    schema = root / "config" / "schema"
    files = {
        schema / f"{name}.schema.json": _contract(name, contract, title, strict=strict)
        for name, (contract, title, strict) in _CONTRACTS.items()
    }
    files[schema / "application.schema.json"] = _json(Application.model_json_schema())
    for provider, handler in registry.providers().items():
        files[schema / "accounts" / f"{provider}.schema.json"] = _json(handler.Account.model_json_schema())
    files[schema / "openapi.json"] = _json(document())
    readme = root / "README.md"
    text = readme.read_text()
    text = _replaced(text, "providers", _table(COLUMNS, rows(registry.providers().values())), readme)
    text = _replaced(text, "settings", _settings(), readme)
    files[readme] = text
    return files


def _contract(name: str, contract: Any, title: str, *, strict: bool) -> str:
    adapter = TypeAdapter(contract)
    schema = adapter.json_schema(by_alias=True, mode="validation" if strict else "serialization")
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:imgw:{name}",
        **schema,
        "title": title,
    }
    return _json(schema if strict else _open(schema))


def _open(schema: Any) -> Any:
    """The same schema with additional properties allowed everywhere."""
    if isinstance(schema, dict):
        closed = schema.get("additionalProperties") is False
        return {
            key: _open(value)
            for key, value in schema.items()
            if not (closed and key == "additionalProperties")
        }
    if isinstance(schema, list):
        return [_open(item) for item in schema]
    return schema


def _json(schema: Any) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _settings() -> str:
    lines = [
        (f"`{line.name}`", line.type, f"`{line.default}`" if line.default else "", line.meaning)
        for line in describe()
    ]
    return _table(("setting", "type", "default", "meaning"), lines)


def _table(columns: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    head = [columns, ["---"] * len(columns)]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in [*head, *lines]
    )


def _replaced(text: str, name: str, content: str, path: Path) -> str:
    begin, end = f"<!-- generated: {name} -->", "<!-- end -->"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ConfigurationError([Problem(str(path), f"needs a part between {begin} and {end}")])
    return f"{before}{begin}\n{content}\n{end}{after}"
