"""`imgw simulate`: plays the providers until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import uvloop

from gateway.settings import load_settings
from gateway.telemetry.logs import configure_logging
from handlers.simulator.app import serve
from handlers.simulator.bare import serve_bare
from handlers.simulator.config import load
from processors.commands.session import out


def simulate(config: Path | None, host: str, port: int) -> None:
    """Play the providers as the file `config` says; without one, bare, for benchmarks."""
    settings = load_settings()
    configure_logging(settings.log.level, settings.log.format, service="imgw-simulate")
    uvloop.run(_simulate(config, host, port))


async def _simulate(config: Path | None, host: str, port: int) -> None:
    if config is None:
        serving = asyncio.ensure_future(serve_bare(host, port, _say_port))
    else:
        serving = asyncio.ensure_future(serve(load(config, os.environ), host, port, _say_port))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
    await asyncio.wait([serving])
    if not serving.cancelled():
        serving.result()


def _say_port(port: int) -> None:
    out.print(f"simulator listening on port {port}")
