"""Who may do what at a real Mosquitto whose logins the gateway makes (`access: dynamic_security`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from gateway.model.base import now
from gateway.rtm.names import Device
from gateway.rtm.refusals import REFUSALS, RtmRefused
from gateway.rtm.tokens import issue
from gateway.store.connect import Database
from tests.integration.rtm_access_world import (
    ADMINISTRATIVE_ACTION,
    ALICE,
    BOB,
    GRANTED_1,
    NOT_AUTHORIZED,
    SHOP,
    World,
    account_at,
    long_ago,
    open_world,
)
from tests.servers.mongod import MongoServer, impatient
from tests.servers.mosquitto import MosquittoServer

pytestmark = pytest.mark.mosquitto

OTHER_DEVICE = Device("shop", "alice@x", "tablet")
OTHERS = (
    *BOB.subscriptions,
    *BOB.publications,
    OTHER_DEVICE.down,
    OTHER_DEVICE.up("up"),
    "imgw/v1/shop/u/alice%40x/d/phone/other",
    "imgw/v1/shop/u/alice@x/down",
    "$CONTROL/dynamic-security/v1",
    "other",
)
WILD = (
    "#",
    "+/#",
    "imgw/v1/#",
    "imgw/v1/shop/u/+/down",
    "imgw/v1/shop/u/alice%40x/#",
    "$SYS/#",
    "$share/a/#",
)


@pytest.fixture
async def database(mongod: MongoServer, database_name: str) -> AsyncIterator[Database]:
    async with impatient(mongod.url, database_name, "motor", 5.0) as database:
        yield database


@pytest.fixture
async def world(tmp_path: Path, database: Database) -> AsyncIterator[World]:
    async with open_world(tmp_path, database) as opened:
        yield opened


async def test_a_device_publishes_and_gets_what_is_its_own(world: World) -> None:
    gateway = await world.gateway()
    phone = await world.let_in(ALICE, await world.token(ALICE))
    assert [await phone.subscribe(topic) for topic in ALICE.subscriptions] == [GRANTED_1] * 4
    assert [await phone.publish(topic, b"up") for topic in ALICE.publications] == [0] * 4
    assert await gateway.gets(4) == [(topic, b"up") for topic in ALICE.publications]
    for topic in ALICE.subscriptions:
        assert await gateway.publish(topic, b"down") == 0
    assert await phone.gets(4) == [(topic, b"down") for topic in ALICE.subscriptions]


async def test_a_device_is_refused_what_is_not_its_own_and_nothing_of_it_arrives(world: World) -> None:
    gateway = await world.gateway()
    phone = await world.let_in(ALICE, await world.token(ALICE))
    bobs = await world.let_in(BOB, await world.token(BOB))
    for topic in BOB.subscriptions:
        assert await bobs.subscribe(topic) == GRANTED_1
    subscribed = {topic: await phone.subscribe(topic) for topic in (*OTHERS, *WILD, *ALICE.publications)}
    published = {topic: await phone.publish(topic) for topic in (*OTHERS, *ALICE.subscriptions)}
    assert set(subscribed.values()) == {NOT_AUTHORIZED}, subscribed
    assert set(published.values()) == {NOT_AUTHORIZED}, published
    assert await gateway.publish(BOB.down, b"for Bob") == 0
    assert await bobs.gets(1) == [(BOB.down, b"for Bob")]
    assert await phone.publish(ALICE.up("up"), b"the last") == 0
    assert await gateway.gets(2) == [(BOB.down, b"for Bob"), (ALICE.up("up"), b"the last")]
    assert phone.received == []


async def test_nobody_else_is_let_in(world: World) -> None:
    token = await world.token(ALICE)
    alices, bobs = token.value, (await world.token(BOB)).value
    other_secret = SHOP.model_copy(update={"secrets": (SecretStr("another-" + "o" * 32),)})
    forged = issue(other_secret, ALICE, 60, now()).value
    never_told = issue(SHOP, ALICE, 7_200, now()).value
    refused = [
        world.client(ALICE.login, alices, client_id=BOB.login),
        world.client(ALICE.login, alices, client_id="anything"),
        world.client(BOB.login, alices),
        world.client(ALICE.login, bobs),
        world.client(ALICE.login, bobs, client_id=BOB.login),
        world.client(ALICE.login, forged),
        world.client(ALICE.login, never_told),
        world.client(ALICE.login, alices[:-1]),
        world.client(ALICE.login, ""),
        world.client(ALICE.login, None),
        world.client("imgw", alices),
        world.client(OTHER_DEVICE.login, alices),
    ]
    assert [await client.connect() for client in refused] == [NOT_AUTHORIZED] * len(refused)
    await world.let_in(ALICE, token)


async def test_a_will_is_published_on_a_device_s_own_topic_only(world: World) -> None:
    gateway = await world.gateway()
    token = await world.token(ALICE)
    for topic in (BOB.up("presence"), ALICE.up("presence")):
        phone = world.client(ALICE.login, token.value)
        phone.will(topic)
        assert await phone.connect() == 0
        await phone.vanish()
    assert await gateway.gets(1) == [(ALICE.up("presence"), b"gone")]


async def test_a_new_token_cuts_the_connection_of_the_one_before_and_keeps_the_session(world: World) -> None:
    gateway = await world.gateway()
    before = await world.token(ALICE, at=now() - timedelta(minutes=1))
    phone = await world.let_in(ALICE, before)
    assert await phone.subscribe(ALICE.down) == GRANTED_1
    after = await world.token(ALICE)
    assert await phone.end() == ADMINISTRATIVE_ACTION
    assert await gateway.publish(ALICE.down, b"meanwhile") == 0
    assert await world.client(ALICE.login, before.value).connect() == NOT_AUTHORIZED
    back = await world.let_in(ALICE, after)
    assert back.session_present
    assert await back.gets(1) == [(ALICE.down, b"meanwhile")]


async def test_of_tokens_that_are_issued_at_once_one_lets_its_device_in(world: World) -> None:
    tokens = await asyncio.gather(*(world.token(ALICE, seconds=60 + number) for number in range(5)))
    clients = [world.client(ALICE.login, token.value) for token in tokens]
    codes = [await client.connect() for client in clients]
    assert sorted(codes) == [0, *[NOT_AUTHORIZED] * 4]


async def test_logins_outlive_a_restart_of_the_broker(world: World) -> None:
    token = await world.token(ALICE)
    await asyncio.to_thread(world.server.restart)
    await world.let_in(ALICE, token)
    await world.let_in(BOB, await world.token(BOB))


async def test_while_the_broker_is_away_nobody_is_admitted_and_what_was_due_is_done_later(
    world: World,
) -> None:
    ended = await world.token(ALICE, at=long_ago())
    await asyncio.to_thread(world.server.stop)
    world.security._timeout_seconds = 0.5
    with pytest.raises(RtmRefused) as raised:
        await world.token(BOB)
    assert (raised.value.code, raised.value.status) == ("unavailable", 503)
    assert ended.value not in str(raised.value)
    with pytest.raises(RtmRefused):
        await world.doorkeeper.dismiss(world.account, BOB)
    sweep = world.sweep_with(world.logins)
    assert await sweep.sweep(now()) == 0
    why = f"app: unavailable: {REFUSALS['unavailable'][0]}"
    assert sweep.trouble == f"logins do not end with their token at {why}"
    assert len(await world.everything_noted()) == 4
    await asyncio.to_thread(world.server.start)
    world.security._timeout_seconds = 10.0
    assert await sweep.sweep(now()) == 1
    assert sweep.trouble is None
    looks = {
        outcome: world.registry.get_sample_value(
            "imgw_rtm_login_sweeps_total", {"account": "app", "outcome": outcome}
        )
        for outcome in ("failed", "done")
    }
    assert looks == {"failed": 1, "done": 1}
    assert await world.client(ALICE.login, ended.value).connect() == NOT_AUTHORIZED
    await world.let_in(BOB, await world.token(BOB))


async def test_a_login_without_the_right_to_make_others_is_told_apart(world: World) -> None:
    token = await world.token(ALICE)
    login = {"username": ALICE.login, "password": token.value}
    world.security._timeout_seconds = 1.0
    with pytest.raises(RtmRefused, match="unavailable"):
        await world.doorkeeper.admit(account_at(world.server, credentials=login), BOB, token)


async def test_a_broker_without_the_plugin_is_unavailable(world: World, tmp_path: Path) -> None:
    plain = MosquittoServer(tmp_path / "plain")
    try:
        plain.start()
        world.security._timeout_seconds = 1.0
        with pytest.raises(RtmRefused, match="unavailable"):
            await world.doorkeeper.admit(account_at(plain), BOB, issue(SHOP, BOB, 60, now()))
    finally:
        plain.close()


async def test_where_the_broker_finds_out_itself_nothing_is_done(world: World) -> None:
    outside = account_at(world.server, parameters={"access": "external"})
    token = issue(SHOP, ALICE, 60, now())
    await world.doorkeeper.admit(outside, ALICE, token)
    await world.doorkeeper.dismiss(outside, ALICE)
    world.account = outside
    assert await world.sweep(now() + timedelta(days=3)) == 0
    assert await world.everything_noted() == []
    assert "error" in (await world.known(ALICE.login))[0]
