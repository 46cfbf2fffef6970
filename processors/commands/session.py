"""What every command needs: settings, quiet logs on standard error, an event loop, and the servers."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import uvloop
from rich.console import Console

from gateway.broker.port import Broker
from gateway.settings import Settings, load_settings
from gateway.store.connect import Database
from gateway.store.inbound import InboundLog
from gateway.store.indexes import ensure_indexes
from gateway.store.transactions import Transactions
from gateway.telemetry.logs import configure_logging
from processors.servers import open_broker, open_database

Result = TypeVar("Result")

# Into a pipe or a file a table goes as wide as it is: an id that is cut off is none.
_WIDTH = None if sys.stdout.isatty() else 1_000

out = Console(width=_WIDTH, highlight=False, soft_wrap=True, markup=False, emoji=False)

# What comes from outside must not speak to the terminal.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Servers:
    """The servers a command works with."""

    settings: Settings
    database: Database
    broker: Broker
    transactions: Transactions
    inbound: InboundLog


def command_settings() -> Settings:
    """The settings, with logs of warnings only, on standard error."""
    settings = load_settings()
    configure_logging("warning", settings.log.format, stream=sys.stderr, service="imgw")
    return settings


def harmless(text: str) -> str:
    """The same text with control characters, other than tabs and line ends, written out."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match.group()):02x}", text)


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a command's work to its end."""
    return uvloop.run(work)


@asynccontextmanager
async def open_servers(settings: Settings) -> AsyncIterator[Servers]:
    """The store and the broker that the settings name, ready to use. Raises UnavailableError."""
    async with open_database(settings) as database:
        await database.ping()
        await ensure_indexes(database)
        async with open_broker(settings, database) as broker:
            yield Servers(settings, database, broker, Transactions(database, "imgw"), InboundLog(database))
