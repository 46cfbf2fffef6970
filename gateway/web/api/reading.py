"""Reads what a caller of the API asks: the ids in the path, the query and the body, each checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from aiohttp import web
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateway.errors import RefusedError
from gateway.rtm.refusals import RtmRefused
from gateway.web.api.operations import PATH_IDS, BodyT, Call, Fault, Nothing, Operation, QueryT
from gateway.web.bodies import read_body

_MOST_FAULTS = 20
_LONGEST_NAME = 64
# Of pydantic's own words these are none for a caller.
_WORDS = {"extra_forbidden": "is not a field here", "missing": "is required"}


class Faulty(RefusedError):
    """A request with something wrong in certain fields; `code` is one of REFUSALS."""

    def __init__(self, code: str, faults: Sequence[Fault]) -> None:
        self.code = code
        self.faults = list(faults[:_MOST_FAULTS])
        super().__init__(f"{code}: {', '.join(fault.field for fault in self.faults)}")


def faults_of(error: ValidationError, where: str = "") -> list[Fault]:
    """What is wrong, field by field and never with the value; `where` is what the fields are in."""
    rows = error.errors(include_input=False, include_context=False, include_url=False)
    return [
        Fault(field=_field([where, *row["loc"]] if where else row["loc"]), detail=_why(row)) for row in rows
    ]


async def read_call(operation: Operation[QueryT, BodyT], request: web.Request) -> Call[QueryT, BodyT]:
    """Raises RtmRefused and Faulty; what `read_body` raises; ConnectionError when the caller is gone."""
    ids = {name: _path_id(name, value) for name, value in request.match_info.items()}
    query = _validated(operation.query, _parameters(request), "query")
    document = {} if operation.body is Nothing else await _document(request)
    return Call(ids, query, _validated(operation.body, document, ""))


def _path_id(name: str, value: str) -> str:
    adapter, code = PATH_IDS[name]
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise RtmRefused(code) from error


def _parameters(request: web.Request) -> dict[str, str]:
    given = request.query
    repeated = sorted({name for name in given if len(given.getall(name)) > 1})
    if repeated:
        faults = [Fault(field=_field(["query", name]), detail="is given twice") for name in repeated]
        raise Faulty("invalid_payload", faults)
    return dict(given)


async def _document(request: web.Request) -> Any:
    if request.content_type != "application/json":
        raise RtmRefused("unsupported_media_type")
    try:
        return orjson.loads(await read_body(request))
    except orjson.JSONDecodeError as error:
        raise RtmRefused("invalid_payload", "the body is not JSON") from error


def _validated(model: type[QueryT], document: Any, where: str) -> QueryT:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise Faulty("invalid_payload", faults_of(error, where)) from error


def _field(path: Sequence[int | str]) -> str:
    """The names in it can be the caller's: no more of each than tells it."""
    parts = [str(part)[:_LONGEST_NAME] for part in path if part != "[key]"]  # pydantic's, after a name
    return ".".join("".join(filter(str.isprintable, part)) for part in parts) or "body"


def _why(row: ErrorDetails) -> str:
    return _WORDS.get(row["type"], row["msg"].removeprefix("Value error, "))
