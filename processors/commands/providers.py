"""`imgw providers`: what each provider's channel can carry, and what comes back from it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

from rich.table import Table

from handlers.contract import Capabilities, Handler, MediaKind
from handlers.registry import Registry
from processors.commands.session import out

COLUMNS = (
    "provider",
    "channel",
    "content",
    "buttons",
    "templates",
    "media",
    "MO",
    "DR",
    "read",
    "window",
    "idempotent",
    "verified callbacks",
)

_MEDIA = get_args(MediaKind)


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
        words = ("as the account says", *[""] * (len(COLUMNS) - 4), _callbacks(handler, any_come=True))
        return (handler.provider, handler.channel, *words)
    window = can.session_window_seconds
    return (
        handler.provider,
        handler.channel,
        ", ".join(kind for kind in can.content if kind not in (*_MEDIA, "template")),
        ", ".join(f"{most} {kind}" for kind, most in can.buttons.items()) or "no",
        _yes("template" in can.content),
        _media(can),
        _yes(can.inbound),
        _yes(can.receipts),
        _yes(can.read_receipts),
        f"{window // 3600} h" if window else "none",
        _yes(can.idempotent),
        _callbacks(handler, any_come=can.inbound or can.receipts),
    )


def _media(can: Capabilities) -> str:
    kinds = [kind for kind in _MEDIA if kind in can.content]
    return "all" if len(kinds) == len(_MEDIA) else ", ".join(kinds) or "no"


def _callbacks(handler: type[Handler], *, any_come: bool) -> str:
    """No handler takes a callback that is not proved; what differs is whether there are any."""
    section = handler.Account.model_fields["callback"]
    if not any_come:
        return "none"
    # Not narrowed: proved with the account's credentials.
    return "if configured" if section.annotation is not Any and section.default is None else "yes"


def _yes(given: bool) -> str:
    return "yes" if given else "no"
