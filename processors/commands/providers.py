"""`imgw providers`: what each provider's channel can carry."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table

from handlers.contract import Capabilities, Handler
from handlers.registry import Registry
from processors.commands.session import out

COLUMNS = ("provider", "channel", "content", "buttons", "receipts", "idempotent", "window")


def show() -> None:
    table = Table(*COLUMNS, box=None, header_style="bold")
    for row in rows(Registry.discover().providers().values()):
        table.add_row(*row)
    out.print(table)


def rows(handlers: Iterable[type[Handler]]) -> list[tuple[str, ...]]:
    """One row a provider, in words; the README's table is made of the same."""
    return [_row(handler) for handler in sorted(handlers, key=lambda handler: handler.provider)]


def _row(handler: type[Handler]) -> tuple[str, ...]:
    can = handler.capabilities
    if not isinstance(can, Capabilities):  # it depends on the account
        return (handler.provider, handler.channel, "as the account says", "", "", "", "")
    window = can.session_window_seconds
    return (
        handler.provider,
        handler.channel,
        ", ".join(can.content),
        ", ".join(f"{most} {kind}" for kind, most in can.buttons.items()) or "no",
        "read" if can.read_receipts else "delivered" if can.receipts else "none",
        "yes" if can.idempotent else "no",
        f"{window // 3600} h" if window else "none",
    )
