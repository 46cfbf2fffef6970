"""What comes before a message with a file, where a provider wants the file itself: nothing is sent by it yet,
so none of it is uncertain."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urljoin

from gateway.errors import FailureKind, ProviderError
from gateway.transports.failing import TOO_LARGE
from gateway.transports.port import HttpRequest, HttpResponse, Transports

_REDIRECTIONS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTIONS = 3  # content networks have them; every address is judged by the transport
_PASSING = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class File:
    """A file, and its MIME type in lower case without parameters; empty where the server tells none."""

    body: bytes = field(repr=False)
    mime_type: str


async def download(url: str, out: Transports, *, most_bytes: int, timeout_seconds: float) -> File:
    """The file that an MT names by its URL. Raises ProviderError with reason `media_unreachable`, or
    `media_too_large`."""
    for _ in range(_MOST_REDIRECTIONS + 1):
        request = HttpRequest("GET", url, most_bytes=most_bytes)
        try:
            response = await out.http.request(request, timeout_seconds=timeout_seconds)
        except ProviderError as error:
            if error.code == TOO_LARGE:
                raise ProviderError(
                    FailureKind.PERMANENT, reason="media_too_large", code=TOO_LARGE, text=error.text
                ) from error
            kind = FailureKind.PERMANENT if error.kind is FailureKind.PERMANENT else FailureKind.TRANSIENT
            raise _unreachable(kind, error.code, error.text) from error
        if response.status not in _REDIRECTIONS or "location" not in response.headers:
            return _file(response)
        url = _target(url, response.headers["location"])
    raise _unreachable(FailureKind.PERMANENT, "redirections", None)


def repeatable(error: ProviderError) -> ProviderError:
    """The error of a step that does no harm when it is done twice, whatever became of it."""
    if error.kind is not FailureKind.UNCERTAIN:
        return error
    return ProviderError(
        FailureKind.TRANSIENT,
        reason=error.reason,
        code=error.code,
        text=error.text,
        retry_after_seconds=error.retry_after_seconds,
    )


def _file(response: HttpResponse) -> File:
    status = response.status
    if not 200 <= status < 300:
        passing = status in _PASSING or status >= 500
        kind = FailureKind.TRANSIENT if passing else FailureKind.PERMANENT
        raise _unreachable(kind, f"http_{status}", None)
    mime_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return File(response.body, mime_type)


def _target(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise _unreachable(FailureKind.PERMANENT, "redirections", None) from error


def _unreachable(kind: FailureKind, code: str | None, text: str | None) -> ProviderError:
    return ProviderError(kind, reason="media_unreachable", code=code, text=text)
