"""`imgw dead`: what nobody could deal with, looked at, put back, or thrown away."""

from __future__ import annotations

from rich.table import Column, Table

from gateway.broker.port import StoredMessage
from gateway.broker.topology import DEAD
from processors.commands.session import command_settings, harmless, open_servers, out, run
from processors.dead_letters import DeadLetter, read, revived


def list_letters(reason: str | None) -> None:
    run(_list(reason))


def show(letter_id: str) -> bool:
    """Whether there is such a letter."""
    return run(_show(letter_id))


def replay(letter_id: str | None, reason: str | None) -> bool:
    """Put back what has this id, or this reason; whether there was any."""
    count = run(_replay(letter_id, reason))
    out.print(f"{count} put back")
    return count > 0


def discard(letter_id: str | None, reason: str | None) -> bool:
    """Throw away what has this id, or this reason; whether there was any."""
    count = run(_discard(letter_id, reason))
    out.print(f"{count} thrown away")
    return count > 0


async def _list(reason: str | None) -> None:
    whole = Column("id", no_wrap=True, min_width=36)  # to be copied
    table = Table(whole, "at", "queue", "reason", "detail", "attempt", box=None, header_style="bold")

    async def look(message: StoredMessage) -> bool:
        letter = read(message)
        if _matches(letter, None, reason):
            cells = (letter.id, letter.at, letter.queue, letter.reason, letter.detail, str(letter.attempt))
            table.add_row(*map(harmless, cells))
        return False

    async with open_servers(command_settings()) as servers:
        await servers.broker.sift(DEAD, look)
    out.print(table if table.row_count else "there are no dead letters")


async def _show(letter_id: str) -> bool:
    found: list[DeadLetter] = []

    async def look(message: StoredMessage) -> bool:
        letter = read(message)
        if _matches(letter, letter_id, None):
            found.append(letter)
        return False

    async with open_servers(command_settings()) as servers:
        await servers.broker.sift(DEAD, look)
    for letter in found:
        for name, value in {**letter.message.headers, "type": letter.message.type}.items():
            out.print(harmless(f"{name}: {value}"))
        out.print()
        out.print(harmless(letter.message.body.decode("utf-8", "backslashreplace")))
    if not found:
        out.print("there is no such dead letter")
    return bool(found)


async def _replay(letter_id: str | None, reason: str | None) -> int:
    async with open_servers(command_settings()) as servers:

        async def judge(message: StoredMessage) -> bool:
            letter = read(message)
            if not _matches(letter, letter_id, reason) or not letter.queue:
                return False
            await servers.broker.publish(revived(letter))
            return True

        return await servers.broker.sift(DEAD, judge)


async def _discard(letter_id: str | None, reason: str | None) -> int:
    async def judge(message: StoredMessage) -> bool:
        return _matches(read(message), letter_id, reason)

    async with open_servers(command_settings()) as servers:
        return await servers.broker.sift(DEAD, judge)


def _matches(letter: DeadLetter, letter_id: str | None, reason: str | None) -> bool:
    return (letter_id is None or letter.id == letter_id) and (reason is None or letter.reason == reason)
