"""`/v1`: what callers with a key may ask. Everything else is answered with a problem (RFC 9457)."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web
from pydantic import SecretStr

Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]

_NOT_HERE = "there is nothing here"


def api(keys: SecretStr | None) -> web.Application:
    """The application to mount at /v1. Routes that are added to it are reached with one of the `keys` only
    (separated by commas); without any key there is nothing to reach."""
    known = [key.strip().encode() for key in keys.get_secret_value().split(",")] if keys else []

    @web.middleware
    async def guard(request: web.Request, handler: Handle) -> web.StreamResponse:
        if not known:
            return problem(404, _NOT_HERE)
        if not _proved(request, known):
            return problem(401, "a key of the API is needed", headers={"WWW-Authenticate": "Bearer"})
        try:
            return await handler(request)
        except web.HTTPNotFound:
            return problem(404, _NOT_HERE)
        except web.HTTPMethodNotAllowed as error:
            return problem(405, "not with this method", headers={"Allow": error.headers["Allow"]})

    return web.Application(middlewares=[guard])


def problem(
    status: int, detail: str, *, headers: dict[str, str] | None = None, **members: Any
) -> web.Response:
    """An answer that says what is wrong; members that are None are left out."""
    body = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail, **members}
    return web.Response(
        status=status,
        body=orjson.dumps({name: value for name, value in body.items() if value is not None}),
        content_type="application/problem+json",
        headers=headers,
    )


def _proved(request: web.Request, known: list[bytes]) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    told = given.strip().encode(errors="surrogatepass")
    # All are compared, so that the time it takes does not tell which one is close.
    matches = [hmac.compare_digest(told, key) for key in known]
    return scheme.lower() == "bearer" and any(matches)
