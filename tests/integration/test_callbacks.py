"""The callback route on a real server: what providers send reaches the queues untouched, or is refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from gateway.broker.port import Publication
from gateway.errors import BrokerUnavailable, Unroutable
from tests.integration.callback_site import ITEMS, Site, body, open_site
from tests.waiting import eventually


@pytest.fixture
async def site(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    async with open_site(getattr(request, "param", None)) as opened:
        yield opened


async def test_each_item_is_put_on_its_queue_untouched_with_whose_it_is(site: Site) -> None:
    assert await site.call(body(), traceparent="00-1", tracestate="a=b", x_other="o") == (202, '{"ok":1}')
    published = site.broker.published
    ids = [publication.message_id for publication in published]
    times = {str(publication.headers["x-received-at"]) for publication in published}
    [at] = [datetime.fromisoformat(each) for each in times]
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)
    assert (len(set(ids)), None in ids) == (3, False)
    assert published == [
        Publication(
            "",
            queue,
            json.dumps(ITEMS[kind]).encode(),
            "imgw.callback.v1",
            message_id,
            {
                "traceparent": "00-1",
                "tracestate": "a=b",
                "x-account": "acme",
                "x-kind": kind,
                "x-received-at": times.copy().pop(),
            },
        )
        for (kind, queue), message_id in zip(
            {"dr": "imgw.dr.in", "mo": "imgw.mo.in", "event": "imgw.mo.in"}.items(), ids, strict=True
        )
    ]
    assert (site.counted("accepted"), site.items()) == (1, 3)


async def test_the_answer_is_the_providers_own_and_comes_after_the_confirms(site: Site) -> None:
    site.broker.confirms.clear()
    answer = asyncio.create_task(site.call(body()))

    async def split() -> bool:
        return bool(site.handler.seen)

    await eventually(split)
    await asyncio.sleep(0)
    assert not answer.done()
    site.broker.confirms.set()
    assert await answer == (202, '{"ok":1}')
    url = f"http://127.0.0.1:{site.port}/callbacks/acme"
    async with site.http.post(url, data=b"{}", headers={"x-signature": "good"}) as response:
        assert (response.headers["X-Acme"], response.content_type) == ("taken", "application/json")


async def test_a_callback_without_items_is_answered_too(site: Site) -> None:
    assert await site.call(b"{}") == (202, '{"ok":1}')
    assert site.broker.published == []


async def test_a_handler_sees_the_request_as_it_came(site: Site) -> None:
    odd = b'{"mo": "\xf0\x9f\x8d\xb5" }\n'
    await site.call(odd, path="/callbacks/acme?a=1&b=x%20y", X_Mixed_Case="Kept")
    [seen] = site.handler.seen
    assert (seen.method, seen.body, dict(seen.query)) == ("POST", odd, {"a": "1", "b": "x y"})
    assert seen.headers["x-mixed-case"] == "Kept"
    assert seen.url == f"http://127.0.0.1:{site.port}/callbacks/acme?a=1&b=x%20y"


@pytest.mark.parametrize("site", ["https://im.example.com", "https://im.example.com/"], indirect=True)
async def test_behind_a_proxy_the_url_is_the_public_one_letter_for_letter(site: Site) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(
        b"POST /callbacks/acme?a=%7Eb+c%2fd HTTP/1.1\r\nHost: inside:8080\r\nContent-Length: 2\r\n\r\n{}"
    )
    assert (await reader.readline()).split()[1] == b"403"
    writer.close()
    await writer.wait_closed()
    assert site.handler.seen[0].url == "https://im.example.com/callbacks/acme?a=%7Eb+c%2fd"


async def test_a_challenge_is_answered_and_nothing_is_queued(site: Site) -> None:
    answer = await site.call(method="GET", path="/callbacks/acme?challenge=1158201444")
    assert answer == (200, "1158201444")
    assert site.broker.published == []


async def test_a_receipt_may_come_in_the_query_of_a_get(site: Site) -> None:
    assert await site.call(method="GET", path="/callbacks/acme?receipt=7%3Dok") == (200, "")
    [published] = site.broker.published
    assert (published.routing_key, published.body, published.headers["x-kind"]) == (
        "imgw.dr.in",
        b"7=ok",
        "dr",
    )
    assert (site.counted("accepted"), site.items()) == (1, 1)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_is_forged_is_refused(site: Site, method: str) -> None:
    answer = await site.call(body(), method=method, path="/callbacks/acme?challenge=1", x_signature="bad")
    assert answer == (403, "the signature is not ours")
    assert (site.broker.published, site.counted("refused")) == ([], 1)


async def test_what_is_not_readable_is_refused(site: Site) -> None:
    assert await site.call(b"<xml/>") == (400, "the body is not JSON")
    assert (site.broker.published, site.counted("unreadable")) == ([], 1)


async def test_an_account_that_there_is_not_is_not_found(site: Site) -> None:
    assert await site.call(body(), path="/callbacks/other") == (404, "there is no such account")
    assert site.counted("unknown_account", "unknown") == 1
    assert (await site.call(body(), path="/callbacks/"))[0] == 404
    assert (await site.call(body(), path="/callbacks/other/message"))[0] == 404


async def test_a_word_that_the_provider_puts_behind_the_url_changes_nothing(site: Site) -> None:
    assert await site.call(body(), path="/callbacks/acme/message") == await site.call(body())
    bodies = [publication.body for publication in site.broker.published]
    assert bodies[: len(bodies) // 2] * 2 == bodies


async def test_a_browser_may_post_from_the_page_that_it_shows(site: Site) -> None:
    url, page = f"http://127.0.0.1:{site.port}/callbacks/acme", {"Origin": "https://shop.example"}
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    async with site.http.options(url, headers=page | asked) as response:
        allowed = {name: value for name, value in response.headers.items() if name.startswith("Access-")}
        assert (response.status, allowed) == (
            204,
            {
                "Access-Control-Allow-Origin": "*",
                "Access-Control-Allow-Methods": "POST",
                "Access-Control-Allow-Headers": "authorization, content-type",
                "Access-Control-Max-Age": "86400",
            },
        )
    for signature, status in (("good", 202), ("bad", 403)):
        async with site.http.post(url, data=body(), headers=page | {"x-signature": signature}) as response:
            assert (response.status, response.headers["Access-Control-Allow-Origin"]) == (status, "*")


async def test_other_methods_are_not_taken(site: Site) -> None:
    assert (await site.call(body(), method="PUT"))[0] == 405


@pytest.mark.parametrize(
    "trouble", [BrokerUnavailable("not connected"), Unroutable("no queue is bound for it")]
)
async def test_what_cannot_be_queued_is_asked_for_again_later(site: Site, trouble: Exception) -> None:
    def refuse(publication: Publication) -> None:
        if publication.routing_key == "imgw.mo.in":
            raise trouble

    site.broker.refuse = refuse
    url = f"http://127.0.0.1:{site.port}/callbacks/acme"
    async with site.http.post(url, data=body(), headers={"x-signature": "good"}) as response:
        assert (response.status, response.headers["Retry-After"]) == (503, "5")
        assert "queue" not in await response.text()
    assert (site.counted("unavailable"), site.items()) == (1, 0)
    site.broker.refuse = lambda _: None
    assert (await site.call(body()))[0] == 202


@pytest.mark.parametrize("given", ["\xff\xfe", "x" * 600, ""])
async def test_a_trace_that_is_none_is_left_out(site: Site, given: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    content = body({"mo": 1})
    head = (
        f"POST /callbacks/acme HTTP/1.1\r\nHost: h\r\nx-signature: good\r\nContent-Length: {len(content)}\r\n"
    )
    writer.write(head.encode() + b"traceparent: " + given.encode("latin-1") + b"\r\n\r\n" + content)
    assert (await reader.readline()).split()[1] == b"202"
    writer.close()
    await writer.wait_closed()
    assert site.broker.published[0].headers.keys() == {"x-account", "x-kind", "x-received-at"}


async def test_a_client_that_leaves_in_the_middle_harms_nothing(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    head = b"POST /callbacks/acme HTTP/1.1\r\nHost: h\r\nx-signature: good\r\nContent-Length: 9000\r\n\r\n"
    for sent in (head[:30], head, head + b'{"mo": '):
        _, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(sent)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def noticed() -> bool:
        return site.counted("unreadable") == 2  # of the first one there was not enough to be a request

    await eventually(noticed)
    assert (await site.call(body()))[0] == 202
    assert (len(site.handler.seen), len(site.broker.published)) == (1, 3)
    assert caplog.records == []


async def test_a_client_that_leaves_before_its_answer_has_its_items_queued_all_the_same(site: Site) -> None:
    site.broker.confirms.clear()
    _, writer = await asyncio.open_connection("127.0.0.1", site.port)
    content = body()
    head = f"POST /callbacks/acme HTTP/1.1\r\nHost: h\r\nx-signature: good\r\nContent-Length: {len(content)}"
    writer.write(head.encode() + b"\r\n\r\n" + content)

    async def taken() -> bool:
        return bool(site.handler.seen)

    await eventually(taken)
    writer.close()
    await writer.wait_closed()
    site.broker.confirms.set()

    async def queued() -> bool:
        return len(site.broker.published) == 3

    await eventually(queued)
