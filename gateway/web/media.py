"""`GET /v1/media/<account>:<media id or URL>`: the media of an MO, from the provider straight to the caller.

The part after /media/ is one segment, percent-encoded. Nothing is kept, and no more than a piece at a time is
in memory.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Protocol

import structlog
from aiohttp import web

from gateway.errors import FailureKind, ProviderError, UnavailableError
from gateway.telemetry.metrics import Metrics
from gateway.transports.classify import http_failure, retry_after
from gateway.transports.http import AiohttpTransport
from gateway.transports.http_stream import HttpStream
from gateway.transports.port import HttpRequest, HttpResponse, Opener, Transports
from gateway.web.api import problem

logger = structlog.get_logger("media")

# How long a provider may be silent, before its answer and within it.
_SILENCE_SECONDS = 30.0
_STATUS = {
    FailureKind.PERMANENT: 502,
    FailureKind.AUTH: 502,
    FailureKind.TRANSIENT: 503,
    FailureKind.THROTTLED: 503,
    FailureKind.UNCERTAIN: 504,
}
_NO_SUCH = frozenset({"http_404", "http_410", "request_invalid"})
_UNREACHABLE = (FailureKind.PERMANENT, "media_unreachable")  # a handler's word for it
_PREPARING_SECONDS = 5.0
_CONTENT_TYPE = re.compile(r"[!-~]+/[ -~]+")
# Whatever it is that a person sent, a browser must not run it in the name of this site.
_HARMLESS = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}

Answered = tuple[web.StreamResponse, str]  # and the outcome, for the metric


class MediaHandler(Protocol):
    """The part of a provider's handler that this route needs."""

    async def media(self, media_id: str, out: Transports) -> HttpRequest | None: ...


class MediaRoute:
    """Passes media on. `handler_of` gives the handler of an account, or None when there is no such account;
    `most_bytes` is the size up to which they are."""

    def __init__(
        self,
        http: AiohttpTransport,
        out: Transports,
        handler_of: Callable[[str], MediaHandler | None],
        metrics: Metrics,
        *,
        most_bytes: int,
    ) -> None:
        self._http = http
        self._out = out
        self._handler_of = handler_of
        self._metrics = metrics
        self._most_bytes = most_bytes

    def register(self, api: web.Application) -> None:
        api.router.add_get("/media/{id}", self.handle, allow_head=False)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        account, _, media_id = request.match_info["id"].partition(":")
        handler = self._handler_of(account)
        if handler is None:
            self._metrics.media.labels("unknown", "not_found").inc()
            return problem(404, "there is no such account")
        try:
            response, outcome = await self._answer(request, handler, media_id)
        except ProviderError as error:
            response, outcome = _failed(error)
            logger.warning("media.failed", account=account, outcome=outcome, error=str(error))
        except UnavailableError as error:
            logger.warning("media.unavailable", account=account, error=str(error))
            response, outcome = problem(503, "try again later", headers={"Retry-After": "5"}), "failed"
        self._metrics.media.labels(account, outcome).inc()
        return response

    async def _answer(self, request: web.Request, handler: MediaHandler, media_id: str) -> Answered:
        wanted = await handler.media(media_id, self._out) or _open_to_all(media_id)
        if wanted is None:
            return problem(404, "there are no such media"), "not_found"
        async with self._http.stream(wanted, timeout_seconds=_SILENCE_SECONDS) as stream:
            if stream.status != 200:
                raise _not_given(HttpResponse(stream.status, stream.headers))
            length = _length(stream)
            if length is not None and length > self._most_bytes:
                return problem(413, f"the media are larger than {self._most_bytes} bytes"), "too_large"
            return await self._pass_on(request, stream, length, wanted.opened or _as_it_is)

    async def _pass_on(
        self, request: web.Request, stream: HttpStream, length: int | None, opened: Opener
    ) -> Answered:
        """What comes after the head can only be broken off: the caller notices by its length, or by the
        missing end."""
        part = await stream.read()
        response = web.StreamResponse(headers=_HARMLESS | {"Content-Type": _content_type(stream)})
        response.content_length = length
        passed = 0
        try:
            await response.prepare(request)
            while part:
                passed += len(part)
                if passed > self._most_bytes:
                    return _broken_off(request, response), "too_large"
                await response.write(opened(part))
                part = await stream.read()
            await response.write_eof()
        except (ProviderError, ConnectionError):
            return _broken_off(request, response), "broken_off"
        return response, "served"


def _as_it_is(part: bytes) -> bytes:
    return part


def _open_to_all(media_id: str) -> HttpRequest | None:
    """For media that need nothing of ours: their id is where they are."""
    return HttpRequest("GET", media_id) if media_id.startswith(("https://", "http://")) else None


def _not_given(response: HttpResponse) -> ProviderError:
    if response.status != 202:
        return http_failure(response)
    return ProviderError(  # as long as a video is still being prepared
        FailureKind.TRANSIENT,
        reason="provider_unavailable",
        code="http_202",
        retry_after_seconds=retry_after(response) or _PREPARING_SECONDS,
    )


def _failed(error: ProviderError) -> Answered:
    if error.code in _NO_SUCH or (error.kind, error.reason) == _UNREACHABLE:
        return problem(404, "there are no such media", reason=error.reason, code=error.code), "not_found"
    seconds = error.retry_after_seconds
    headers = {"Retry-After": str(math.ceil(seconds))} if seconds is not None else None
    status, detail = _STATUS[error.kind], "the provider did not give the media"
    return problem(status, detail, headers=headers, reason=error.reason, code=error.code), "failed"


def _length(stream: HttpStream) -> int | None:
    given = stream.headers.get("content-length", "")
    return int(given) if given.isascii() and given.isdigit() else None


def _content_type(stream: HttpStream) -> str:
    given = stream.headers.get("content-type", "")
    return given if _CONTENT_TYPE.fullmatch(given) else "application/octet-stream"


def _broken_off(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return response
