"""`/callbacks/<account>`: verify, split, put every item on its queue, answer. Nothing is interpreted here.

A fault in reading a receipt then costs a replay from a queue, never data, and neither the database nor a
provider's API stands between a provider and its 200. An answer of 5xx is given only when an item could not be
made safe: the provider then repeats the callback.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog
from aiohttp import web

from gateway.broker.port import Broker, Publication
from gateway.broker.topology import DR_IN, MO_IN, TYPE_CALLBACK
from gateway.errors import CallbackRefused, UnavailableError
from gateway.model.base import now, rfc3339, uuid7
from gateway.model.callback import CallbackItem, CallbackReply, CallbackRequest
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.tracing import trace_in
from gateway.together import together
from gateway.web.bodies import read_body

logger = structlog.get_logger("callbacks")

ACCOUNT = "x-account"
KIND = "x-kind"
RECEIVED_AT = "x-received-at"
_BROWSERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "authorization, content-type",
    "Access-Control-Max-Age": "86400",
}


class CallbackHandler(Protocol):
    """The part of a provider's handler that this route needs."""

    def verify(self, request: CallbackRequest) -> None: ...

    def split(self, request: CallbackRequest) -> Sequence[CallbackItem]: ...

    def reply(self, request: CallbackRequest) -> CallbackReply: ...


class CallbackRoute:
    """Takes callbacks. `handler_of` gives the handler of an account, or None when there is no such
    account."""

    def __init__(
        self,
        broker: Broker,
        handler_of: Callable[[str], CallbackHandler | None],
        metrics: Metrics,
        *,
        public_url: str | None,
    ) -> None:
        self._broker = broker
        self._handler_of = handler_of
        self._metrics = metrics
        self._public_url = public_url.rstrip("/") if public_url else None

    def register(self, app: web.Application) -> None:
        # Some providers put a word of their own behind the URL that they are told.
        for path in ("/callbacks/{account}", "/callbacks/{account}/{rest:.+}"):
            app.router.add_route("POST", path, self.handle)
            app.router.add_route("GET", path, self.handle)
            app.router.add_route("OPTIONS", path, _allow_browsers)

    async def handle(self, request: web.Request) -> web.Response:
        started = time.perf_counter()
        account = request.match_info["account"]
        handler = self._handler_of(account)
        if handler is None:
            self._metrics.callbacks.labels("unknown", "unknown_account").inc()
            return web.Response(status=404, text="there is no such account")
        response, outcome = await self._answer(request, account, handler)
        if "Origin" in request.headers:
            response.headers["Access-Control-Allow-Origin"] = "*"
        self._metrics.callbacks.labels(account, outcome).inc()
        self._metrics.callback_seconds.observe(time.perf_counter() - started)
        return response

    async def _answer(
        self, request: web.Request, account: str, handler: CallbackHandler
    ) -> tuple[web.Response, str]:
        try:
            callback = await self._read(request)
            handler.verify(callback)
            items = handler.split(callback)
            reply = handler.reply(callback)
        except web.HTTPRequestEntityTooLarge:
            return web.Response(status=413, text="the body is too large"), "too_large"
        except CallbackRefused as refused:
            logger.warning("callback.refused", account=account, status=refused.status, detail=str(refused))
            outcome = "refused" if refused.status == 403 else "unreadable"
            return web.Response(status=refused.status, text=str(refused)), outcome
        except ConnectionError:  # the client is gone in the middle of its request; nobody reads this answer
            return web.Response(status=400), "unreadable"
        try:
            await self._enqueue(items, account, request)
        except UnavailableError as error:
            logger.warning("callback.unavailable", account=account, error=str(error))
            headers = {"Retry-After": "5"}
            return web.Response(status=503, text="try again later", headers=headers), "unavailable"
        for item in items:
            self._metrics.callback_items.labels(account, item.kind).inc()
        return _response(reply), "accepted"

    async def _read(self, request: web.Request) -> CallbackRequest:
        body = await read_body(request)
        url = str(request.url) if self._public_url is None else self._public_url + request.path_qs
        headers = {name.lower(): value for name, value in request.headers.items()}
        return CallbackRequest(request.method, url, dict(request.query), headers, body)

    async def _enqueue(self, items: Sequence[CallbackItem], account: str, request: web.Request) -> None:
        trace = trace_in(request.headers)
        at = rfc3339(now())
        publications = []
        for item in items:
            queue = DR_IN if item.kind == "dr" else MO_IN
            headers = {**trace, ACCOUNT: account, KIND: item.kind, RECEIVED_AT: at}
            publications.append(Publication("", queue, item.body, TYPE_CALLBACK, uuid7(), headers))
        await together([self._broker.publish(publication) for publication in publications])


async def _allow_browsers(_: web.Request) -> web.Response:
    """The page that got a push may report its receipt from wherever it lies: what it says is proved like
    everything here, and there are no cookies that could be abused."""
    return web.Response(status=204, headers=_BROWSERS)


def _response(reply: CallbackReply) -> web.Response:
    return web.Response(
        status=reply.status, body=reply.body, content_type=reply.content_type, headers=dict(reply.headers)
    )
