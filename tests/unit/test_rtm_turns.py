"""Very many devices that ask for a token at once: the broker hears of those who are let in, and no others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from gateway.model.base import now
from gateway.rtm.account import RtmAccount
from gateway.rtm.doorkeeper import Doorkeeper
from gateway.rtm.dynamic_security import DynamicSecurity
from gateway.rtm.names import Device
from gateway.rtm.refusals import RtmRefused
from gateway.rtm.tokens import ClientToken
from gateway.transports.mqtt.received import Received
from gateway.transports.port import MqttMessage, MqttServer
from tests.processors.virtual_time import in_virtual_time, virtual_now

ANN = Device("shop", "ann", "phone")


def account(name: str = "app") -> RtmAccount:
    return RtmAccount.model_validate(
        {"account": name, "url": f"mqtt://{name}", "parameters": {"access": "dynamic_security"}}
    )


def token(device: Device) -> ClientToken:
    return ClientToken(f"token of {device.login}", now() + timedelta(hours=1))


class Listener:
    trouble = None

    def start(self) -> None: ...

    async def stop(self, *, end_session: bool) -> None: ...


@dataclass
class Mosquitto:
    """Several brokers, which do what they are told one after the other, each publication in `seconds`,
    whoever still waits for it."""

    seconds: float
    takes: dict[MqttServer, Callable[[Received], None]] = field(default_factory=dict)
    logins: set[str] = field(default_factory=set)
    under_way: int = 0
    most_under_way: int = 0
    idle_at: dict[MqttServer, float] = field(default_factory=dict)

    def listen(self, server: MqttServer, take: Callable[[Received], None]) -> Listener:
        self.takes[server] = take
        return Listener()

    async def publish(
        self, server: MqttServer, messages: Sequence[MqttMessage], *, timeout_seconds: float
    ) -> None:
        for message in messages:
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
            idle_at = max(self.idle_at.get(server, 0.0), virtual_now()) + self.seconds
            self.idle_at[server] = idle_at
            commands = orjson.loads(message.payload)["commands"]
            asyncio.get_running_loop().call_at(idle_at, self._answer, server, commands)

    def _answer(self, server: MqttServer, commands: list[dict[str, Any]]) -> None:
        self.under_way -= 1
        body = orjson.dumps({"responses": [self._done(command) for command in commands]})
        self.takes[server](Received("response", body, False, None, None, (), acknowledge=lambda: None))

    def _done(self, command: dict[str, Any]) -> dict[str, Any]:
        name, login = command["command"], command.get("username")
        answer = {"command": name, "correlationData": command["correlationData"]}
        if name == "createClient":
            self.logins.add(command["username"])
        elif login is not None and login not in self.logins:
            answer["error"] = "Client not found"
        elif name == "getClient":
            answer["data"] = {"client": {"username": login}}
        return answer


@dataclass
class Logins:
    """The calendar, as far as admissions and dismissals go: what was noted or forgotten in it."""

    written: list[str] = field(default_factory=list)

    async def note(self, account: str, login: str, expires_at: datetime) -> None:
        self.written.append(login)

    async def forget(self, account: str, login: str, at: datetime) -> bool:
        self.written.append(login)
        return True


@dataclass
class World:
    broker: Mosquitto
    logins: Logins = field(default_factory=Logins)
    refusals: set[tuple[str, int]] = field(default_factory=set)
    doorkeeper: Doorkeeper = field(init=False)

    def __post_init__(self) -> None:
        security = DynamicSecurity(self.broker, self.broker.listen)
        self.doorkeeper = Doorkeeper(security, self.logins)  # type: ignore[arg-type]

    async def admitted(self, device: Device, name: str = "app") -> bool:
        try:
            await self.doorkeeper.admit(account(name), device, token(device))
        except RtmRefused as refused:
            self.refusals.add((refused.code, refused.status))
            return False
        return True

    async def burst(self, count: int, seconds: float = 60.0) -> dict[Device, bool]:
        """How it ends for so many devices that come at once; they are given so many seconds."""
        devices = [Device("shop", f"u{number}", "phone") for number in range(count)]
        async with asyncio.timeout(seconds):
            ends = await asyncio.gather(*map(self.admitted, devices))
        return dict(zip(devices, ends, strict=True))


@in_virtual_time
async def test_whoever_is_told_to_the_broker_is_let_in_and_of_others_nothing_is_known_anywhere() -> None:
    world = World(Mosquitto(seconds=0.05))
    ends = await world.burst(1_000)
    admitted = {device.login for device, end in ends.items() if end}
    assert (world.broker.logins, set(world.logins.written)) == (admitted, admitted)
    assert world.refusals == {("unavailable", 503)}
    assert len(admitted) == 60  # each twenty of them take two seconds, and nobody waits for more than five


@in_virtual_time
async def test_the_broker_never_has_more_to_do_than_twenty_commands() -> None:
    world = World(Mosquitto(seconds=0.05))
    await world.burst(1_000)
    assert (world.broker.most_under_way, world.broker.under_way) == (20, 0)


@in_virtual_time
async def test_who_is_refused_is_let_in_later() -> None:
    world = World(Mosquitto(seconds=0.05))
    ends = await world.burst(100)
    refused = [device for device, end in ends.items() if not end]
    assert await asyncio.gather(*map(world.admitted, refused)) == [True] * 40


@in_virtual_time
async def test_no_other_account_waits() -> None:
    world = World(Mosquitto(seconds=0.05))
    burst = asyncio.create_task(world.burst(1_000))
    await asyncio.sleep(0.5)
    begun_at = virtual_now()
    assert await world.admitted(ANN, "other")
    assert virtual_now() - begun_at == pytest.approx(2 * 0.05)
    await burst


@in_virtual_time
async def test_a_device_is_dismissed_in_its_turn() -> None:
    world = World(Mosquitto(seconds=0.05))
    burst = asyncio.create_task(world.burst(1_000))
    await asyncio.sleep(0.01)
    with pytest.raises(RtmRefused, match="unavailable"):
        await world.doorkeeper.delete(account(), [ANN.login])
    await burst
    await world.doorkeeper.delete(account(), [ANN.login])
