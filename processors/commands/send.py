"""`imgw send`: one MT, followed until it has ended."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from gateway.broker.port import Publication
from gateway.broker.topology import MT, TYPE_MT
from gateway.errors import ConfigurationError, Problem
from gateway.model.base import uuid7
from gateway.model.message import MTMessage
from gateway.store.records import MTRecord, reference_of
from processors.catalogue import problems_of
from processors.commands.session import Servers, command_settings, harmless, open_servers, out, run

_EVERY_SECONDS = 0.2


def send(file: Path | None, given: Mapping[str, str | None], text: str, wait_seconds: float) -> bool:
    """Publish the MT in `file`, or one of the given fields and a text, and follow it; whether it got there.

    Raises ConfigurationError when it is not an MT.
    """
    document = _document(given, text) if file is None else _read(file)
    document.setdefault("message_id", uuid7())
    try:
        mt = MTMessage.model_validate(document, by_name=False)
    except ValidationError as error:
        raise ConfigurationError(problems_of(error, str(file or "imgw send"))) from error
    return run(_send(mt, wait_seconds))


def _document(given: Mapping[str, str | None], text: str) -> dict[str, Any]:
    fields = {name: value for name, value in given.items() if value}
    return {**fields, "content": {"type": "text", "text": text}}


def _read(file: Path) -> dict[str, Any]:
    body = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ConfigurationError([Problem(str(file), "is not JSON")]) from error
    if not isinstance(document, dict):
        raise ConfigurationError([Problem(str(file), "is not a JSON object")])
    return document


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
                out.print(harmless(event_line(event)))
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
