"""`imgw demo`: the main job from end to end, on the embedded default, in under a minute."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table

from gateway.settings import Settings, load_settings
from gateway.store.catalog import CatalogueStore
from gateway.store.customers import Customers
from gateway.store.topics import Topics
from gateway.telemetry.logs import configure_logging
from handlers.registry import Registry
from processors.audit import Audit, audit
from processors.commands.session import Servers, open_servers, out, run
from processors.configuration import apply, check_folder
from processors.demo.conversation import ACCOUNT, Conversation
from processors.demo.mqtt_broker import MqttBroker, find_broker, running
from processors.demo.platform import Ledger, Platform
from processors.demo.playground import (
    MQTT_ENABLED,
    MQTT_URL,
    Playground,
    demo_environment,
    open_playground,
)
from processors.servers import secret_box

_AT_MOST_SECONDS = 55.0
_QUIET_SECONDS = 1.5  # so long nothing may come before the end is believed
_PLAIN_EVERY_SECONDS = 2.0


def demo(config: Path, folder: Path, mqtt: str) -> None:
    """See `imgw demo --help`. Ends with exit code 1 unless every message is accounted for."""
    _empty(folder)
    if not run(_demo(config, folder.resolve(), find_broker(os.environ.get("PATH", ""), mqtt))):
        raise typer.Exit(1)


def _empty(folder: Path) -> None:
    """Start anew, but delete nothing that is not an earlier demonstration."""
    if (folder / "mongo").exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)


async def _demo(config: Path, folder: Path, mqtt: MqttBroker | None) -> bool:
    environment = demo_environment(folder)
    mqtt_port = int(environment[MQTT_URL].rpartition(":")[2])
    environment[MQTT_ENABLED] = "false" if mqtt is None else "true"
    settings = load_settings({**_own_variables(), **environment})
    configure_logging("error", settings.log.format, stream=sys.stderr, service="imgw-demo")
    out.print("starting the gateway (embedded broker and store) and the providers' simulator …")
    async with AsyncExitStack() as stack:
        if mqtt is not None:
            await stack.enter_async_context(running(mqtt, mqtt_port, folder))
        playground = await stack.enter_async_context(open_playground(folder, config, environment))
        servers = await stack.enter_async_context(open_servers(settings))
        await _configure(playground, servers, settings, config, {} if mqtt is None else mqtt.parameters)
        platform = Platform(servers.broker)
        await platform.listen()
        started = time.monotonic()
        count = await platform.publish(_lines(config / "samples" / "mt.jsonl"))
        out.print(
            f"{count} messages published on imgw.mt, for {len(platform.ledger.published)} different ids"
        )
        await _watch(platform.ledger, playground, started)
        result = await audit(servers.transactions)
        retried = await servers.transactions.count_retried_then_taken()
        _show(platform.ledger, result, retried, time.monotonic() - started)
        accounted = _accounted(platform.ledger, result)
        if accounted:
            _compare(platform.ledger, _expected(config / "samples" / "mt.expected.json"))
        conversed = mqtt is None or await _converse(platform, servers, mqtt, mqtt_port)
    if mqtt is None:
        out.print(
            "\nleft out: the in-app channel, which needs an MQTT broker: install mosquitto, or amqtt by pip"
        )
    _look_further(folder)
    return accounted and conversed


async def _converse(platform: Platform, servers: Servers, mqtt: MqttBroker, port: int) -> bool:
    """A conversation in-app, after the rest: the samples' counts are without it."""
    out.print(f"\nthe in-app channel, over {mqtt.name} (MQTT {mqtt.protocol}):")
    conversation = Conversation(platform, Topics(servers.database), out.print)
    return await conversation.hold(mqtt.server(port))


def _lines(samples: Path) -> list[bytes]:
    return [line for line in samples.read_bytes().splitlines() if line.strip()]


def _expected(path: Path) -> dict[str, Any]:
    expected: dict[str, Any] = orjson.loads(path.read_bytes())
    return expected


