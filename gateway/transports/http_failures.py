"""What an error of aiohttp means for the message that was being sent.

aiohttp's own words are left out everywhere: they hold the URL, and providers' URLs hold tokens.
"""

from __future__ import annotations

import aiohttp

from gateway.errors import ProviderError
from gateway.transports.failing import address_refused, garbled, lost, not_taken, request_invalid
from gateway.transports.ssrf import AddressRefused

# What aiohttp 3.14 says when a kept connection turns out to be closed before the first byte goes out, as
# happens when a server ends it after so many requests. Our bodies go out in one piece with their headers.
_CLOSED_BEFORE = ("Cannot write to closing transport",)


def failure(error: Exception, *, written: bool) -> ProviderError:
    """The error for a try that ended with `error`; `written` says whether any of it may have gone out."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return _not_connected(error)
    if _closed_before(error):
        return not_taken("connection_closed", "the connection had been closed before anything was sent")
    if written:
        return _lost(error)
    if isinstance(error, TimeoutError):
        return not_taken("connect_timeout", "no connection in time")
    if isinstance(error, ValueError | aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
        return request_invalid()
    return not_taken("connect", "no connection")


def _closed_before(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, aiohttp.ClientConnectionResetError) and error.args == _CLOSED_BEFORE:
            return True
        error = error.__cause__
    return False


def _not_connected(error: aiohttp.ClientConnectorError) -> ProviderError:
    if isinstance(error.os_error, AddressRefused):
        return address_refused(error.host)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return not_taken("dns", f"the name {error.host} is not known")
    if isinstance(error, aiohttp.ClientSSLError):
        return not_taken("tls", f"no TLS with {error.host}: {type(error.os_error).__name__}")
    return not_taken("connect", f"no connection to {error.host}")


def _lost(error: Exception) -> ProviderError:
    if isinstance(error, TimeoutError):
        return lost("timeout", "no answer in time")
    if isinstance(error, aiohttp.ClientPayloadError):
        return lost("cut_short", "the answer broke off")
    if isinstance(error, aiohttp.ClientResponseError):
        return garbled("unreadable", "the answer is not HTTP")
    return lost("disconnected", "the connection broke before the answer")
