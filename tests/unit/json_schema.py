"""As much of JSON Schema (Draft 2020-12) as the generated files use: what is a schema, and what fits it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

TYPES: Mapping[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}
_SCHEMAS = frozenset({"items", "additionalProperties", "propertyNames"})  # a schema or a boolean
_NAMED_SCHEMAS = frozenset({"properties", "$defs", "patternProperties"})
_SCHEMA_LISTS = frozenset({"anyOf", "oneOf"})
_COUNTS = frozenset({"minLength", "maxLength", "minItems", "maxItems", "maxProperties"})
_NUMBERS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
_TEXTS = frozenset({"$schema", "$id", "title", "description", "format"})
_OTHERS = frozenset(
    {"type", "enum", "const", "default", "required", "pattern", "$ref", "writeOnly", "discriminator", "unit"}
)


def faults(schema: Any, root: Mapping[str, Any], at: str = "#") -> Iterator[str]:
    """What is wrong with a schema, place by place."""
    if not isinstance(schema, dict):
        yield from [] if isinstance(schema, bool) else [f"{at} is no schema"]
        return
    for keyword, value in schema.items():
        where = f"{at}/{keyword}"
        if keyword in _SCHEMAS:
            yield from faults(value, root, where)
        elif keyword in _NAMED_SCHEMAS:
            for name, inner in value.items():
                yield from faults(inner, root, f"{where}/{name}")
        elif keyword in _SCHEMA_LISTS:
            for number, inner in enumerate(value):
                yield from faults(inner, root, f"{where}/{number}")
        elif not _right(keyword, value, root):
            yield f"{where} is wrong"
    missing = set(schema.get("required", ())) - set(schema.get("properties", ()))
    if missing:
        yield f"{at} requires {sorted(missing)}, which it does not describe"


def _right(keyword: str, value: Any, root: Mapping[str, Any]) -> bool:
    if keyword in _COUNTS:
        return type(value) is int and value >= 0
    if keyword in _NUMBERS:
        return type(value) in (int, float)
    if keyword in _TEXTS:
        return isinstance(value, str) and bool(value)
    if keyword == "type":
        return value in TYPES
    if keyword == "enum":
        return isinstance(value, list) and len(value) == len({repr(each) for each in value}) > 0
    if keyword == "required":
        return isinstance(value, list) and all(isinstance(name, str) for name in value)
    if keyword == "pattern":
        return bool(re.compile(value))
    if keyword == "$ref":
        return value.removeprefix("#/$defs/") in root.get("$defs", {})
    return keyword in _OTHERS


def fits(value: Any, schema: Any, root: Mapping[str, Any]) -> bool:
    """Whether a value is what a schema says."""
    if isinstance(schema, bool):
        return schema
    if "$ref" in schema:
        return fits(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root)
    if "anyOf" in schema and not any(fits(value, inner, root) for inner in schema["anyOf"]):
        return False
    if "oneOf" in schema and sum(fits(value, inner, root) for inner in schema["oneOf"]) != 1:
        return False
    if ("const" in schema and value != schema["const"]) or value not in schema.get("enum", [value]):
        return False
    if "type" in schema and not _is_a(value, schema["type"]):
        return False
    if isinstance(value, str):
        return _text_fits(value, schema)
    if isinstance(value, list):
        return _list_fits(value, schema, root)
    if isinstance(value, dict):
        return _object_fits(value, schema, root)
    return value is None or _number_fits(value, schema)


def _is_a(value: Any, name: str) -> bool:
    return isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def _text_fits(value: str, schema: Mapping[str, Any]) -> bool:
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        return False
    return re.search(schema.get("pattern", ""), value) is not None


def _number_fits(value: float, schema: Mapping[str, Any]) -> bool:
    if value <= schema.get("exclusiveMinimum", value - 1):
        return False
    return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))


def _list_fits(value: list[Any], schema: Mapping[str, Any], root: Mapping[str, Any]) -> bool:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        return False
    return all(fits(item, schema.get("items", True), root) for item in value)


def _object_fits(value: dict[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any]) -> bool:
    known = schema.get("properties", {})
    if len(value) > schema.get("maxProperties", len(value)) or not value.keys() >= set(
        schema.get("required", ())
    ):
        return False
    others = schema.get("additionalProperties", True)
    return all(fits(item, known.get(name, others), root) for name, item in value.items())
