"""An answer that is read as it comes, and where a redirection may lead."""

from __future__ import annotations

from dataclasses import replace

import aiohttp
from yarl import URL

from gateway.transports.http_failures import failure
from gateway.transports.port import HttpRequest

_REDIRECTIONS = frozenset({301, 302, 303, 307, 308})


class HttpStream:
    """An answer whose body has not been read yet. Header names are lower case.

    Of a body that was compressed on the way, `headers` say neither how nor how long it is: what `read` gives
    is in the clear.
    """

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.headers.items()}
        if self.headers.pop("content-encoding", "identity") != "identity":
            self.headers.pop("content-length", None)

    async def read(self) -> bytes:
        """The next part of the body; empty at its end. Raises ProviderError UNCERTAIN when it breaks off."""
        try:
            return await self._response.content.readany()
        except (aiohttp.ClientError, OSError, RuntimeError) as error:
            raise failure(error, written=True) from error


def redirected(request: HttpRequest, response: aiohttp.ClientResponse) -> HttpRequest | None:
    """The request that a redirection asks for; None where there is none that is followed.

    Only what is read is asked for elsewhere. The headers, which hold the credentials, stay within their
    origin; and from HTTPS nothing leads to HTTP.
    """
    if request.method != "GET" or response.status not in _REDIRECTIONS:
        return None
    try:
        here = URL(request.url)
        there = here.join(URL(response.headers["Location"]))
    except (KeyError, ValueError):
        return None
    if there.scheme not in ("https", here.scheme) or not there.host:
        return None
    if there.origin() == here.origin():
        return replace(request, url=str(there))
    return replace(request, url=str(there.with_user(None)), headers={})
