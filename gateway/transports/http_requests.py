"""What of a request HTTP can carry. Everything here raises ValueError for what it cannot."""

from __future__ import annotations

import re
from collections.abc import Mapping

from yarl import URL

from gateway import __version__
from gateway.transports.port import HttpRequest

USER_AGENT = f"im-gateway/{__version__}"

_URL = re.compile(r"https?://[a-z0-9.:\[\]-]+([/?][A-Za-z0-9._~:/?@!$&'()*+,;=%-]*)?")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NOT_IN_HEADERS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")


def url_of(request: HttpRequest) -> URL:
    # As it is, where it is one already: decoding and encoding it again may make another one of it, and some
    # providers' URLs are opaque.
    url = URL(request.url, encoded=_URL.fullmatch(request.url) is not None)
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError("not an HTTP URL")
    return url


def headers_of(request: HttpRequest) -> Mapping[str, str]:
    for name, value in request.headers.items():
        if not _HEADER_NAME.fullmatch(name) or _NOT_IN_HEADERS.search(value):
            raise ValueError("not a header that HTTP can carry")
    return request.headers
