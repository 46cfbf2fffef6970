"""/v1/applications/…/tokens: a device gets its token, its broker and its topics."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from gateway.model.base import now
from gateway.rtm.names import Device
from gateway.rtm.refusals import RtmRefused
from gateway.rtm.tokens import Admission, admission
from gateway.store.connect import Database
from tests.integration.api_site import RTM, SECRET, SHOP, Site, configure, open_site

pytestmark = pytest.mark.mongodb

TOKENS = "/applications/shop/tokens"
WANTED: dict[str, Any] = {"user_id": "ann", "device_id": "phone"}
PHONE = Device("shop", "ann", "phone")


@pytest.fixture
async def site(database: Database) -> AsyncIterator[Site]:
    async with open_site(database) as site:
        await configure(site)
        yield site


async def test_a_device_gets_what_it_connects_with(site: Site) -> None:
    before = now()
    answer = await site.ask("POST", TOKENS, {**WANTED, "platform": "ios", "app_version": "1.2"})
    token, expires_at = answer.body.pop("token"), datetime.fromisoformat(answer.body.pop("expires_at"))
    assert (answer.status, answer.body) == (
        201,
        {
            "broker": {
                "url": "mqtt://broker.example",
                "protocol": "5",
                "username": "shop:ann:phone",
                "client_id": "shop:ann:phone",
                "session_seconds": 86_400,
            },
            "topics": {
                "down": "imgw/v1/shop/u/ann/down",
                "device_down": "imgw/v1/shop/u/ann/d/phone/down",
                "sync": "imgw/v1/shop/u/ann/sync",
                "responses": "imgw/v1/shop/u/ann/d/phone/res",
                "up": "imgw/v1/shop/u/ann/d/phone/up",
                "receipts": "imgw/v1/shop/u/ann/d/phone/rcpt",
                "requests": "imgw/v1/shop/u/ann/d/phone/req",
                "presence": "imgw/v1/shop/u/ann/d/phone/presence",
            },
        },
    )
    assert timedelta(seconds=3_598) < expires_at - before < timedelta(seconds=3_660)
    shop = site.follower.current.applications["shop"]
    assert admission(token, shop, now()) == Admission(PHONE, expires_at)
    assert site.door.admitted == [("rtm-1", PHONE, token)]


async def test_the_person_and_the_device_are_known_from_then_on(site: Site) -> None:
    await site.ask("POST", TOKENS, {**WANTED, "platform": "ios", "app_version": "1.2"})
    [device] = (await site.get("/applications/shop/customers/ann"))["devices"]
    del device["last_seen_at"]
    assert device == {
        "device_id": "phone",
        "platform": "ios",
        "app_version": "1.2",
        "has_push_token": False,
        "online": False,
    }


async def test_it_is_told_where_the_broker_is_reached_from_outside(site: Site) -> None:
    parameters = {
        "public_url": "mqtts://mqtt.example.com:8884",
        "public_websocket_url": "wss://mqtt.example.com/mqtt",
        "protocol": "3.1.1",
    }
    await configure(site, accounts=[{**RTM, "parameters": parameters}])
    broker = (await site.ask("POST", TOKENS, WANTED)).body["broker"]
    assert (broker["url"], broker["websocket_url"], broker["protocol"]) == (
        "mqtts://mqtt.example.com:8884",
        "wss://mqtt.example.com/mqtt",
        "3.1.1",
    )


async def test_it_lasts_as_long_as_is_asked_for(site: Site) -> None:
    before = now()
    answer = await site.ask("POST", TOKENS, {**WANTED, "seconds": 86_400})
    expires_at = datetime.fromisoformat(answer.body["expires_at"])
    assert timedelta(seconds=86_398) < expires_at - before < timedelta(seconds=86_460)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"user_id": "ann/phone"}, "user_id"),
        ({"user_id": "+"}, "user_id"),
        ({"device_id": "#"}, "device_id"),
        ({"device_id": "x" * 65}, "device_id"),
        ({"seconds": 0}, "seconds"),
        ({"seconds": 86_401}, "seconds"),
        ({"platform": "toaster"}, "platform"),
        ({"app_version": ""}, "app_version"),
        ({"acl": "#"}, "acl"),
    ],
)
async def test_a_request_that_is_none_is_refused_with_its_field(
    site: Site, changes: dict[str, Any], field: str
) -> None:
    answer = await site.ask("POST", TOKENS, {**WANTED, **changes})
    assert (answer.status, answer.body["code"]) == (400, "invalid_payload")
    assert [error["field"] for error in answer.body["errors"]] == [field]
    assert site.door.admitted == []


async def test_an_application_needs_a_secret_and_to_be_enabled(site: Site) -> None:
    await configure(site, {"app_id": "shop", "secrets": []})
    assert await site.refused("POST", TOKENS, WANTED) == (409, "no_secret")
    await configure(site, {**SHOP, "enabled": False})
    assert await site.refused("POST", TOKENS, WANTED) == (404, "unknown_application")
    assert await site.refused("GET", "/applications/shop/customers/ann") == (404, "unknown_user")


SECOND = {**RTM, "account": "rtm-2", "url": "mqtt://second.example"}


@pytest.mark.parametrize(
    "accounts",
    [
        [],
        [{**RTM, "enabled": False}],
        [RTM, SECOND],
    ],
)
async def test_an_application_needs_one_account_of_the_in_app_channel(site: Site, accounts: Any) -> None:
    await configure(site, accounts=accounts)
    assert await site.refused("POST", TOKENS, WANTED) == (409, "no_account")


async def test_of_several_accounts_the_one_that_the_application_may_use_is_taken(site: Site) -> None:
    await configure(site, {**SHOP, "accounts": ["rtm-2"]}, accounts=[RTM, SECOND])
    assert (await site.ask("POST", TOKENS, WANTED)).status == 201
    assert [account for account, _, _ in site.door.admitted] == ["rtm-2"]


async def test_no_token_is_told_that_the_broker_does_not_take(site: Site) -> None:
    site.door.refusal = RtmRefused("unavailable")
    answer = await site.ask("POST", TOKENS, WANTED)
    assert (answer.status, answer.body["code"], answer.headers["Retry-After"]) == (503, "unavailable", "5")


async def test_an_application_that_another_process_has_just_made_is_known(site: Site) -> None:
    await site.store.put_application({**SHOP, "app_id": "new"}, expected=None)
    assert (await site.ask("POST", "/applications/new/tokens", WANTED)).status == 201


async def test_no_token_and_no_secret_is_logged(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    token = (await site.ask("POST", TOKENS, WANTED)).body["token"]
    written = "".join(capsys.readouterr())
    assert "token.issued" in written
    assert [secret for secret in (token, SECRET) if secret in written] == []
