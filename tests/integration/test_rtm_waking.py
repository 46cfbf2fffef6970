"""Devices that are away are woken by push: a whole gateway, a real Mosquitto, and a place that stands for the
push service."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.rtm.items import WakeUp, wake_publication, wake_reference
from gateway.rtm.names import Device
from gateway.store.records import MTRecord, reference_of
from tests.handlers.cases.fcm_accounts import SERVICE_ACCOUNT, platforms
from tests.handlers.cases.push_rows import UNTIL_THEN
from tests.integration.rtm_device import DeviceClient
from tests.integration.rtm_world import APP, RtmWorld, device, open_world
from tests.integration.scripted_server import ScriptedServer, http, scripted_server
from tests.logs import Evidence
from tests.servers.mongod import MongoServer
from tests.servers.mosquitto import MosquittoServer
from tests.waiting import eventually

pytestmark = [pytest.mark.mosquitto, pytest.mark.mongodb]

Servers = tuple[Path, Evidence, MosquittoServer, MongoServer, str]

PUSH = "push-shop"
NOTIFICATION = {"title": "Your order", "text": "There is news of it"}
VALIDITY_SECONDS = 3_600

WOKEN = f'imgw_rtm_wakeups_total{{account="{PUSH}",outcome="submitted"}}'
LOOKED_AT = 'imgw_deliveries_total{outcome="done",queue="imgw.rtm.wake"}'


@pytest.fixture
def servers(
    tmp_path: Path, evidence: Evidence, mosquitto: MosquittoServer, mongod: MongoServer, database_name: str
) -> Servers:
    return tmp_path, evidence, mosquitto, mongod, database_name


async def test_a_device_that_is_away_is_woken_once_with_the_notification_alone(servers: Servers) -> None:
    phone = device("alice", "phone")
    async with pushing(servers) as (world, service):
        await register(world, phone)
        message_id = await submit(world, phone, "What only the device may read")
        record = await until_woken(world, message_id)
        assert wakeups(record) == [woken(phone, 1)]
        assert pushes(service) == [push_to(phone, record)]
        await world.broker.publish(wake_publication(WakeUp(app_id=APP, message_id=message_id), {}))
        await until_looked_at(world, 2)
        assert wakeups(await transaction(world, message_id)) == [woken(phone, 1)]
        assert pushes(service) == [push_to(phone, record)]
        assert await world.metric("all", WOKEN) == 1
        async with phone.connected(world.mosquitto):
            await phone.until_texts("What only the device may read")
            await phone.receipt(message_id, "delivered")
            await world.until_dr(message_id, "submitted", "delivered")


async def test_a_device_that_is_connected_is_not_woken(servers: Servers) -> None:
    phone, tablet = device("alice", "phone"), device("bob", "tablet")
    async with pushing(servers) as (world, service):
        await register(world, tablet)
        await register(world, phone)
        async with phone.connected(world.mosquitto):
            await eventually(lambda: world.is_online(phone.device, wanted=True))
            to_alice = await submit(world, phone, "Alice has this at once")
            await phone.until_texts("Alice has this at once")
            await until_looked_at(world, 1)
            await phone.receipt(to_alice, "delivered")
            await world.until_dr(to_alice, "submitted", "delivered")
            to_bob = await submit(world, tablet, "Bob has this later")
            record = await until_woken(world, to_bob)
        assert wakeups(record) == [woken(tablet, 1)]
        assert pushes(service) == [push_to(tablet, record)]
        assert wakeups(await transaction(world, to_alice)) == []


@asynccontextmanager
async def pushing(servers: Servers) -> AsyncIterator[tuple[RtmWorld, ScriptedServer]]:
    """A gateway whose application wakes Android's devices, and the service by which it does."""
    async with scripted_server(_answer) as service:
        key = json.dumps({**json.loads(SERVICE_ACCOUNT), "token_uri": service.url("/token")})
        account = {
            "account": PUSH,
            "provider": "fcm",
            "url": service.url(),
            "credentials": {"service_account": "${env:PUSH_KEY}"},
        }
        async with open_world(
            *servers,
            environment={"PUSH_KEY": key, "IMGW_HTTP__ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8"},
            further_accounts=[account],
            push={"android": PUSH},
        ) as world:
            world.evidence.forbidden[NOTIFICATION["text"]] = "the text of a notification"
            yield world, service


