"""What MQTT brokers are told when they ask the web daemon who may do what."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import orjson
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from structlog.testing import capture_logs

from gateway.model.application import Application
from gateway.model.base import now
from gateway.rtm.account import RtmAccount
from gateway.rtm.names import Device
from gateway.rtm.tokens import issue
from gateway.telemetry.metrics import Metrics
from gateway.web.app import HttpServer
from gateway.web.broker_hook import BrokerHook

SECRET = "what the broker proves itself with"
PASSWORD = "the-password-of-the-gateway"
ACCOUNT = RtmAccount.model_validate(
    {
        "account": "app",
        "url": "mqtt://broker",
        "credentials": {"username": "imgw", "password": PASSWORD},
        "callback": {"secret": SECRET},
    }
)
SHOP = Application(app_id="shop", secrets=(SecretStr("a-secret-of-the-shop-" + "s" * 32),))
ALICE, BOB = Device("shop", "alice@x", "phone"), Device("shop", "bob", "phone")
DENY = {"result": "deny", "is_superuser": False, "ok": False, "error": "not allowed"}
ALLOW = {"result": "allow", "is_superuser": False, "ok": True, "error": ""}
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


@dataclass
class Site:
    """A web daemon's server with the hook, and who is configured there."""

    client: aiohttp.ClientSession
    metrics: Metrics
    accounts: dict[str, RtmAccount]
    applications: dict[str, Application]
    base: str = ""

    async def raw(
        self, path: str, body: bytes, *, content_type: str = JSON, **headers: str
    ) -> tuple[int, bytes]:
        headers = {"Content-Type": content_type, "Authorization": f"Bearer {SECRET}"} | headers
        async with self.client.post(f"{self.base}{path}", data=body, headers=headers) as response:
            return response.status, await response.read()

    async def ask(self, question: str, **fields: object) -> Any:
        status, body = await self.raw(f"/rtm/app/{question}", orjson.dumps(fields))
        assert status == 200
        return orjson.loads(body)

    def counted(self) -> dict[tuple[str, ...], float]:
        samples = next(iter(self.metrics.rtm_questions.collect())).samples
        return {tuple(it.labels.values()): it.value for it in samples if it.name.endswith("_total")}


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    metrics = Metrics(CollectorRegistry())
    async with aiohttp.ClientSession() as client:
        site = Site(client, metrics, {"app": ACCOUNT}, {"shop": SHOP})
        app = web.Application()
        BrokerHook(site.accounts.get, site.applications.get, metrics).register(app)
        server = HttpServer(app, "127.0.0.1", 0, setting="PORT")
        site.base = f"http://127.0.0.1:{await server.start()}"
        yield site
        await server.stop()


def alices(**changed: object) -> dict[str, object]:
    """What a broker tells of a client that has a token of Alice's phone, changed."""
    token = issue(SHOP, ALICE, 3_600, now()).value
    return {"username": ALICE.login, "clientid": ALICE.login, "password": token, **changed}


async def test_a_device_is_let_in_with_its_token_its_topics_and_the_end_of_both(site: Site) -> None:
    token = issue(SHOP, ALICE, 3_600, now())
    told = await site.ask("authenticate", **alices(password=token.value))
    assert told == {
        **ALLOW,
        "expire_at": int(token.expires_at.timestamp()),
        "acl": [
            *({"permission": "allow", "action": "publish", "topic": topic} for topic in ALICE.publications),
            *(
                {"permission": "allow", "action": "subscribe", "topic": topic}
                for topic in ALICE.subscriptions
            ),
            {"permission": "deny", "action": "all", "topic": "#"},
        ],
    }
    assert site.counted() == {("app", "authenticate", "allow"): 1}


