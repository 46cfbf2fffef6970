"""Media over HTTP, from a provider's server through the gateway's to a caller with a key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import orjson
import pytest

import gateway.web.media
from gateway.errors import FailureKind, ProviderError, StoreUnavailable
from gateway.ports import free_port
from gateway.transports.port import HttpRequest
from tests.integration.media_site import KEY, MOST_BYTES, OTHER_KEY, TOKEN, Site, open_site, provider, wanted
from tests.integration.scripted_server import HANG, http
from tests.waiting import eventually


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with open_site() as opened:
        yield opened


async def test_media_are_passed_on_with_their_type_and_length_and_cannot_do_harm(site: Site) -> None:
    async with provider(http(b"\xff\xd8jpeg", "Content-Type: image/jpeg", "Set-Cookie: a=b")) as server:
        site.handler.answer = wanted(server)
        status, headers, body = await site.get("acme:a/b?c=%2F&d#é:7")
        assert (status, body) == (200, b"\xff\xd8jpeg")
        assert {name: value for name, value in headers.items() if name not in ("Date", "Server")} == {
            "Content-Type": "image/jpeg",
            "Content-Length": "6",
            "Content-Disposition": "attachment",
            "X-Content-Type-Options": "nosniff",
        }
        assert site.handler.asked == ["a/b?c=%2F&d#é:7"]
        assert f"\r\nauthorization: Bearer {TOKEN}\r\n".encode() in server.requests[0]
        assert b"\r\nAccept-Encoding: identity\r\n" in server.requests[0]
    assert site.counted() == {("acme", "served"): 1}


async def test_media_of_unknown_length_and_type_are_passed_on_too(site: Site) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: what?\r\n\r\n"
    async with provider(chunked + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n") as server:
        site.handler.answer = wanted(server)
        status, headers, body = await site.get()
    assert (status, headers["Content-Type"], body) == (200, "application/octet-stream", b"abcde")


async def test_media_that_are_kept_enciphered_are_opened_on_the_way(site: Site) -> None:
    def opened(part: bytes) -> bytes:
        return bytes(letter ^ 1 for letter in part)

    async with provider(http(opened(b"a picture"))) as server:
        site.handler.answer = replace(wanted(server), opened=opened)
        status, headers, body = await site.get()
    assert (status, headers["Content-Length"], body) == (200, "9", b"a picture")


async def test_media_that_need_nothing_of_ours_are_fetched_by_their_url(site: Site) -> None:
    async with provider(http(b"open")) as server:
        url = server.url("/a%20b?x=1&y=%26")
        assert (await site.get(f"acme:{url}"))[2] == b"open"
        assert server.requests[0].startswith(b"GET /a%20b?x=1&y=%26 HTTP/1.1\r\n")
        assert b"uthorization" not in server.requests[0]


@pytest.mark.parametrize("key", ["", KEY, f"Basic {KEY}", "Bearer ", f"Bearer {KEY}k", "Bearer k\xff"])
@pytest.mark.parametrize("path", [None, "/v1/media/x:7", "/v1/other"])
async def test_without_a_key_nothing_is_told(site: Site, key: str, path: str | None) -> None:
    expected = {"title": "Unauthorized", "status": 401, "detail": "a key of the API is needed"}
    assert await site.problem(key=key, path=path) == expected
    assert (await site.get(key=key))[1]["WWW-Authenticate"] == "Bearer"
    assert (site.handler.asked, site.counted()) == ([], {})


@pytest.mark.parametrize("key", [f"Bearer {KEY}", f"bearer  {KEY}", f"Bearer {OTHER_KEY}"])
async def test_any_of_the_keys_will_do(site: Site, key: str) -> None:
    async with provider(http(b"x")) as server:
        site.handler.answer = wanted(server)
        assert (await site.get(key=key))[2] == b"x"


@pytest.mark.parametrize("path", ["/v1/media/acme:7", "/v1", "/v1/", "/v1/other"])
async def test_without_keys_there_is_no_api(path: str) -> None:
    async with open_site(None) as site:
        assert (await site.get(path=path))[0] == 404
        assert site.handler.asked == []


async def test_what_there_is_not_is_not_found(site: Site) -> None:
    def nothing(detail: str) -> dict[str, Any]:
        return {"title": "Not Found", "status": 404, "detail": detail}

    assert await site.problem("other:7") == nothing("there is no such account")
    assert await site.problem("acme:7") == nothing("there are no such media")
    assert await site.problem("acme") == nothing("there are no such media")
    assert await site.problem("acme:ftp://files.example/x") == nothing("there are no such media")
    assert await site.problem(path="/v1/media/acme:a/b") == nothing("there is nothing here")
    assert await site.problem(path="/v1/media/") == nothing("there is nothing here")
    assert site.counted() == {("unknown", "not_found"): 1, ("acme", "not_found"): 3}
    assert await site.problem(method="POST") == {
        "title": "Method Not Allowed",
        "status": 405,
        "detail": "not with this method",
    }


@pytest.mark.parametrize("status", [404, 410])
async def test_media_that_the_provider_no_longer_has_are_not_found(site: Site, status: int) -> None:
    async with provider(http(TOKEN.encode(), status=f"{status} Gone")) as server:
        site.handler.answer = wanted(server)
        assert await site.problem() == {
            "title": "Not Found",
            "status": 404,
            "detail": "there are no such media",
            "reason": "provider_error",
            "code": f"http_{status}",
        }


async def test_media_that_a_handler_knows_not_to_be_there_are_not_found(site: Site) -> None:
    site.handler.answer = ProviderError(FailureKind.PERMANENT, reason="media_unreachable", text=TOKEN)
    assert await site.problem() == {
        "title": "Not Found",
        "status": 404,
        "detail": "there are no such media",
        "reason": "media_unreachable",
    }


@pytest.mark.parametrize(("header", "seconds"), [((), "5"), (("Retry-After: 9",), "9")])
async def test_media_that_are_still_being_prepared_are_asked_for_again_later(
    site: Site, header: tuple[str, ...], seconds: str
) -> None:
    async with provider(http(b"{}", *header, status="202 Accepted")) as server:
        site.handler.answer = wanted(server)
        status, headers, body = await site.get()
    assert (status, headers["Retry-After"], orjson.loads(body)["code"]) == (503, seconds, "http_202")


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (FailureKind.PERMANENT, 502),
        (FailureKind.AUTH, 502),
        (FailureKind.TRANSIENT, 503),
        (FailureKind.THROTTLED, 503),
        (FailureKind.UNCERTAIN, 504),
    ],
)
async def test_the_providers_failure_is_told_by_its_kind(site: Site, kind: FailureKind, status: int) -> None:
    site.handler.answer = ProviderError(
        kind, reason="rate_limited", code="88", text=TOKEN, retry_after_seconds=6.2
    )
    told = await site.problem()
    assert told == {
        "title": told["title"],
        "status": status,
        "detail": "the provider did not give the media",
        "reason": "rate_limited",
        "code": "88",
    }
    assert (await site.get())[1]["Retry-After"] == "7"
    assert site.counted() == {("acme", "failed"): 2}


async def test_without_the_store_media_are_asked_for_again_later(site: Site) -> None:
    site.handler.answer = StoreUnavailable(f"MongoDB: {TOKEN}")
    assert await site.problem() == {
        "title": "Service Unavailable",
        "status": 503,
        "detail": "try again later",
    }


async def test_a_provider_that_is_not_there_is_told(site: Site) -> None:
    site.handler.answer = HttpRequest("GET", f"http://127.0.0.1:{free_port()}/{TOKEN}")
    told = await site.problem()
    assert (told["status"], told["code"]) == (503, "connect")


async def test_a_provider_that_is_silent_is_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway.web.media, "_SILENCE_SECONDS", 0.2)
    async with provider(HANG) as server:
        site.handler.answer = wanted(server)
        told = await site.problem()
    assert (told["status"], told["code"]) == (504, "timeout")


async def test_media_reach_the_caller_as_they_come_and_a_caller_may_leave(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.web.media, "_SILENCE_SECONDS", 0.5)
    async with provider(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\nfirst", HANG) as server:
        site.handler.answer = wanted(server)
        url = f"http://127.0.0.1:{site.port}/v1/media/acme%3A7"
        async with site.http.get(url, headers={"Authorization": f"Bearer {KEY}"}) as response:
            assert await response.content.readexactly(5) == b"first"

        async def noticed() -> bool:
            return site.counted() == {("acme", "broken_off"): 1}

        await eventually(noticed)


async def test_nothing_within_the_own_network_can_be_fetched() -> None:
    async with open_site(guarded=True) as site, provider(http(b"inside")) as server:
        told = await site.problem(f"acme:{server.url()}")
        assert (told["status"], told["code"], server.connections) == (502, "address_refused", 0)


async def test_what_is_too_large_is_not_even_read(site: Site) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {MOST_BYTES + 1}\r\n\r\n".encode()
    async with provider(head) as server:
        site.handler.answer = wanted(server)
        assert await site.problem() == {
            "title": "Request Entity Too Large",
            "status": 413,
            "detail": "the media are larger than 100000 bytes",
        }
    assert site.counted() == {("acme", "too_large"): 1}


async def test_what_turns_out_too_large_is_broken_off_so_that_the_caller_notices(site: Site) -> None:
    part = b"%x\r\n%s\r\n" % (30_000, b"x" * 30_000)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with provider(head + 4 * part + b"0\r\n\r\n") as server:
        site.handler.answer = wanted(server)
        with pytest.raises(aiohttp.ClientError):
            await site.get()
    assert site.counted() == {("acme", "too_large"): 1}


async def test_media_as_large_as_allowed_are_passed_on(site: Site) -> None:
    async with provider(http(b"x" * MOST_BYTES)) as server:
        site.handler.answer = wanted(server)
        assert (await site.get())[2] == b"x" * MOST_BYTES


@pytest.mark.parametrize(
    "head", [b"Content-Length: 100\r\n\r\nhalf", b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"]
)
async def test_media_that_break_off_break_off_for_the_caller_too(
    site: Site, head: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with provider(b"HTTP/1.1 200 OK\r\n" + head, close_after=1) as server:
        site.handler.answer = wanted(server)
        with pytest.raises(aiohttp.ClientError):
            await site.get()
    assert site.counted() == {("acme", "broken_off"): 1}
    assert caplog.records == []


async def test_a_redirection_is_followed_and_another_host_gets_no_credentials(site: Site) -> None:
    async with provider(http(b"the file"), http(b"the file")) as cdn:
        elsewhere = http(b"", f"Location: {cdn.url('/cdn?sig=1')}", status="302 Found")
        within = http(b"", "Location: /moved", status="307 Temporary Redirect")
        async with provider(within, elsewhere) as server:
            site.handler.answer = wanted(server)
            assert (await site.get())[2] == b"the file"
            assert [request.split(b" ")[1] for request in server.requests] == [b"/file", b"/moved"]
            assert [TOKEN.encode() in request for request in server.requests] == [True, True]
        assert cdn.requests[0].startswith(b"GET /cdn?sig=1 HTTP/1.1\r\n")
        assert TOKEN.encode() not in cdn.requests[0]


@pytest.mark.parametrize("redirections", [3, 4])
async def test_three_redirections_are_followed_and_no_more(site: Site, redirections: int) -> None:
    moved = http(b"", "Location: /again", status="302 Found")
    async with provider(*[moved] * redirections, http(b"there")) as server:
        site.handler.answer = wanted(server)
        status, _, body = await site.get()
        assert len(server.requests) == 4
    if redirections == 3:
        assert (status, body) == (200, b"there")
    else:
        assert (status, orjson.loads(body)["code"]) == (502, "redirections")


@pytest.mark.parametrize(
    "location", ["", "Location: ftp://files.example/x", "Location: http://[", "Location: data:text/plain,x"]
)
async def test_a_redirection_to_nowhere_is_the_providers_failure(site: Site, location: str) -> None:
    async with provider(http(b"", *filter(None, [location]), status="302 Found")) as server:
        site.handler.answer = wanted(server)
        told = await site.problem()
        assert (told["status"], told["code"], len(server.requests)) == (504, "http_302", 1)


async def test_a_redirection_into_the_own_network_is_refused(site: Site) -> None:
    inside = http(b"", "Location: http://10.0.0.7/secret", status="302 Found")
    async with provider(inside) as server:
        site.handler.answer = wanted(server)
        told = await site.problem()
    assert (told["status"], told["code"]) == (502, "address_refused")
