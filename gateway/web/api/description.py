"""Everything that is to be had under /v1, and the OpenAPI document that says so."""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import web
from pydantic import RootModel

from gateway.web.api import applications, customers, threads, tokens, topics
from gateway.web.api.openapi import openapi
from gateway.web.api.operations import Nothing, Operation

_DESCRIPTION = "/openapi.json"


class Description(RootModel[dict[str, Any]]):
    """An OpenAPI document."""


# Two that are not read and answered like the others: gateway/web/media.py, and the document itself.
MEDIA = Operation(
    id="getMedia",
    method="GET",
    path="/media/{id}",
    tag="media",
    summary="Get media of an MO",
    query=Nothing,
    body=Nothing,
    alike=False,
    failures={
        404: "There are no such media, or no such account.",
        413: "The media are larger than IMGW_API__MAX_MEDIA_BYTES.",
        502: "The provider refuses them.",
        503: "The provider or the gateway cannot tell right now.",
        504: "The provider did not answer.",
    },
    description="`id` is an account's name, a colon and the provider's id or URL, as one segment.",
)
DESCRIBE = Operation(
    id="getDescription",
    method="GET",
    path=_DESCRIPTION,
    tag="api",
    summary="Get this document",
    query=Nothing,
    body=Nothing,
    answer=Description,
    alike=False,
)
OPERATIONS: tuple[Operation[Any, Any], ...] = (
    *applications.OPERATIONS,
    *tokens.OPERATIONS,
    *customers.OPERATIONS,
    *threads.OPERATIONS,
    *topics.OPERATIONS,
    MEDIA,
    DESCRIBE,
)


def document() -> dict[str, Any]:
    """The OpenAPI document of all of it."""
    return openapi(OPERATIONS)


def describe(app: web.Application) -> None:
    """Serve the document under /v1."""
    body = orjson.dumps(document())

    async def handle(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    app.router.add_get(_DESCRIPTION, handle, allow_head=False)
