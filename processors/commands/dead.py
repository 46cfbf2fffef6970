"""`imgw dead`: what nobody could deal with, looked at, put back, or thrown away."""

from __future__ import annotations

from rich.table import Column, Table

from gateway.broker.port import StoredMessage
from gateway.broker.topology import DEAD
from gateway.errors import UnavailableError
from processors.commands.dead_replay import Replay
from processors.commands.session import command_settings, harmless, open_servers, out, run
from processors.dead_letters import DeadLetter, read


def list_letters(reason: str | None) -> None:
    run(_list(reason))


def show(letter_id: str) -> bool:
    """Whether there is such a letter."""
    return run(_show(letter_id))


def replay(letter_id: str | None, reason: str | None) -> bool:
    """Put back what has this id, or this reason; whether there was any, and none of it stays."""
    put_back, staying = run(_replay(letter_id, reason))
    out.print(f"{put_back} put back" + (f", {staying} not" if staying else ""))
    return put_back > 0 and not staying


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


async def _replay(letter_id: str | None, reason: str | None) -> tuple[int, int]:
    """How many were put back, and how many stay."""
    async with open_servers(command_settings()) as servers:
        replay = Replay(servers.broker, lambda line: out.print(harmless(line)))

        async def judge(message: StoredMessage) -> bool:
            letter = read(message)
            return _matches(letter, letter_id, reason) and await replay.put(letter)

        try:
            await servers.broker.sift(DEAD, judge)
        except UnavailableError:
            if replay.put_back:
                out.print(f"{replay.put_back} put back, some of which may be in {DEAD} still")
            raise
    return replay.put_back, replay.staying


async def _discard(letter_id: str | None, reason: str | None) -> int:
    async def judge(message: StoredMessage) -> bool:
        return _matches(read(message), letter_id, reason)

    async with open_servers(command_settings()) as servers:
        return await servers.broker.sift(DEAD, judge)


def _matches(letter: DeadLetter, letter_id: str | None, reason: str | None) -> bool:
    return (letter_id is None or letter.id == letter_id) and (reason is None or letter.reason == reason)
