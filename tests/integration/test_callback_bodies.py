"""Bodies of callbacks: of bounded size, also when they are compressed or of unknown length."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.integration.callback_site import CAP_BYTES, Site, body, open_site
from tests.waiting import eventually


@pytest.fixture
async def site(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    async with open_site(getattr(request, "param", None)) as opened:
        yield opened


async def test_a_body_may_be_as_large_as_it_may_and_no_larger(site: Site) -> None:
    fitting = body({"mo": "x" * (CAP_BYTES - 10)})
    assert len(fitting) == CAP_BYTES
    assert (await site.call(fitting))[0] == 202
    assert await site.call(fitting + b" ") == (413, "the body is too large")
    assert (len(site.broker.published), site.counted("too_large")) == (1, 1)


async def test_a_body_of_unknown_length_is_bounded_too(site: Site) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1_000):
            yield b" " * 8_192

    try:
        status, _ = await site.call(endless())
    except aiohttp.ClientError:  # cut off while it was still sending
        status = 413
    assert (status, site.broker.published) == (413, [])

    async def eventually_counted() -> bool:
        return site.counted("too_large") == 1

    await eventually(eventually_counted)
    assert (await site.call(body()))[0] == 202


@pytest.mark.parametrize(
    ("encoding", "compressed"),
    [("gzip", gzip.compress(body())), ("GZIP", gzip.compress(body())), ("deflate", zlib.compress(body()))],
)
async def test_a_compressed_body_is_inflated(site: Site, encoding: str, compressed: bytes) -> None:
    assert (await site.call(compressed, Content_Encoding=encoding))[0] == 202
    assert (site.handler.seen[0].body, len(site.broker.published)) == (body(), 3)


@pytest.mark.parametrize(
    ("encoding", "content", "status"),
    [
        ("gzip", b"not compressed at all", 400),
        ("deflate", b"not compressed at all", 400),
        ("gzip", gzip.compress(body())[:-9], 400),
        ("gzip", gzip.compress(body()) + b"more", 400),
        ("gzip", b"", 400),
        ("br", body(), 415),
        ("gzip, gzip", gzip.compress(gzip.compress(body())), 415),
    ],
)
async def test_a_body_that_is_not_compressed_as_it_says_is_refused(
    site: Site, encoding: str, content: bytes, status: int
) -> None:
    assert (await site.call(content, Content_Encoding=encoding))[0] == status
    assert (site.broker.published, site.counted("unreadable")) == ([], 1)
    assert (await site.call(body()))[0] == 202


async def test_a_body_that_inflates_without_end_takes_no_memory(site: Site) -> None:
    bomb = zlib.compress(bytes(60_000_000), 9)
    assert len(bomb) < CAP_BYTES
    await site.call(body())
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        assert await site.call(bomb, Content_Encoding="deflate") == (413, "the body is too large")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < 20 * CAP_BYTES
    assert len(site.broker.published) == 3
