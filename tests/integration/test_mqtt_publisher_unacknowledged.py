"""Publications that a broker never acknowledges, although it lives: what they cost, in virtual time."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from paho.mqtt.enums import MQTTErrorCode

from gateway.errors import FailureKind, ProviderError
from gateway.transports.mqtt import outgoing as outgoing_module
from gateway.transports.mqtt.connection import End, Hooks
from gateway.transports.mqtt.greeting import Granted
from gateway.transports.mqtt.outgoing import Outgoing
from gateway.transports.port import MqttServer
from tests.integration.mqtt_clients import numbered
from tests.processors.virtual_time import in_virtual_time, virtual_now

Found = tuple[FailureKind, str | None, str | None]

TIMEOUT: Found = (FailureKind.UNCERTAIN, "timeout", "no acknowledgement in time")
CUT: Found = (FailureKind.UNCERTAIN, "disconnected", "the broker left publications unacknowledged")


class Connected:
    """A connection over which nothing comes but what a test says. `ended_at` is virtual time."""

    full = False
    ended_at: float | None = None

    def __init__(self, server: MqttServer, client_id: str, hooks: Hooks) -> None:
        self.client = self
        self.ended: asyncio.Future[End] = asyncio.get_running_loop().create_future()
        self._hooks = hooks
        self._published = 0

    async def open(self, timeout_seconds: float) -> Granted:
        return Granted(session_present=False)

    def publish(self, *_: Any) -> Any:
        self._published += 1
        return SimpleNamespace(rc=MQTTErrorCode.MQTT_ERR_SUCCESS, mid=self._published)

    def acknowledge(self, identifier: int) -> None:
        assert self._hooks.published is not None
        self._hooks.published(identifier, 0)

    def abort(self) -> None:
        self.ended_at = virtual_now()
        self.ended.set_result(End("cut by the gateway"))


async def _connected(monkeypatch: pytest.MonkeyPatch) -> tuple[Outgoing, Connected]:
    monkeypatch.setattr(outgoing_module, "Connection", Connected)
    outgoing = Outgoing(MqttServer("broker.example", 1883), "gateway")
    await outgoing.open(5)
    connection = outgoing._connection
    assert isinstance(connection, Connected)
    return outgoing, connection


def _publishing(outgoing: Outgoing, timeout_seconds: float) -> asyncio.Task[None]:
    return asyncio.create_task(outgoing.publish(numbered(1), timeout_seconds))


async def _outcome(call: asyncio.Task[None]) -> Found:
    with pytest.raises(ProviderError) as caught:
        await call
    return caught.value.kind, caught.value.code, caught.value.text


async def _ended_after(connection: Connected, began_at: float) -> float | None:
    """How long the connection lasted; None when it has outlived what there is to wait for."""
    await asyncio.wait([connection.ended], timeout=10_000)
    return None if connection.ended_at is None else connection.ended_at - began_at


@in_virtual_time
async def test_a_publication_that_stays_unacknowledged_for_long_after_its_time_costs_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outgoing, connection = await _connected(monkeypatch)
    began_at = virtual_now()
    late, never, under_way = [_publishing(outgoing, seconds) for seconds in (10, 20, 500)]
    assert [await _outcome(late), await _outcome(never)] == [TIMEOUT, TIMEOUT]
    connection.acknowledge(1)
    assert await _outcome(under_way) == CUT
    assert await _ended_after(connection, began_at) == pytest.approx(20 + 60)
    assert not outgoing.usable


@in_virtual_time
async def test_one_that_its_caller_has_given_up_does_so_too(monkeypatch: pytest.MonkeyPatch) -> None:
    outgoing, connection = await _connected(monkeypatch)
    began_at, call = virtual_now(), _publishing(outgoing, 10)
    await asyncio.sleep(0)
    call.cancel()
    assert await _ended_after(connection, began_at) == pytest.approx(10 + 60)


@in_virtual_time
async def test_what_is_acknowledged_late_but_comes_leaves_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outgoing, connection = await _connected(monkeypatch)
    began_at, call = virtual_now(), _publishing(outgoing, 10)
    assert await _outcome(call) == TIMEOUT
    asyncio.get_running_loop().call_at(began_at + 69, connection.acknowledge, 1)
    assert await _ended_after(connection, began_at) is None
