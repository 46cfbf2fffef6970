"""`imgw tx show`: everything that is known about one MT."""

from __future__ import annotations

from gateway.rtm.names import device_name, read_device_name
from gateway.store.records import MTRecord
from gateway.telemetry.redact import mask_address
from processors.commands.send import event_line
from processors.commands.session import Servers, command_settings, harmless, open_servers, out, run
from processors.rtm.receipts import MAX_DEVICES


def show(message_id: str, app_id: str | None) -> bool:
    """Whether there is such an MT."""
    found = run(_show(message_id, app_id))
    if not found:
        out.print(f"the log has no MT {message_id}")
    return found


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
        "thread": f"{record.thread.id} ({record.thread.type})" if record.thread else None,
    }
    for name, value in facts.items():
        if value:
            out.print(harmless(f"{name:<15}{value}"))
    out.print("steps")
    for event in record.events:
        out.print(harmless(f"  {event_line(event)}  by {event['by']}"))
    _print_devices(record)
    receipts = await servers.inbound.receipts_of(record.reference)
    if receipts:
        out.print("receipts, in the provider's words")
    for receipt in receipts:
        at = receipt["received_at"].isoformat(timespec="milliseconds")
        out.print(harmless(f"  {at}  {receipt['provider_status']:<12}{receipt['outcome']}"))


def _print_devices(record: MTRecord) -> None:
    """How far each device has come, and which were woken: of the in-app channel."""
    if record.devices:
        out.print("devices")
    for device, status in record.devices.items():
        out.print(harmless(f"  {_masked(device):<30}{status.value}"))
    if len(record.devices) >= MAX_DEVICES:
        out.print("  no more are kept: what further ones said is among the receipts only")
    if record.wakeups:
        out.print("woken by push")
    for row in record.wakeups:
        at = row["at"].isoformat(timespec="milliseconds")
        outcome = row.get("reason") or ", ".join(row.get("provider_message_ids", ())) or "outcome unknown"
        out.print(harmless(f"  {at}  {_masked(row['device']):<30}{row['account']}  {outcome}"))


def _masked(device: str) -> str:
    user_id, device_id = read_device_name(device)
    return device_name(mask_address("user_id", user_id), device_id or "")
