"""How Mosquitto's dynamic security plugin is spoken to, with a plugin that answers as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from gateway.errors import FailureKind, ProviderError
from gateway.rtm.account import RtmAccount
from gateway.rtm.dynamic_security import DynamicSecurity
from gateway.rtm.refusals import RtmRefused
from gateway.transports.mqtt.received import Received
from gateway.transports.port import MqttMessage, MqttServer

COMMANDS = [{"command": "getClient", "username": "a"}, {"command": "getRole", "rolename": "a"}]
ANSWERED = [{"command": "getClient"}, {"command": "getRole", "error": "Role not found"}]


def account(word: str = "one", *, name: str = "app", protocol: str = "5") -> RtmAccount:
    login = {"username": "imgw", "password": word}
    spoken = {"protocol": protocol}
    return RtmAccount.model_validate(
        {"account": name, "url": "mqtt://broker", "credentials": login, "parameters": spoken}
    )


@dataclass
class FakeListener:
    take: Callable[[Received], None]
    trouble: str | None = "it is connecting"
    stopped_with: bool | None = None
    all_stopping: asyncio.Barrier | None = None

    def start(self) -> None:
        self.trouble = None

    async def stop(self, *, end_session: bool) -> None:
        if self.all_stopping is not None:
            await self.all_stopping.wait()
        self.stopped_with = end_session


@dataclass
class Plugin:
    """`says` makes what is answered of the mark that the commands came with; `failures` are raised in
    turn."""

    says: Callable[[str], Sequence[object]]
    failures: list[ProviderError] = field(default_factory=list)
    listeners: list[FakeListener] = field(default_factory=list)
    told: list[Any] = field(default_factory=list)
    acknowledged: int = 0

    def listen(self, server: MqttServer, take: Callable[[Received], None]) -> FakeListener:
        self.listeners.append(FakeListener(take))
        return self.listeners[-1]

    async def publish(
        self, server: MqttServer, messages: Sequence[MqttMessage], *, timeout_seconds: float
    ) -> None:
        if self.failures:
            raise self.failures.pop(0)
        for message in messages:
            self.told.append((message.topic, orjson.loads(message.payload)))
            mark = self.told[-1][1]["commands"][0]["correlationData"]
            for payload in self.says(mark):
                body = payload if isinstance(payload, bytes) else orjson.dumps(payload)
                self.listeners[-1].take(
                    Received("response", body, False, None, None, (), acknowledge=self._acknowledge)
                )

    def _acknowledge(self) -> None:
        self.acknowledged += 1


def answers(mark: str, rows: Sequence[dict[str, Any]] = ANSWERED) -> dict[str, Any]:
    return {"responses": [{**row, "correlationData": mark} for row in rows]}


def security(plugin: Plugin, timeout_seconds: float = 5.0) -> DynamicSecurity:
    return DynamicSecurity(plugin, plugin.listen, timeout_seconds=timeout_seconds)


async def test_commands_go_in_one_publication_and_are_answered_each() -> None:
    plugin = Plugin(lambda mark: [answers(mark)])
    done = await security(plugin).run(account(), COMMANDS)
    ((topic, told),) = plugin.told
    mark = told["commands"][0]["correlationData"]
    assert topic == "$CONTROL/dynamic-security/v1"
    assert told == {"commands": [{**command, "correlationData": mark} for command in COMMANDS]}
    assert done == [{**row, "correlationData": mark} for row in ANSWERED]


async def test_what_is_answered_to_others_is_passed_over() -> None:
    others: list[object] = [b"", b"{", b"[]", b"null", b"\xff", {"responses": []}, {"responses": [7]}]
    others += [
        {"responses": [{"command": "x"}]},
        {"responses": [{"correlationData": None}]},
        answers("other"),
    ]
    plugin = Plugin(lambda mark: [*others, answers(mark), answers(mark, ANSWERED[:1])])
    assert [row["command"] for row in await security(plugin).run(account(), COMMANDS)] == [
        "getClient",
        "getRole",
    ]
    assert plugin.acknowledged == len(others) + 2


@pytest.mark.parametrize("rows", [ANSWERED[:1], [*ANSWERED, {"command": "more"}]])
async def test_an_answer_that_does_not_fit_says_nothing(rows: Sequence[dict[str, Any]]) -> None:
    plugin = Plugin(lambda mark: [answers(mark, rows)])
    with pytest.raises(RtmRefused, match="unavailable"):
        await security(plugin).run(account(), COMMANDS)


async def test_without_an_answer_it_is_given_up() -> None:
    with pytest.raises(RtmRefused, match="unavailable"):
        await security(Plugin(lambda _: []), 0.05).run(account(), COMMANDS)


async def test_what_cannot_have_reached_the_broker_is_told_again() -> None:
    away = ProviderError(FailureKind.TRANSIENT, reason="provider_unavailable")
    plugin = Plugin(lambda mark: [answers(mark)], failures=[away, away])
    await security(plugin).run(account(), COMMANDS)
    assert (len(plugin.told), plugin.failures) == (1, [])


@pytest.mark.parametrize("kind", [FailureKind.AUTH, FailureKind.UNCERTAIN, FailureKind.PERMANENT])
async def test_what_may_have_reached_it_or_is_refused_is_not(kind: FailureKind) -> None:
    plugin = Plugin(lambda mark: [answers(mark)], failures=[ProviderError(kind, reason="provider_error")])
    with pytest.raises(RtmRefused, match="unavailable"):
        await security(plugin).run(account(), COMMANDS)
    assert plugin.told == []


async def test_one_connection_listens_for_an_account_until_the_account_changes() -> None:
    plugin = Plugin(lambda mark: [answers(mark)])
    spoken = security(plugin)
    await spoken.run(account(), COMMANDS)
    await spoken.run(account(), COMMANDS)
    assert len(plugin.listeners) == 1
    await spoken.run(account("another"), COMMANDS)
    assert [listener.stopped_with for listener in plugin.listeners] == [False, None]
    await spoken.close()
    assert [listener.stopped_with for listener in plugin.listeners] == [False, False]


async def test_a_session_that_the_broker_would_keep_is_ended() -> None:
    plugin = Plugin(lambda mark: [answers(mark)])
    spoken = security(plugin)
    await spoken.run(account(protocol="3.1.1"), COMMANDS)
    await spoken.run(account("another", protocol="3.1.1"), COMMANDS)
    await spoken.close()
    assert [listener.stopped_with for listener in plugin.listeners] == [True, True]


async def test_brokers_that_hang_are_left_together() -> None:
    plugin = Plugin(lambda mark: [answers(mark)])
    spoken = security(plugin)
    for name in ("one", "two", "three"):
        await spoken.run(account(name=name), COMMANDS)
    all_stopping = asyncio.Barrier(3)
    for listener in plugin.listeners:
        listener.all_stopping = all_stopping
    async with asyncio.timeout(5):
        await spoken.close()
    assert [listener.stopped_with for listener in plugin.listeners] == [False] * 3
