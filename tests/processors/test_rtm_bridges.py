"""A bridge for each account of the in-app channel: begun, changed and ended as the catalogue is."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from gateway.model.account import ProviderAccount
from gateway.rtm.account import RtmAccount
from gateway.telemetry.metrics import Metrics
from processors.rtm.bridges import Bridges
from tests.processors.rtm_bridge_world import account
from tests.processors.virtual_time import in_virtual_time


@dataclass
class FakeInlet:
    account: RtmAccount
    told: list[str] = field(default_factory=list)
    trouble: str | None = None

    @property
    def listening(self) -> bool:
        return self.trouble is None

    async def start(self) -> None:
        self.told.append("start")

    async def stop(self, within_seconds: float, *, for_good: bool = False) -> None:
        await asyncio.sleep(1)
        self.told.append(f"stop within {within_seconds}{' for good' if for_good else ''}")


class World:
    def __init__(self, **accounts: ProviderAccount) -> None:
        self.accounts = accounts
        self.inlets: list[FakeInlet] = []
        self.registry = CollectorRegistry()
        self.bridges = Bridges(
            lambda: self.accounts, self._build, Metrics(self.registry), stop_within_seconds=7
        )

    def _build(self, account: RtmAccount) -> FakeInlet:
        self.inlets.append(FakeInlet(account))
        return self.inlets[-1]

    def listening(self, name: str) -> float | None:
        return self.registry.get_sample_value("imgw_rtm_listening", {"account": name})


def sms() -> ProviderAccount:
    document: dict[str, Any] = {
        "account": "sms",
        "provider": "p",
        "channel": "sms",
        "url": "https://x.example",
    }
    return ProviderAccount.model_validate(document)


@in_virtual_time
async def test_each_enabled_account_of_the_channel_gets_one() -> None:
    disabled = account().model_copy(update={"enabled": False})
    world = World(app=account(), off=disabled, sms=sms())
    world.bridges.start()
    await asyncio.sleep(60)
    assert [(inlet.account, inlet.told) for inlet in world.inlets] == [(account(), ["start"])]
    assert (world.listening("app"), world.listening("off"), world.bridges.trouble) == (1, None, None)
    await world.bridges.stop()
    assert world.inlets[0].told == ["start", "stop within 7"]


@in_virtual_time
async def test_a_changed_account_gets_a_new_one_and_one_that_is_gone_none() -> None:
    world = World(app=account())
    world.bridges.start()
    await asyncio.sleep(1)
    changed = account(inbound="subscription")
    world.accounts = {"app": changed}
    await asyncio.sleep(3)
    world.accounts = {}
    await asyncio.sleep(3)
    assert [(inlet.account, inlet.told) for inlet in world.inlets] == [
        (account(), ["start", "stop within 7"]),
        (changed, ["start", "stop within 7 for good"]),
    ]
    assert world.listening("app") is None
    await world.bridges.stop()


PLAIN = {"account": "app", "provider": "rtm", "channel": "rtm"}


@in_virtual_time
@pytest.mark.parametrize(
    ("accounts", "for_good"),
    [
        ({"app": account().model_copy(update={"enabled": False})}, False),
        ({"new": account().model_copy(update={"account": "new"})}, False),
        ({"app": RtmAccount.model_validate({**PLAIN, "url": "mqtt://127.0.0.2:1883"})}, True),
        ({"sms": sms()}, True),
    ],
)
async def test_a_broker_that_no_account_has_any_more_is_left_for_good(
    accounts: dict[str, ProviderAccount], for_good: bool
) -> None:
    world = World(app=account())
    world.bridges.start()
    await asyncio.sleep(1)
    world.accounts = accounts
    await asyncio.sleep(3)
    assert world.inlets[0].told == ["start", f"stop within 7{' for good' if for_good else ''}"]
    await world.bridges.stop()


@in_virtual_time
async def test_accounts_that_are_not_listened_to_are_named() -> None:
    other = account().model_copy(update={"account": "other"})
    world = World(app=account(), other=other)
    world.bridges.start()
    await asyncio.sleep(1)
    world.inlets[1].trouble = "connection refused"
    await asyncio.sleep(1)
    assert world.bridges.trouble == "other: connection refused"
    assert (world.listening("app"), world.listening("other")) == (1, 0)
    await world.bridges.stop()
