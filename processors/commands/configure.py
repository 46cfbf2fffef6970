"""`imgw check`, `imgw apply` and `imgw secret-key`: configuration files, and their way into the store."""

from __future__ import annotations

import os
from pathlib import Path

from gateway.errors import ConfigurationError, Problem
from gateway.settings import Settings
from gateway.store.catalog import CatalogueStore
from gateway.store.customers import Customers
from gateway.store.secrets import SecretBox
from handlers.registry import Registry
from processors.commands.session import command_settings, open_servers, out, run
from processors.configuration import NOTHING_STORED, Checked, apply, check_folder
from processors.servers import open_database, secret_box


def apply_folder(folder: Path, *, prune: bool) -> None:
    run(_apply(folder, prune=prune))


def check(folder: Path, *, connect: bool) -> None:
    """Raises ConfigurationError with the problems of settings and files alike."""
    problems: list[Problem] = []
    settings, checked = None, None
    try:
        settings = command_settings()
    except ConfigurationError as error:
        problems.extend(error.problems)
    try:
        checked = check_folder(folder, os.environ, Registry.discover())
    except ConfigurationError as error:
        problems.extend(error.problems)
    if settings is None or checked is None:
        raise ConfigurationError(problems)
    _say(checked, "are in order")
    if connect:
        run(_connect(settings))
        broker = "embedded broker" if settings.embedded_broker else "RabbitMQ"
        store = "embedded store" if settings.embedded_store else "MongoDB"
        out.print(f"{broker} and {store} answer")


def secret_key() -> None:
    out.print(SecretBox.new_key())


async def _apply(folder: Path, *, prune: bool) -> None:
    settings = command_settings()
    async with open_database(settings) as database:
        store = CatalogueStore(database, secret_box(settings))
        stored = NOTHING_STORED if prune else await store.load()
        checked = check_folder(folder, os.environ, Registry.discover(), stored)
        version = await apply(checked, store, Customers(database), prune=prune)
    _say(checked, f"applied as version {version}")


async def _connect(settings: Settings) -> None:
    async with open_servers(settings) as servers:
        await servers.broker.depth("imgw.mt")


def _say(checked: Checked, what: str) -> None:
    out.print(f"{len(checked.applications)} applications and {len(checked.accounts)} accounts {what}")
