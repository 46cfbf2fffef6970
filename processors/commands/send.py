"""`imgw send`: one MT, followed until it has ended."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from pydantic import ValidationError

from gateway.broker.port import Publication
from gateway.broker.topology import MT, TYPE_MT
from gateway.errors import ConfigurationError
from gateway.model.base import uuid7
from gateway.model.message import MTMessage
from gateway.store.records import MTRecord, reference_of
from processors.catalogue import problems_of
from processors.commands.session import Servers, command_settings, open_servers, out, run

_EVERY_SECONDS = 0.2


def register(app: typer.Typer) -> None:
    app.command("send")(send)


def send(
    app_id: Annotated[str, typer.Option("--app", help="The application.")] = "",
    to: Annotated[str, typer.Option(help="The recipient.")] = "",
    text: Annotated[str, typer.Option(help="The text.")] = "",
    channel: Annotated[str | None, typer.Option(help="The channel; routing picks the account.")] = None,
    account: Annotated[str | None, typer.Option(help="An account by name, instead of a channel.")] = None,
    file: Annotated[
        Path | None, typer.Option(help="A whole MT as JSON instead; - for standard input.")
    ] = None,
    wait_seconds: Annotated[
        float, typer.Option("--wait", help="How long to follow it; 0 for not at all.")
    ] = 60,
) -> None:
    """Publish one MT on imgw.mt and follow it until it has ended. Exit code 1 when it was not delivered."""
    document = _read(file) if file else _document(app_id, to, text, channel, account)
    document.setdefault("message_id", uuid7())
    try:
        mt = MTMessage.model_validate(document)
    except ValidationError as error:
        raise ConfigurationError(problems_of(error, str(file) if file else "imgw send")) from error
    if not run(_send(mt, wait_seconds)):
        raise typer.Exit(1)


def _document(app_id: str, to: str, text: str, channel: str | None, account: str | None) -> dict[str, Any]:
    given = {"app_id": app_id, "to": to, "channel": channel, "account": account}
    return {name: value for name, value in given.items() if value} | {
        "content": {"type": "text", "text": text}
    }


def _read(file: Path) -> dict[str, Any]:
    body = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    document = orjson.loads(body)
    return document if isinstance(document, dict) else {}


async def _send(mt: MTMessage, wait_seconds: float) -> bool:
    async with open_servers(command_settings()) as servers:
        body = mt.model_dump_json(by_alias=True, exclude_unset=True).encode()
        await servers.broker.publish(Publication("", MT, body, TYPE_MT, mt.message_id))
        out.print(f"{mt.message_id} published")
        return wait_seconds == 0 or await _follow(servers, mt, wait_seconds)


async def _follow(servers: Servers, mt: MTMessage, wait_seconds: float) -> bool:
    reference = reference_of(mt.app_id, mt.message_id or "")
    deadline, shown = time.monotonic() + wait_seconds, 0
    while time.monotonic() < deadline:
        record = await servers.transactions.get(reference)
        if record is not None:
            for event in record.events[shown:]:
                out.print(event_line(event), markup=False)
            shown = len(record.events)
            if record.ended_as is not None:
                return _good(record)
        await asyncio.sleep(_EVERY_SECONDS)
    out.print(f"not ended within {wait_seconds:g} s; look again with: imgw tx show {mt.message_id}")
    return False


def event_line(event: Any) -> str:
    """One step of an MT's history, for people."""
    parts = [
        event["at"].isoformat(timespec="milliseconds"),
        f"{event['status']:<9}",
        f"attempt {event['attempt']}",
    ]
    reason = event.get("reason")
    if reason:
        code = f" (provider {reason['provider_code']})" if reason.get("provider_code") else ""
        parts.append(f"{reason['code']}{code}")
        if reason.get("provider_text"):
            parts.append(reason["provider_text"])
    return "  ".join(parts)


def _good(record: MTRecord) -> bool:
    return record.status.value in ("submitted", "delivered", "read")
