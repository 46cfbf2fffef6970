"""A message that was fetched through the client library, in the port's form."""

from __future__ import annotations

from aiormq.abc import DeliveredMessage

from gateway.broker.port import StoredMessage
from gateway.broker.rabbitmq.frames import plain


def stored_message(message: DeliveredMessage) -> StoredMessage:
    """Never fails: publishers may be anybody."""
    properties = message.header.properties
    return StoredMessage(
        body=message.body,
        headers=plain(properties.headers or {}),
        type=properties.message_type or "",
        message_id=properties.message_id or None,
    )
