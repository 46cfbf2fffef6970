"""`imgw dr unmatched`: receipts that never found their MT, looked at and tried again."""

from __future__ import annotations

from rich.table import Table

from processors.callback_items import item_again
from processors.commands.session import Servers, command_settings, harmless, open_servers, out, run

_MOST = 10_000


def list_unmatched(account: str | None) -> None:
    run(_list(account))


def replay_unmatched(account: str | None) -> None:
    out.print(f"{run(_replay(account))} put back")


async def _list(account: str | None) -> None:
    table = Table("at", "account", "provider's message id", "status", box=None, header_style="bold")
    async with open_servers(command_settings()) as servers:
        for row in await servers.inbound.unmatched(account, _MOST):
            at = row["received_at"].isoformat(timespec="milliseconds")
            words = (row["account"], row["provider_message_id"], row["provider_status"])
            table.add_row(at, *map(harmless, words))
    out.print(table if table.row_count else "every receipt has found its MT")


async def _replay(account: str | None) -> int:
    async with open_servers(command_settings()) as servers:
        return await replay_all(servers, account)


async def replay_all(servers: Servers, account: str | None) -> int:
    """Put them on the queue of receipts again, each published before it is marked; returns how many."""
    rows = await servers.inbound.unmatched(account, _MOST)
    for row in rows:
        await servers.broker.publish(item_again(row["account"], row["body"], row["received_at"]))
        await servers.inbound.mark_replayed(row["_id"])
    return len(rows)
