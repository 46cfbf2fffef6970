"""`imgw run` and `imgw simulate`: processes that run until they are told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from gateway.settings import load_settings
from gateway.telemetry.logs import configure_logging
from handlers.simulator.app import serve
from handlers.simulator.config import load
from processors.commands.session import out
from processors.daemon import run_until_signalled
from processors.wiring import ROLES, Role


class What(StrEnum):
    """What a daemon does."""

    MT = "mt"
    MO = "mo"
    DR = "dr"
    RETRY = "retry"
    WEB = "web"
    ALL = "all"


def register(app: typer.Typer) -> None:
    app.command("run")(run)
    app.command("simulate")(simulate)


def run(
    what: Annotated[What, typer.Argument(help="Which daemon, or all of them in one process.")],
) -> None:
    """Run a daemon until SIGTERM: mt, mo, dr (with the expiry monitor), retry, web, or all in one process."""
    settings = load_settings()
    configure_logging(settings.log.level, settings.log.format, service=f"imgw-{what.value}")
    roles: list[Role] = list(ROLES) if what is What.ALL else [_role(what)]
    uvloop.run(run_until_signalled(settings, roles))


def simulate(
    config: Annotated[
        Path, typer.Argument(help="The accounts it plays the provider for, and its rules.", dir_okay=False)
    ] = Path("config/simulator.yaml"),
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on; 0 takes any free one.")] = 9090,
) -> None:
    """Play the providers: take what the gateway sends, post receipts and replies back, fail as told by
    rules."""
    settings = load_settings()
    configure_logging(settings.log.level, settings.log.format, service="imgw-simulate")
    uvloop.run(_simulate(config, host, port))


async def _simulate(config: Path, host: str, port: int) -> None:
    serving = asyncio.ensure_future(serve(load(config, os.environ), host, port, _say_port))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
    await asyncio.wait([serving])
    if not serving.cancelled():
        serving.result()


def _say_port(port: int) -> None:
    out.print(f"simulator listening on port {port}")


def _role(what: What) -> Role:
    return next(role for role in ROLES if role == what.value)