@pytest.mark.parametrize(
    "changed",
    [
        {"clientid": BOB.login},
        {"clientid": ""},
        {"clientid": None},
        {"username": BOB.login},
        {"username": BOB.login, "clientid": BOB.login},
        {"username": ALICE.login.replace("shop", "other"), "clientid": ALICE.login.replace("shop", "other")},
        {"username": "alice@x", "clientid": "alice@x"},
        {"username": ALICE.login + "\n", "clientid": ALICE.login + "\n"},
        {"username": ["a"], "clientid": ["a"]},
        {"username": "imgw"},
        {"username": "imgw", "password": ""},
        {"username": "imgw", "password": PASSWORD[:-1]},
        {"username": f"imgw\0{PASSWORD}", "password": ""},
        {"password": ""},
        {"password": None},
        {"password": PASSWORD},
        {"password": {"$ne": ""}},
        {"password": issue(SHOP, BOB, 3_600, now()).value},
        {"password": issue(SHOP, ALICE, 60, now() - timedelta(hours=1)).value},
        {"password": issue(SHOP, ALICE, 60, now()).value[:-1]},
        {"password": "é" * 100},
    ],
)
async def test_nobody_else_is_let_in(site: Site, changed: dict[str, object]) -> None:
    assert await site.ask("authenticate", **alices(**changed)) == DENY


@pytest.mark.parametrize(
    "shop",
    [
        None,
        SHOP.model_copy(update={"enabled": False}),
        SHOP.model_copy(update={"accounts": ("other",)}),
        SHOP.model_copy(update={"secrets": ()}),
        SHOP.model_copy(update={"secrets": (SecretStr("another-" + "o" * 32),)}),
    ],
)
async def test_what_an_application_no_longer_may_its_devices_may_not_either(
    site: Site, shop: Application | None
) -> None:
    site.applications.clear()
    if shop is not None:
        site.applications["shop"] = shop
    assert await site.ask("authenticate", **alices()) == DENY


async def test_the_gateway_itself_is_let_in_whatever_its_client_id(site: Site) -> None:
    told = await site.ask("authenticate", username="imgw", password=PASSWORD, clientid="imgw-rtm-app-0")
    assert told == {**ALLOW, "is_superuser": True}


async def test_where_the_gateway_has_no_login_nobody_gets_in_as_the_gateway(site: Site) -> None:
    site.accounts["app"] = ACCOUNT.model_copy(update={"credentials": None})
    assert await site.ask("authenticate", username="", password="", clientid="") == DENY
    assert await site.ask("authorize", clientid="", topic=ALICE.down, action="subscribe") == DENY


@pytest.mark.parametrize(
    ("action", "topics"),
    [
        ({"action": "publish"}, ALICE.publications),
        ({"acc": 2}, ALICE.publications),
        ({"acc": "2"}, ALICE.publications),
        ({"action": "subscribe"}, ALICE.subscriptions),
        ({"acc": 1}, ALICE.subscriptions),
        ({"acc": 4}, ALICE.subscriptions),
        ({"action": "all"}, ()),
        ({"acc": 3}, ()),
        ({"action": ""}, ()),
        ({}, ()),
    ],
)
async def test_a_device_may_do_on_its_own_topics_what_is_meant_and_nothing_elsewhere(
    site: Site, action: dict[str, object], topics: tuple[str, ...]
) -> None:
    every = (
        *ALICE.publications,
        *ALICE.subscriptions,
        *BOB.publications,
        *BOB.subscriptions,
        *("#", "+/#", "imgw/v1/#", "imgw/v1/shop/u/alice%40x/#", f"$share/a/{ALICE.down}", "$SYS/#", ""),
    )
    who = {"username": ALICE.login, "clientid": ALICE.login}
    allowed = [topic for topic in every if await site.ask("authorize", **who, topic=topic, **action) == ALLOW]
    assert allowed == list(topics)


@pytest.mark.parametrize(
    "who",
    [
        {"username": ALICE.login, "clientid": BOB.login},
        {"username": ALICE.login},
        {"clientid": ALICE.login},
        {"username": BOB.login, "clientid": BOB.login},
        {"username": "shop:alice@x:phone", "clientid": "shop:alice@x:phone"},
    ],
)
async def test_under_another_s_name_a_device_s_topics_are_closed(site: Site, who: dict[str, str]) -> None:
    assert await site.ask("authorize", **who, topic=ALICE.down, action="subscribe") == DENY


async def test_devices_of_an_application_that_is_switched_off_may_nothing(site: Site) -> None:
    who = {"username": ALICE.login, "clientid": ALICE.login}
    assert await site.ask("authorize", **who, topic=ALICE.down, action="subscribe") == ALLOW
    site.applications["shop"] = SHOP.model_copy(update={"enabled": False})
    assert await site.ask("authorize", **who, topic=ALICE.down, action="subscribe") == DENY


