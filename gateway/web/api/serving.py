"""Serves the operations of the API: each request read, done, answered and counted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import orjson
import structlog
from aiohttp import web
from pydantic import BaseModel

from gateway.errors import CallbackRefused, ConfigurationError, UnavailableError
from gateway.rtm.refusals import REFUSALS, RtmRefused
from gateway.telemetry.metrics import Metrics
from gateway.web.api.guard import problem
from gateway.web.api.operations import Answer, Operation, Route
from gateway.web.api.reading import Faulty, read_call

logger = structlog.get_logger("api")

Answered = tuple[web.Response, str]  # and the outcome, for the metric

# What is answered is for the caller alone: people's attributes, tokens, secrets.
_PRIVATE = {"Cache-Control": "no-store"}
_RETRY = {"Retry-After": "5"}


def mount(app: web.Application, routes: Sequence[Route], metrics: Metrics) -> None:
    """Add routes to the application under /v1."""
    for route in routes:
        app.router.add_route(route.operation.method, route.operation.path, _handler(route, metrics))


def _handler(route: Route, metrics: Metrics) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    name = route.operation.id

    async def handle(request: web.Request) -> web.StreamResponse:
        response, outcome = await _answered(route, request)
        metrics.api_requests.labels(name, outcome).inc()
        return response

    return handle


async def _answered(route: Route, request: web.Request) -> Answered:
    name = route.operation.id
    try:
        call = await read_call(route.operation, request)
        return _response(route.operation, await route.handle(call)), "ok"
    except RtmRefused as refused:
        headers = _RETRY if refused.code == "unavailable" else None
        return _refused(refused.status, refused.detail, refused.code, headers=headers)
    except Faulty as faulty:
        detail, status = REFUSALS[faulty.code]
        errors = [fault.model_dump() for fault in faulty.faults]
        response = problem(status, detail, headers=_PRIVATE, code=faulty.code, errors=errors)
        return response, faulty.code
    except web.HTTPRequestEntityTooLarge:
        return _refused(413, f"the body is larger than {request.client_max_size} bytes", "too_large")
    except CallbackRefused as refused:  # its body cannot be inflated
        code = "unsupported_media_type" if refused.status == 415 else "invalid_payload"
        return _refused(refused.status, str(refused), code)
    except ConnectionError:  # the caller is gone in the middle of the request; nobody reads this answer
        return _refused(400, "the request is not whole", "invalid_payload")
    except (UnavailableError, ConfigurationError) as error:
        logger.warning("api.unavailable", operation=name, error=str(error))
        return _refused(503, REFUSALS["unavailable"][0], "unavailable", headers=_RETRY)


def _refused(status: int, detail: str, code: str, *, headers: dict[str, str] | None = None) -> Answered:
    return problem(status, detail, headers=_PRIVATE | (headers or {}), code=code), code


def _response(operation: Operation[BaseModel, BaseModel], answer: Answer) -> web.Response:
    if answer is None:
        return web.Response(status=operation.status, headers=_PRIVATE)
    if isinstance(answer, BaseModel):
        answer = answer.model_dump(mode="json", by_alias=True, exclude_none=True)
    return web.Response(
        status=operation.status,
        body=orjson.dumps(answer),
        content_type="application/json",
        headers=_PRIVATE,
    )
