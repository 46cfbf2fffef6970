"""A real server with /v1 over a real store, and a caller who holds every answer against the OpenAPI
document."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import aiohttp
import orjson
from aiohttp import web
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from yarl import URL

from gateway.rtm.account import RtmAccount
from gateway.rtm.names import Device
from gateway.rtm.tokens import ClientToken
from gateway.store.catalog import CatalogueStore
from gateway.store.connect import Database
from gateway.store.customers import Customers
from gateway.store.erasure import Erasure
from gateway.store.inbox import Inbox
from gateway.store.indexes import ensure_indexes
from gateway.store.secrets import SecretBox
from gateway.store.threads import Threads
from gateway.store.topics import Topics
from gateway.telemetry.metrics import Metrics
from gateway.web.api import api
from gateway.web.api.description import document
from gateway.web.api.rest import RestApi
from gateway.web.app import HttpServer
from handlers.registry import Registry
from processors.application_profiles import ApplicationProfiles
from processors.catalogue import CatalogueFollower

KEY = "k" * 22
SECRET = "s3cret-that-signs-the-tokens-of-clients"
MOST_BYTES = 2_000_000
RTM: dict[str, Any] = {"account": "rtm-1", "provider": "rtm", "url": "mqtt://broker.example"}
SHOP: dict[str, Any] = {"app_id": "shop", "secrets": [SecretStr(SECRET)]}


class Door:
    """Writes down who is let in and who is dismissed."""

    def __init__(self) -> None:
        self.admitted: list[tuple[str, Device, str]] = []
        self.dismissed: list[tuple[str, Device]] = []
        self.refusal: Exception | None = None

    async def admit(self, account: RtmAccount, device: Device, token: ClientToken) -> None:
        self._refuse()
        self.admitted.append((account.account, device, token.value))

    async def dismiss(self, account: RtmAccount, device: Device) -> None:
        self._refuse()
        self.dismissed.append((account.account, device))

    def _refuse(self) -> None:
        if self.refusal is not None:
            raise self.refusal


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass
class Site:
    """One process's server, and a caller with a key."""

    http: aiohttp.ClientSession
    database: Database
    store: CatalogueStore
    follower: CatalogueFollower
    customers: Customers
    threads: Threads
    topics: Topics
    door: Door
    port: int = 0
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    served: list[str] = field(default_factory=list)  # operations, by name

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        key: str | None = KEY,
        **headers: str,
    ) -> Answer:
        """An answer that is as the document says. `path` is that under /v1, percent-encoded."""
        given = {"Authorization": f"Bearer {key}"} if key else {}
        if body is not None or raw is not None:
            given["Content-Type"] = "application/json"
        content = BytesIO(orjson.dumps(body) if body is not None else raw or b"")
        url = URL(f"http://127.0.0.1:{self.port}/v1{path}", encoded=True)
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.http.request(method, url, data=content, headers=given) as response:
            text = await response.read()
            answer = Answer(response.status, response.headers, orjson.loads(text) if text else None)
        _fits(method, path, answer)
        return answer

    async def get(self, path: str) -> Any:
        """The body of a 200."""
        answer = await self.ask("GET", path)
        assert answer.status == 200, answer.body
        return answer.body

    async def refused(self, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, str]:
        """The status and the code of the problem that is the answer."""
        answer = await self.ask(method, path, body, **options)
        assert answer.headers["Content-Type"] == "application/problem+json", answer.body
        assert answer.body["status"] == answer.status
        return answer.status, answer.body["code"]

    def counted(self) -> dict[tuple[str, str], float]:
        """How often each outcome of each operation was."""
        [family] = [each for each in self.registry.collect() if each.name == "imgw_api_requests"]
        return {
            (sample.labels["operation"], sample.labels["outcome"]): sample.value
            for sample in family.samples
            if sample.name.endswith("_total")
        }


@asynccontextmanager
async def open_site(
    database: Database, *, keys: str | None = KEY, box: str | None = None
) -> AsyncIterator[Site]:
    """The site, where nothing is configured yet."""
    async with AsyncExitStack() as stack:
        await ensure_indexes(database)
        store = CatalogueStore(database, SecretBox(SecretStr(box or SecretBox.new_key())))
        registry = Registry.discover()
        follower = CatalogueFollower(store, registry, poll_seconds=3_600)
        await follower.start()
        stack.push_async_callback(follower.stop)
        site = Site(
            http=await stack.enter_async_context(aiohttp.ClientSession()),
            database=database,
            store=store,
            follower=follower,
            customers=Customers(database),
            threads=Threads(database),
            topics=Topics(database),
            door=Door(),
        )
        rest = RestApi(
            catalogue=store,
            configured=ApplicationProfiles(store, registry, follower),
            customers=site.customers,
            threads=site.threads,
            topics=site.topics,
            inbox=Inbox(database),
            erasure=Erasure(database),
            door=site.door,
        )
        v1, app = api(SecretStr(keys) if keys else None), web.Application(client_max_size=MOST_BYTES)
        rest.register(v1, Metrics(site.registry))
        site.served = [route.operation.id for route in rest.routes()]
        app.add_subapp("/v1", v1)
        server = HttpServer(app, "127.0.0.1", 0, setting="IMGW_WEB__PORT")
        site.port = await server.start()
        stack.push_async_callback(server.stop)
        yield site


async def configure(site: Site, *applications: Mapping[str, Any], accounts: Any = (RTM,)) -> None:
    """As `imgw apply --prune` does; without any application, the shop."""
    given = [dict(each) for each in applications] or [dict(SHOP)]
    await site.store.put(
        {each["app_id"]: each for each in given},
        {each["account"]: dict(each) for each in accounts},
        prune=True,
    )
    await site.follower.refresh()
    assert site.follower.trouble is None


def _fits(method: str, path: str, answer: Answer) -> None:
    """Where the path is one of the document's, the answer is to be one, too."""
    template = next((each for each in _DOCUMENT["paths"] if _pattern(each).fullmatch(_plain(path))), None)
    operation = _DOCUMENT["paths"].get(template, {}).get(method.lower())
    if operation is None or (answer.status == 404 and "code" not in answer.body):
        assert answer.status in (401, 404, 405)  # there is nothing here, or not with this method
        return
    described = operation["responses"].get(str(answer.status))
    assert described is not None, f"{method} {template} is not said to answer {answer.status}"
    content = described.get("content", {})
    if answer.body is None:
        assert not content
        return
    schema = content[answer.headers["Content-Type"].partition(";")[0]]["schema"]
    whole = {**schema, "components": _DOCUMENT["components"]}
    validator = OAS31Validator(whole, format_checker=oas31_format_checker)
    assert [error.message for error in validator.iter_errors(answer.body)] == []


def _closed(schema: Any) -> Any:
    """With nothing allowed that is not described, so that an answer has nothing that the document lacks."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(value) for name, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema:
        closed["additionalProperties"] = False
    return closed


def _plain(path: str) -> str:
    return "/v1" + path.partition("?")[0]


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)))


_DOCUMENT = _closed(document())
