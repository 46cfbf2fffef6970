"""`imgw dead`: what nobody could deal with, looked at, put back, or thrown away."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from gateway.broker.port import StoredMessage
from gateway.broker.topology import DEAD
from processors.commands.session import command_settings, open_servers, out, run
from processors.dead_letters import DeadLetter, read, revived

Id = Annotated[str | None, typer.Argument(help="The id that `imgw dead list` shows.")]
ReasonOption = Annotated[str | None, typer.Option("--reason", help="All with this reason.")]


def register(app: typer.Typer) -> None:
    dead = typer.Typer(help="Dead letters: messages that could not be dealt with.", no_args_is_help=True)
    dead.command("list")(list_command)
    dead.command("show")(show)
    dead.command("replay")(replay)
    dead.command("discard")(discard)
    app.add_typer(dead, name="dead")


def list_command(reason: ReasonOption = None) -> None:
    """List the dead letters: when, from which queue, and why."""
    run(_list(reason))


def show(id: Id) -> None:
    """Show one dead letter whole, its body included. A body may hold what a person wrote."""
    if not run(_show(id)):
        raise typer.Exit(1)


def replay(id: Id = None, reason: ReasonOption = None) -> None:
    """Put one back on the queue it came from, or all with a reason."""
    _need_one(id, reason)
    count = run(_replay(id, reason))
    out.print(f"{count} put back")


def discard(id: Id = None, reason: ReasonOption = None) -> None:
    """Throw one away for good, or all with a reason."""
    _need_one(id, reason)
    count = run(_discard(id, reason))
    out.print(f"{count} thrown away")


def _need_one(id: str | None, reason: str | None) -> None:
    if (id is None) == (reason is None):
        raise typer.BadParameter("give either an id or --reason")


async def _list(reason: str | None) -> None:
    table = Table("id", "at", "queue", "reason", "detail", "attempt", box=None, header_style="bold")

    async def look(message: StoredMessage) -> bool:
        letter = read(message)
        if _matches(letter, None, reason):
            table.add_row(
                letter.id, letter.at, letter.queue, letter.reason, letter.detail, str(letter.attempt)
            )
        return False

    async with open_servers(command_settings()) as servers:
        await servers.broker.sift(DEAD, look)
    out.print(table if table.row_count else "there are no dead letters")


async def _show(id: str | None) -> bool:
    found: list[DeadLetter] = []

    async def look(message: StoredMessage) -> bool:
        letter = read(message)
        if _matches(letter, id, None):
            found.append(letter)
        return False

    async with open_servers(command_settings()) as servers:
        await servers.broker.sift(DEAD, look)
    for letter in found:
        for name, value in {**letter.message.headers, "type": letter.message.type}.items():
            out.print(f"{name}: {value}", markup=False)
        out.print()
        out.print(letter.message.body.decode("utf-8", "backslashreplace"), markup=False)
    if not found:
        out.print("there is no such dead letter")
    return bool(found)


async def _replay(id: str | None, reason: str | None) -> int:
    async with open_servers(command_settings()) as servers:

        async def judge(message: StoredMessage) -> bool:
            letter = read(message)
            if not _matches(letter, id, reason) or not letter.queue:
                return False
            await servers.broker.publish(revived(letter))
            return True

        return await servers.broker.sift(DEAD, judge)


async def _discard(id: str | None, reason: str | None) -> int:
    async def judge(message: StoredMessage) -> bool:
        return _matches(read(message), id, reason)

    async with open_servers(command_settings()) as servers:
        return await servers.broker.sift(DEAD, judge)


def _matches(letter: DeadLetter, id: str | None, reason: str | None) -> bool:
    return (id is None or letter.id == id) and (reason is None or letter.reason == reason)