async def test_the_gateway_may_all_of_the_channel_and_nothing_else(site: Site) -> None:
    topics = ("imgw/v1/#", "$share/imgw/imgw/v1/+/u/+/d/+/up", ALICE.down, "#", "$share/imgw/#", "$SYS/#")
    who = {"username": "imgw", "clientid": "imgw-rtm-app-0", "action": "subscribe"}
    allowed = [topic for topic in topics if await site.ask("authorize", **who, topic=topic) == ALLOW]
    assert allowed == list(topics[:3])


async def test_a_form_and_a_secret_in_the_url_will_do(site: Site) -> None:
    """As mosquitto-go-auth may ask, which sends no headers of one's own."""
    form = urlencode(alices()).encode()
    path = f"/rtm/app/authenticate?secret={quote(SECRET)}"
    status, body = await site.raw(path, form, content_type=FORM, Authorization="")
    assert (status, orjson.loads(body)["ok"]) == (200, True)
    status, body = await site.raw(
        "/rtm/app/authenticate", gzip.compress(orjson.dumps(alices())), **{"Content-Encoding": "gzip"}
    )
    assert (status, orjson.loads(body)["ok"]) == (200, True)


@pytest.mark.parametrize("question", ["authenticate", "authorize"])
@pytest.mark.parametrize("form", [True, False])
async def test_who_has_the_secret_in_the_url_is_denied_by_the_status_too(
    site: Site, question: str, form: bool
) -> None:
    """mosquitto-go-auth takes every 2xx for a yes, unless its response mode is set."""
    asked = alices(password="x") | {"topic": BOB.down, "acc": "4"}
    for body, content_type in (
        (urlencode(asked).encode() if form else orjson.dumps(asked), FORM if form else JSON),
        (b"\xff", FORM if form else JSON),
    ):
        status, told = await site.raw(
            f"/rtm/app/{question}?secret={quote(SECRET)}", body, content_type=content_type, Authorization=""
        )
        assert (status, orjson.loads(told)) == (403, DENY)


@pytest.mark.parametrize("question", ["authenticate", "authorize"])
@pytest.mark.parametrize(
    "authorization", ["", "Bearer", f"Bearer {SECRET[:-1]}", f"Basic {SECRET}", f"Bearer {PASSWORD}", "\xff"]
)
async def test_who_is_not_the_broker_is_told_nothing(site: Site, question: str, authorization: str) -> None:
    with capture_logs() as logs:
        status, body = await site.raw(
            f"/rtm/app/{question}?secret=x", orjson.dumps(alices()), Authorization=authorization
        )
    assert (status, body) == (403, b"the secret of the account's callback section is needed")
    assert site.counted() == {("app", question, "refused"): 1}
    assert logs == [
        {"event": "broker_hook.refused", "account": "app", "question": question, "log_level": "warning"}
    ]


async def test_without_a_secret_there_is_no_hook(site: Site) -> None:
    site.accounts["app"] = ACCOUNT.model_copy(update={"callback": None})
    for path in ("/rtm/app/authenticate", "/rtm/other/authenticate", "/rtm/other/authorize"):
        assert await site.raw(path, b"{}") == (404, b"there is no such account")
    assert site.counted() == {}


@pytest.mark.parametrize("question", ["authenticate", "authorize"])
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", JSON),
        (b"{", JSON),
        (b"[]", JSON),
        (b"null", JSON),
        (b"\xff", JSON),
        (b"[" * 50_000, JSON),
        (orjson.dumps({"username": "u" * 70_000}), JSON),
        (b"{}", "text/plain"),
        (b"\xff=1", FORM),
        (b"&".join([b"a=1"] * 100), FORM),
    ],
)
async def test_what_cannot_be_read_is_denied_with_a_status_that_brokers_heed(
    site: Site, question: str, body: bytes, content_type: str
) -> None:
    status, told = await site.raw(f"/rtm/app/{question}", body, content_type=content_type)
    assert (status, orjson.loads(told)) == (200, DENY)
    assert site.counted() == {("app", question, "unreadable"): 1}


async def test_nothing_that_is_secret_is_logged(site: Site) -> None:
    with capture_logs() as logs:
        await site.ask("authenticate", **alices())
        await site.ask("authenticate", **alices(password="x"))
        await site.ask("authorize", **alices(), topic="#", action="subscribe")
    assert logs == []