def _own_variables() -> dict[str, str]:
    """Whatever this process was told stays out of the demonstration, which has settings of its own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("IMGW_")}


async def _configure(
    playground: Playground, servers: Servers, settings: Settings, config: Path, mqtt: dict[str, str]
) -> None:
    store = CatalogueStore(servers.database, secret_box(settings))
    checked = check_folder(config, playground.environment, Registry.discover())
    if ACCOUNT in checked.accounts:  # as the broker that was found needs it
        in_app = {**checked.accounts[ACCOUNT], "parameters": mqtt}
        checked = replace(checked, accounts={**checked.accounts, ACCOUNT: in_app})
    version = await apply(checked, store, Customers(servers.database), prune=True)
    while await playground.catalogue_version() < version:  # noqa: ASYNC110  it is another process
        await asyncio.sleep(0.1)
    out.print(
        f"{len(checked.accounts)} accounts and {len(checked.applications)} applications applied from {config}"
    )


async def _watch(ledger: Ledger, playground: Playground, started: float) -> None:
    live = Live(_progress(ledger, 0.0), console=out, refresh_per_second=4) if out.is_terminal else None
    if live is not None:
        live.start()
    last, changed_at, shown_at = ledger.counts(), time.monotonic(), 0.0
    try:
        while time.monotonic() - started < _AT_MOST_SECONDS:
            await asyncio.sleep(0.1)
            counts, at = ledger.counts(), time.monotonic()
            if counts != last:
                last, changed_at = counts, at
            if live is not None:
                live.update(_progress(ledger, at - started))
            elif at - shown_at >= _PLAIN_EVERY_SECONDS:
                shown_at = at
                out.print(f"{at - started:5.1f} s  " + "  ".join(f"{name} {n}" for name, n in counts.items()))
            settled = not ledger.unaccounted and at - changed_at > _QUIET_SECONDS
            if settled and await playground.pending_callbacks() == 0:
                return
    finally:
        if live is not None:
            live.stop()


def _progress(ledger: Ledger, seconds: float) -> RenderableType:
    table = Table(box=None, show_header=False)
    for name, count in ledger.counts().items():
        table.add_row(name, str(count))
    return Group(f"{seconds:4.1f} s", table)


def _show(ledger: Ledger, result: Audit, retried: int, seconds: float) -> None:
    table = Table(f"after {seconds:.0f} s", "messages", "", box=None, header_style="bold")
    table.add_row("accepted", str(result.accepted))
    for name, count in ledger.counts().items():
        if name != "published":
            reasons = ledger.reasons(name)
            table.add_row(name, str(count), ", ".join(f"{code} {n}" for code, n in sorted(reasons.items())))
        if name == "read":
            table.add_row("retried, then delivered", str(retried))
    out.print(table)


def _accounted(ledger: Ledger, result: Audit) -> bool:
    """Whether what was published, what was told and what is in the log are the same messages, each ended
    once."""
    wrong = {
        "published and not accounted for": len(ledger.unaccounted),
        "told about and never published": len(ledger.invented),
        "in the log and never published": result.accepted - len(ledger.published),
        "under way in the log": sum(result.under_way.values()),
        "in the log against the conservation law": sum(result.broken.values()),
    }
    for what, count in wrong.items():
        if count:
            out.print(f"WRONG: {count} {what}")
    if any(wrong.values()):
        out.print("NOT every message is accounted for")
    return not any(wrong.values())


def _compare(ledger: Ledger, expected: dict[str, Any]) -> None:
    """Say whether each message ended as the simulator's rule for its recipient leads to."""
    different = {
        name: f"{count} instead of {expected[name]}"
        for name, count in ledger.ends().items()
        if count != expected[name]
    }
    if not different:
        out.print("every message is accounted for, each as its rule says")
        return
    out.print("every message is accounted for, some otherwise than their rules say (a very slow machine?)")
    for name, what in different.items():
        out.print(f"  {name}: {what}")


def _look_further(folder: Path) -> None:
    imgw = f"IMGW_DATA_DIR={os.path.relpath(folder)} .venv/bin/imgw"
    out.print("\nlook further:")
    for command, what in {
        "tx show demo-0001": "the whole history of one message",
        "audit": "what became of everything",
        "dead list": "what could not be dealt with",
        "providers": "what each provider can carry",
    }.items():
        out.print(f"  {imgw + ' ' + command:<60} {what}", markup=False)
    out.print(f"  logs: gateway.log, simulator.log and mqtt.log in {os.path.relpath(folder)}")
