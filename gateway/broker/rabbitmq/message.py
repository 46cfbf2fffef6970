"""A message that was fetched through the client library, in the port's form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiormq.abc import DeliveredMessage

from gateway.broker.port import StoredMessage
from gateway.broker.rabbitmq.frames import plain


def stored_message(message: DeliveredMessage) -> StoredMessage:
    """Never fails: publishers may be anybody."""
    properties = message.header.properties
    headers = properties.headers or {}
    return StoredMessage(
        body=message.body,
        headers=plain(headers),
        type=properties.message_type or "",
        message_id=properties.message_id or None,
        died_in=_died_in(headers),
    )


def _died_in(headers: Mapping[str, Any]) -> str:
    """The latest death comes first. The queue in `x-first-death-queue` may be a wait tier, and RabbitMQ 3.10
    has no `x-last-death-queue`."""
    match headers.get("x-death"):
        case [{"queue": str(queue)}, *_]:
            return queue
    return ""
