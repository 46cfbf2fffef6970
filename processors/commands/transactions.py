"""`imgw tx show`: everything that is known about one MT."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.store.records import MTRecord
from gateway.telemetry.redact import mask_address
from processors.commands.send import event_line
from processors.commands.session import Servers, command_settings, open_servers, out, run


def register(app: typer.Typer) -> None:
    tx = typer.Typer(help="The log of messages.", no_args_is_help=True)
    tx.command("show")(show)
    app.add_typer(tx, name="tx")


def show(
    message_id: Annotated[str, typer.Argument(help="The message id, as it was published.")],
    app_id: Annotated[str | None, typer.Option("--app", help="Only of this application.")] = None,
) -> None:
    """Show the whole history of an MT: every step, every receipt, every reason. Not what it says."""
    if not run(_show(message_id, app_id)):
        out.print(f"the log has no MT {message_id}", markup=False)
        raise typer.Exit(1)


async def _show(message_id: str, app_id: str | None) -> bool:
    async with open_servers(command_settings()) as servers:
        records = await servers.transactions.find(message_id, app_id)
        for record in records:
            await _print(record, servers)
        return bool(records)


async def _print(record: MTRecord, servers: Servers) -> None:
    to = mask_address(record.to.kind, record.to.id) if record.to else None
    facts = {
        "message": record.reference,
        "status": f"{record.status.value}{' (ended)' if record.ended_as else ''}",
        "through": f"{record.account} ({record.provider}, {record.channel})",
        "to": to,
        "accepted": record.accepted_at.isoformat(),
        "expires": record.expires_at.isoformat(),
        "provider ids": ", ".join(record.provider_message_ids),
        "correlation id": record.correlation_id,
        "simplified": "; ".join(record.degraded),
    }
    for name, value in facts.items():
        if value:
            out.print(f"{name:<15}{value}", markup=False)
    out.print("steps")
    for event in record.events:
        out.print(f"  {event_line(event)}  by {event['by']}", markup=False)
    receipts = await servers.inbound.receipts_of(record.reference)
    if receipts:
        out.print("receipts, in the provider's words")
    for receipt in receipts:
        at = receipt["received_at"].isoformat(timespec="milliseconds")
        out.print(f"  {at}  {receipt['provider_status']:<12}{receipt['outcome']}", markup=False)
