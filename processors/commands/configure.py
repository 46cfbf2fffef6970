"""`imgw check`, `imgw apply` and `imgw secret-key`: configuration files, and their way into the store."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from gateway.store.catalog import CatalogueStore
from gateway.store.secrets import SecretBox
from handlers.registry import Registry
from processors.commands.session import command_settings, open_servers, out, run
from processors.configuration import Checked, apply, check_folder
from processors.servers import open_database, secret_box

Folder = Annotated[
    Path, typer.Argument(help="The folder with applications/ and accounts/.", file_okay=False, exists=True)
]


def register(app: typer.Typer) -> None:
    app.command("apply")(apply_command)
    app.command("check")(check)
    app.command("secret-key")(secret_key)


def apply_command(
    folder: Folder = Path("config"),
    prune: Annotated[bool, typer.Option(help="Also remove what is stored and not in the files.")] = False,
) -> None:
    """Write applications and accounts to the store, all or nothing. Daemons follow within seconds."""
    run(_apply(folder, prune=prune))


def check(
    folder: Folder = Path("config"),
    connect: Annotated[bool, typer.Option(help="Also connect to the broker and the store.")] = False,
) -> None:
    """Check the settings and the configuration files; says every problem there is, and changes nothing."""
    settings = command_settings()
    checked = check_folder(folder, os.environ, Registry.discover())
    _say(checked, "are in order")
    if connect:
        run(_connect())
        broker = "embedded broker" if settings.embedded_broker else "RabbitMQ"
        store = "embedded store" if settings.embedded_store else "MongoDB"
        out.print(f"{broker} and {store} answer")


def secret_key() -> None:
    """Print a new key for IMGW_SECRETS__KEY."""
    out.print(SecretBox.new_key())


async def _apply(folder: Path, *, prune: bool) -> None:
    settings = command_settings()
    async with open_database(settings) as database:
        store = CatalogueStore(database, secret_box(settings))
        stored = await store.load()
        kept = stored if not prune else type(stored)(stored.version, {}, {})
        checked = check_folder(folder, os.environ, Registry.discover(), kept)
        version = await apply(checked, store, prune=prune)
    _say(checked, f"applied as version {version}")


async def _connect() -> None:
    async with open_servers(command_settings()) as servers:
        await servers.broker.depth("imgw.mt")


def _say(checked: Checked, what: str) -> None:
    out.print(f"{len(checked.applications)} applications and {len(checked.accounts)} accounts {what}")