def _answer(number: int) -> bytes:
    """An access token first, which is good for all that comes after it."""
    granted = {"access_token": "ya29.first", "expires_in": 3_599, "token_type": "Bearer"}
    return http(json.dumps(granted if number == 0 else {"name": _name(number)}).encode())


def _name(number: int) -> str:
    return f"projects/shop-1/messages/{number}"


async def register(world: RtmWorld, client: DeviceClient) -> None:
    """The device tells how it is woken, and goes away."""
    token = push_token(client.device)
    world.evidence.forbidden[token] = "a push token"
    async with client.connected(world.mosquitto):
        await eventually(lambda: world.is_online(client.device, wanted=True))
        await client.ask("device_register", platform="android", push_token=token)
    await eventually(lambda: world.is_online(client.device, wanted=False))


async def submit(world: RtmWorld, to: DeviceClient, text: str) -> str:
    """An MT to the person whose device it is; its id."""
    return await world.send(
        {"kind": "user_id", "id": to.device.user_id},
        text,
        notification=NOTIFICATION,
        validity_seconds=VALIDITY_SECONDS,
    )


async def until_looked_at(world: RtmWorld, count: int) -> None:
    """So many wake-ups have been dealt with, whether anybody was woken or not."""

    async def done() -> bool:
        return await world.metric("all", LOOKED_AT) >= count

    await eventually(done, within_seconds=20)


async def until_woken(world: RtmWorld, message_id: str) -> MTRecord:
    """The transaction, once it tells that somebody was to be woken for it."""

    async def told() -> MTRecord | None:
        record = await world.transactions.get(reference_of(APP, message_id))
        return record if record is not None and record.wakeups else None

    record = await eventually(told, within_seconds=20)
    assert record is not None
    return record


async def transaction(world: RtmWorld, message_id: str) -> MTRecord:
    record = await world.transactions.get(reference_of(APP, message_id))
    assert record is not None
    return record


def wakeups(record: MTRecord) -> list[dict[str, Any]]:
    """What the transaction says of waking, without when."""
    return [{name: value for name, value in row.items() if name != "at"} for row in record.wakeups]


def woken(client: DeviceClient, number: int) -> dict[str, Any]:
    """What it says of a device that was woken by the service's request of this number."""
    device_name = f"{client.device.user_id}/{client.device.device_id}"
    return {"device": device_name, "account": PUSH, "provider_message_ids": [_name(number)]}


def pushes(service: ScriptedServer) -> list[dict[str, Any]]:
    """All that the service was asked to push, after it was asked for an access token."""
    grant, *sends = service.requests
    assert grant.startswith(b"POST /token HTTP/1.1\r\n")
    return [_message(request) for request in sends]


def _message(request: bytes) -> dict[str, Any]:
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/projects/shop-1/messages:send HTTP/1.1\r\n")
    assert b"\r\nauthorization: Bearer ya29.first\r\n" in head
    document: dict[str, Any] = json.loads(body)
    message = document["message"]
    for told, name in ((message["android"], "ttl"), (message["webpush"]["headers"], "TTL")):
        assert 0 < int(told[name].removesuffix("s")) <= VALIDITY_SECONDS
        told[name] = UNTIL_THEN
    return document


def push_to(client: DeviceClient, record: MTRecord) -> dict[str, Any]:
    """What wakes a device for this MT, whole: nothing of the MT's own text is in it."""
    message = {
        "token": push_token(client.device),
        "notification": {"title": NOTIFICATION["title"], "body": NOTIFICATION["text"]},
        "data": {"reference": wake_reference(APP, record.message_id, client.device)},
        **platforms(until=int(record.expires_at.timestamp())),
    }
    return {"message": message}


def push_token(device: Device) -> str:
    return f"a-token:{device.user_id}:{device.device_id}"
