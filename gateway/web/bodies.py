"""Reads the body of a request, of bounded size, also when it is compressed.

aiohttp would inflate it by itself, but tells a broken body from a broken connection only by logging both, and
takes one that was cut short for whole; so the servers here switch that off (gateway/web/app.py).
"""

from __future__ import annotations

import zlib

from aiohttp import web

from gateway.errors import CallbackRefused

_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32


async def read_body(request: web.Request) -> bytes:
    """The whole body in the clear.

    Raises HTTPRequestEntityTooLarge when it is larger than the application's `client_max_size`, compressed or
    not; CallbackRefused when it cannot be inflated (400), or is compressed in another way than gzip or
    deflate (415).
    """
    body = await request.read()
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in ("identity", ""):
        return body
    if encoding not in ("gzip", "deflate"):
        raise CallbackRefused("the body is compressed in a way that is not taken", status=415)
    return _inflated(body, request.client_max_size)


def _inflated(body: bytes, most: int) -> bytes:
    inflater = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        plain = inflater.decompress(body, most + 1)
    except zlib.error as error:
        raise CallbackRefused("the body is not compressed as it says", status=400) from error
    if len(plain) > most:
        raise web.HTTPRequestEntityTooLarge(most)
    if not inflater.eof or inflater.unused_data:
        raise CallbackRefused("the body is not compressed as it says", status=400)
    return plain
