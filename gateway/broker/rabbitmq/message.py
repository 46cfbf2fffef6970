"""A message between its form on AMQP and the port's."""

from __future__ import annotations

from aiormq.abc import DeliveredMessage
from pamqp.commands import Basic
from pamqp.common import FieldTable

from gateway.broker.port import Headers, HeaderValue, Publication, StoredMessage

_PERSISTENT = 2

# What RabbitMQ adds while it redelivers and dead-letters; no publisher's words, and different each time.
_ADDED_BY_RABBITMQ = ("x-delivery-count", "x-acquired-count", "x-first-death-", "x-last-death-")


def properties_of(publication: Publication) -> Basic.Properties:
    """The AMQP properties to publish with. Without a `message_id` the client library makes one up."""
    return Basic.Properties(
        content_type="application/json",
        delivery_mode=_PERSISTENT,
        message_id=publication.message_id,
        message_type=publication.type or None,
        headers=dict(publication.headers) or None,
    )


def stored_message(message: DeliveredMessage) -> StoredMessage:
    """What was delivered or fetched, in the port's form. Never fails: publishers may be anybody."""
    properties = message.header.properties
    return StoredMessage(
        body=message.body,
        headers=_plain(properties.headers or {}),
        type=properties.message_type or "",
        message_id=properties.message_id or None,
    )


def _plain(table: FieldTable) -> Headers:
    """The strings, integers and booleans of an AMQP table. Bytes count as a string when they are UTF-8."""
    headers: dict[str, HeaderValue] = {}
    for name, value in table.items():
        if isinstance(value, bytes | bytearray):
            value = _text(value)
        if isinstance(value, str | int) and not name.startswith(_ADDED_BY_RABBITMQ):
            headers[name] = value
    return headers


def _text(value: bytes | bytearray) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None
