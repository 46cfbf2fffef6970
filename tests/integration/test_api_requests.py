"""What all of /v1 does alike: keys, sizes, types, ids, and the document that says so."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest

from gateway.store.connect import Database
from gateway.store.secrets import SecretBox
from gateway.web.api.description import DESCRIBE, OPERATIONS, document
from gateway.web.api.operations import Nothing, Operation
from tests.integration.api_site import KEY, MOST_BYTES, SHOP, Site, configure, open_site
from tests.servers.mongod import MongoServer, impatient

pytestmark = pytest.mark.mongodb

APP = "/applications/shop"
IDS = {"app_id": "shop", "user_id": "ann", "device_id": "phone", "thread_id": "t-1", "topic": "news"}
ALIKE = [operation for operation in OPERATIONS if operation.alike]
BODIES: dict[str, Any] = {each.id: {} for each in ALIKE if each.body is not Nothing}
WITH_BODY = [operation for operation in ALIKE if operation.id in BODIES]


@pytest.fixture
async def site(database: Database) -> AsyncIterator[Site]:
    async with open_site(database) as site:
        await configure(site)
        yield site


def path_of(operation: Operation[Any, Any], **ids: str) -> str:
    return operation.path.format(**{name: quote(id, safe="") for name, id in {**IDS, **ids}.items()})


async def test_the_document_is_served_and_has_every_operation_that_is(site: Site) -> None:
    answer = await site.ask("GET", "/openapi.json")
    assert (answer.status, answer.body) == (200, document())
    assert sorted(site.served) == sorted(operation.id for operation in ALIKE)


@pytest.mark.parametrize("key", [None, "", "wrong", KEY[:-1], f"{KEY}k"])
async def test_without_a_key_nothing_is_to_be_had(site: Site, key: str | None) -> None:
    for operation in (*ALIKE, DESCRIBE):
        answer = await site.ask(operation.method, path_of(operation), key=key)
        assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer"), operation.id


async def test_where_no_key_is_set_there_is_nothing(database: Database) -> None:
    async with open_site(database, keys=None) as site:
        answer = await site.ask("GET", "/applications")
        assert (answer.status, answer.body["detail"]) == (404, "there is nothing here")


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"nope", b'{"a": NaN}', b'"\xff"', b"[" * 100_000, b'{"a":"\\ud800"}']
)
async def test_a_body_that_is_not_json_is_refused(site: Site, raw: bytes) -> None:
    for operation in WITH_BODY:
        answer = await site.refused(operation.method, path_of(operation), raw=raw)
        assert answer == (400, "invalid_payload"), operation.id


@pytest.mark.parametrize("raw", [b"null", b"[]", b"7", b'"text"', b'{"no_such_field": 1}'])
async def test_a_body_that_does_not_follow_the_schema_is_refused(site: Site, raw: bytes) -> None:
    for operation in WITH_BODY:
        answer = await site.refused(operation.method, path_of(operation), raw=raw)
        assert answer == (400, "invalid_payload"), operation.id


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""])
async def test_a_body_of_another_type_is_refused(site: Site, kind: str) -> None:
    for operation in WITH_BODY:
        answer = await site.refused(operation.method, path_of(operation), raw=b"{}", Content_Type=kind)
        assert answer == (415, "unsupported_media_type"), operation.id


async def test_a_body_that_is_too_large_is_refused(site: Site) -> None:
    large = b'"' + b"x" * MOST_BYTES + b'"'
    packed = zlib.compress(large)
    for operation in WITH_BODY:
        method, path = operation.method, path_of(operation)
        assert await site.refused(method, path, raw=large) == (413, "too_large")
        assert await site.refused(method, path, raw=packed, Content_Encoding="deflate") == (413, "too_large")


async def test_a_body_may_be_compressed(site: Site) -> None:
    path, raw = f"{APP}/topics", zlib.compress(b'{"topic": "news"}')
    answer = await site.ask("POST", path, raw=raw, Content_Encoding="deflate")
    assert answer.status == 201
    assert await site.refused("POST", path, raw=raw[:-2], Content_Encoding="gzip") == (400, "invalid_payload")
    answer2 = await site.refused("POST", path, raw=raw, Content_Encoding="br")
    assert answer2 == (415, "unsupported_media_type")


async def test_a_parameter_that_is_none_is_refused(site: Site) -> None:
    for operation in ALIKE:
        body = BODIES.get(operation.id)
        path = f"{path_of(operation)}?colour=red"
        assert await site.refused(operation.method, path, body) == (400, "invalid_payload"), operation.id


@pytest.mark.parametrize(
    "hostile",
    ["..", "%", "$where", "a b", "a/b", "a%2Fb", "a\x00b", "a\nb", "é", "#", "+", "{}", "x" * 300, "'", " "],
)
async def test_an_id_that_there_cannot_be_is_a_404(site: Site, hostile: str) -> None:
    for operation in ALIKE:
        body = BODIES.get(operation.id)
        for name in operation.path_ids:
            path = path_of(operation, **{name: hostile})
            answer = await site.ask(operation.method, path, body)
            assert (answer.status, answer.body["status"]) == (404, 404), (operation.id, name)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/application", 404),
        ("GET", "/applications/", 404),
        ("GET", "/applications/shop/secrets", 405),
        ("PUT", "/applications", 405),
        ("HEAD", "/applications", 405),
        ("GET", f"{APP}/customers/ann/devices", 404),
    ],
)
async def test_what_there_is_not_is_said(site: Site, method: str, path: str, status: int) -> None:
    answer = await site.ask(method, path)
    assert (answer.status, answer.headers["Content-Type"]) == (status, "application/problem+json")


async def test_every_request_is_counted_by_its_operation_and_outcome(site: Site) -> None:
    await site.ask("GET", "/applications")
    await site.ask("GET", APP)
    await site.ask("GET", "/applications/nowhere")
    await site.ask("POST", f"{APP}/topics", {"topic": "News"})
    assert site.counted() == {
        ("listApplications", "ok"): 1,
        ("getApplication", "ok"): 1,
        ("getApplication", "unknown_application"): 1,
        ("createTopic", "invalid_payload"): 1,
    }


async def test_a_fault_is_named_and_what_was_given_is_not(site: Site) -> None:
    secret = "s3cret-given-in-the-wrong-place"
    answer = await site.ask("POST", f"{APP}/tokens", {"user_id": f"{secret} x", "device_id": 7})
    assert (answer.status, secret in str(answer.body)) == (400, False)
    assert [error["field"] for error in answer.body["errors"]] == ["user_id", "device_id"]


async def test_of_very_many_faults_the_first_are_told(site: Site) -> None:
    people = {"add": ["a b"] * 1_000}
    await site.ask("POST", f"{APP}/topics", {"topic": "news"})
    answer = await site.ask("POST", f"{APP}/topics/news/subscribers", people)
    assert (answer.status, len(answer.body["errors"])) == (400, 20)


async def test_while_the_store_is_away_callers_are_told_to_come_again(
    mongod: MongoServer, database_name: str
) -> None:
    async with (
        impatient(mongod.url, database_name, "motor", 1.0) as database,
        open_site(database) as site,
    ):
        await configure(site)
        mongod.suspend()
        try:
            for path in ("/applications", APP, f"{APP}/customers", f"{APP}/threads", f"{APP}/topics/news"):
                answer = await site.ask("GET", path)
                assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        finally:
            mongod.resume()
        assert (await site.ask("GET", APP)).status == 200


async def test_a_key_that_does_not_open_the_store_shows_nothing(database: Database) -> None:
    async with open_site(database) as site:
        await configure(site, SHOP)
    async with open_site(database, box=SecretBox.new_key()) as site:
        assert await site.refused("GET", APP) == (503, "unavailable")
