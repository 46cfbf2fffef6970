"""The OpenAPI 3.1 document of the API, from the descriptions of its operations. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from gateway.rtm.refusals import REFUSALS
from gateway.web.api.operations import PATH_IDS, Nothing, Operation, ProblemAnswer

PREFIX = "/v1"
_REF = "#/components/schemas/"
_JSON, _PROBLEM = "application/json", "application/problem+json"
_ABOUT = (
    "Applications, and what their in-app channel has: people and their devices, threads, topics, tokens."
    " Every operation needs a key. Lists come in the order of their ids, but for messages, and in pages:"
    " `next` of an answer is the `cursor` of the page that follows; without it, there is none. What is"
    " refused is answered with a problem (RFC 9457), whose `code` is stable; a 503 says by `Retry-After` when"
    " to ask again, and what was asked may have been done. A body has no fields but those that are described,"
    " and no more than 3 MiB. More fields may be added to answers; what is absent there is left out, never"
    " null."
)

AnyOperation = Operation[Any, Any]


def openapi(operations: Sequence[AnyOperation]) -> dict[str, Any]:
    """The document that describes these operations."""
    schemas = _schemas(operations)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        described = _operation(operation)
        paths.setdefault(PREFIX + operation.path, {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {"title": "im-gateway", "version": "1", "description": _ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(each.tag for each in operations)],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "One of the keys in IMGW_API__KEYS.",
                }
            },
        },
    }


def _schemas(operations: Sequence[AnyOperation]) -> dict[str, Any]:
    """All models by name. What answers have is open: readers must take fields that are added later."""
    bodies = _used(each.body for each in operations if each.body is not Nothing)
    answers = _used([ProblemAnswer, *(each.answer for each in operations)])
    schemas = _defined([*answers, *bodies])
    asked = set(_defined(bodies))
    for name in _defined(answers):
        schemas[name].pop("additionalProperties", None)
        if name not in asked:
            fields = schemas[name].get("properties", {})
            fields.update({field: _plain(each) for field, each in fields.items()})
    return dict(sorted(schemas.items()))


def _used(models: Iterable[type[BaseModel] | None]) -> list[type[BaseModel]]:
    return list(dict.fromkeys(model for model in models if model is not None))


def _defined(models: Sequence[type[BaseModel]]) -> dict[str, Any]:
    # As they are read, also where they are written: there, what has a default is always there, and None is
    # left out.
    mode: JsonSchemaMode = "validation"
    _, schema = models_json_schema([(model, mode) for model in models], ref_template=_REF + "{model}")
    found: dict[str, Any] = schema.get("$defs", {})
    return found


def _operation(operation: AnyOperation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
    }
    if operation.description:
        described["description"] = operation.description
    parameters = [*map(_path_parameter, operation.path_ids), *_query_parameters(operation.query)]
    if parameters:
        described["parameters"] = parameters
    if operation.body is not Nothing:
        content = {_JSON: {"schema": _ref(operation.body)}}
        described["requestBody"] = {"required": True, "content": content}
    described["responses"] = _responses(operation)
    return described


def _path_parameter(name: str) -> dict[str, Any]:
    adapter = PATH_IDS[name][0] if name in PATH_IDS else None
    schema = adapter.json_schema() if adapter else {"type": "string"}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(model: type[BaseModel]) -> list[dict[str, Any]]:
    schema = model.model_json_schema()
    required = schema.get("required", [])
    found = []
    for name, described in schema.get("properties", {}).items():
        plain = _plain(described)
        text = plain.pop("description", None)
        plain.pop("title", None)
        parameter = {"name": name, "in": "query", "required": name in required, "schema": plain}
        found.append(parameter | ({"description": text} if text else {}))
    return found


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Of a field that can be left out, in a query or an answer: it is there or not, and never null."""
    plain = dict(schema)
    choices = [each for each in plain.pop("anyOf", []) if each != {"type": "null"}]
    if plain.get("default", ...) is None:
        del plain["default"]
    return plain | (choices[0] if len(choices) == 1 else {"anyOf": choices} if choices else {})


def _responses(operation: AnyOperation) -> dict[str, Any]:
    responses = {str(operation.status): _success(operation)}
    responses["401"] = _problem("The key is missing or none.")
    by_status: dict[int, list[str]] = {}
    for code in operation.codes:
        by_status.setdefault(REFUSALS[code][1], []).append(code)
    for status, codes in by_status.items():
        responses[str(status)] = _problem("\n".join(f"- `{code}`: {REFUSALS[code][0]}" for code in codes))
    for status, meaning in operation.failures.items():
        responses[str(status)] = _problem(meaning)
    return dict(sorted(responses.items()))


def _success(operation: AnyOperation) -> dict[str, Any]:
    described: dict[str, Any] = {"description": HTTPStatus(operation.status).phrase}
    if operation.answer is not None:
        described["content"] = {_JSON: {"schema": _ref(operation.answer)}}
    elif not operation.alike:
        described["content"] = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
    return described


def _problem(meaning: str) -> dict[str, Any]:
    return {"description": meaning, "content": {_PROBLEM: {"schema": _ref(ProblemAnswer)}}}


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF + model.__name__}
