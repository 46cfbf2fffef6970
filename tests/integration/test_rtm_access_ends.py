"""How logins at a real Mosquitto end: with their token, and when a device is dismissed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from gateway.model.base import now
from gateway.rtm.doorkeeper import LOGIN_KEPT
from gateway.rtm.names import Device
from gateway.store.broker_logins import BrokerLogins
from gateway.store.connect import Database
from tests.integration.rtm_access_world import (
    ADMINISTRATIVE_ACTION,
    ALICE,
    BOB,
    GRANTED_1,
    NOBODY,
    NOT_AUTHORIZED,
    World,
    long_ago,
    open_world,
)
from tests.servers.mongod import MongoServer, impatient

pytestmark = pytest.mark.mosquitto


@pytest.fixture
async def database(mongod: MongoServer, database_name: str) -> AsyncIterator[Database]:
    async with impatient(mongod.url, database_name, "motor", 5.0) as database:
        yield database


@pytest.fixture
async def world(tmp_path: Path, database: Database) -> AsyncIterator[World]:
    async with open_world(tmp_path, database) as opened:
        yield opened


async def test_when_its_token_ends_a_device_is_cut_off_and_gets_with_the_next_what_it_missed(
    world: World,
) -> None:
    gateway = await world.gateway()
    ended = await world.token(ALICE, at=long_ago())
    await world.token(BOB)
    phone = await world.let_in(ALICE, ended)
    await world.customers.presence(ALICE, online=True, session="s-1", at=now())
    assert await phone.subscribe(ALICE.down) == GRANTED_1
    assert await world.sweep(now()) == 1
    assert await phone.end() == ADMINISTRATIVE_ACTION
    assert await world.client(ALICE.login, ended.value).connect() == NOT_AUTHORIZED
    alice = await world.customers.get("shop", ALICE.user_id)
    assert alice is not None
    assert [device.online for device in alice.devices] == [False]
    assert await gateway.publish(ALICE.down, b"meanwhile") == 0
    assert await world.sweep(now()) == 0
    back = await world.let_in(ALICE, await world.token(ALICE))
    assert back.session_present
    assert await back.gets(1) == [(ALICE.down, b"meanwhile")]


async def test_the_presence_of_who_is_cut_off_is_no_longer_retained(world: World) -> None:
    phone = await world.let_in(ALICE, await world.token(ALICE, at=long_ago()))
    other = await world.let_in(BOB, await world.token(BOB))
    gateway = await world.gateway()
    for client, device in ((phone, ALICE), (other, BOB)):
        assert await client.publish(device.up("presence"), b"here", retain=True) == 0
    await world.sweep(now())
    await world.doorkeeper.dismiss(world.account, BOB)
    await gateway.gets(4)
    late = world.client("imgw", "the-password-of-the-gateway", client_id="late")
    assert await late.connect() == 0
    assert await late.subscribe("imgw/v1/#") == GRANTED_1
    assert await gateway.publish(ALICE.down, b"the only one") == 0
    assert await late.gets(1) == [(ALICE.down, b"the only one")]


async def test_a_shorter_token_ends_when_it_says_whatever_there_was_before(world: World) -> None:
    await world.token(ALICE, seconds=86_400)
    phone = await world.let_in(ALICE, await world.token(ALICE, at=long_ago()))
    assert await world.sweep(now()) == 1
    assert await phone.end() == ADMINISTRATIVE_ACTION


async def test_a_login_is_kept_until_its_session_is_over(world: World) -> None:
    token = await world.token(ALICE)
    enabled, role = await world.known(ALICE.login)
    assert enabled["data"]["client"] == {
        "username": ALICE.login,
        "clientid": ALICE.login,
        "roles": [{"rolename": ALICE.login}],
        "groups": [],
    }
    allowed = {(acl["acltype"], acl["topic"], acl["allow"]) for acl in role["data"]["role"]["acls"]}
    assert allowed == {
        *(("publishClientSend", topic, True) for topic in ALICE.publications),
        *(("subscribeLiteral", topic, True) for topic in ALICE.subscriptions),
    }
    moment = timedelta(milliseconds=1)
    await world.sweep(token.expires_at - moment)
    assert "disabled" not in (await world.known(ALICE.login))[0]["data"]["client"]
    await world.sweep(token.expires_at + LOGIN_KEPT - moment)
    assert (await world.known(ALICE.login))[0]["data"]["client"]["disabled"] is True
    await world.sweep(token.expires_at + LOGIN_KEPT)
    assert [answer["error"] for answer in await world.known(ALICE.login)] == [
        "Client not found",
        "Role not found",
    ]
    assert await world.everything_noted() == []


async def test_who_is_dismissed_is_cut_off_and_does_not_come_back(world: World) -> None:
    token = await world.token(ALICE)
    phone = await world.let_in(ALICE, token)
    bobs = await world.let_in(BOB, await world.token(BOB))
    await world.doorkeeper.dismiss(world.account, ALICE)
    assert await phone.end() == ADMINISTRATIVE_ACTION
    assert await world.client(ALICE.login, token.value).connect() == NOT_AUTHORIZED
    assert [answer["error"] for answer in await world.known(ALICE.login)] == [
        "Client not found",
        "Role not found",
    ]
    await world.doorkeeper.dismiss(world.account, ALICE)
    assert await world.everything_noted() == [BOB.login, BOB.login]
    assert await bobs.publish(BOB.up("up")) == NOBODY
    await world.let_in(ALICE, await world.token(ALICE))


async def test_a_token_that_comes_in_the_middle_of_a_sweep_lets_its_device_in(world: World) -> None:
    await world.token(ALICE, at=long_ago())
    interrupted = Interrupted(world)
    assert await world.sweep_with(cast(BrokerLogins, interrupted)).sweep(now()) == 1
    await world.let_in(ALICE, interrupted.token)
    assert await world.sweep(now()) == 0


async def test_a_daemon_sweeps_by_itself_until_it_is_stopped(world: World) -> None:
    phone = await world.let_in(ALICE, await world.token(ALICE, at=long_ago()))
    sweep = world.sweep_with(world.logins)
    sweep.start()
    assert await phone.end() == ADMINISTRATIVE_ACTION
    await sweep.stop()


async def test_several_sweeps_at_once_do_no_harm(world: World) -> None:
    devices = [Device("shop", f"user-{number}", "phone") for number in range(25)]
    tokens = await asyncio.gather(*(world.token(device, at=long_ago()) for device in devices))
    live = await world.token(ALICE)
    await asyncio.gather(*(world.sweep(now()) for _ in range(3)))
    refused = [world.client(device.login, token.value) for device, token in zip(devices, tokens, strict=True)]
    assert await asyncio.gather(*(client.connect() for client in refused)) == [NOT_AUTHORIZED] * 25
    await world.let_in(ALICE, live)


class Interrupted:
    """BrokerLogins, of which a new token is issued when a sweep has just found out that the one before has
    ended."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.note = world.logins.note
        self.forget = world.logins.forget

    async def expired(self, account: str, at: datetime, limit: int) -> list[str]:
        found = await self._world.logins.expired(account, at, limit)
        if found and account == self._world.account.account:
            self.token = await self._world.token(ALICE)
        return found
