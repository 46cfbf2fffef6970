"""A message in a queue of the embedded broker, and the document that it is in the store."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bson import encode
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument

from gateway.errors import GatewayError
from gateway.store.places import Place

FREE = ""  # the holder of a message that nobody holds
_LARGEST_BYTES = 15 * 1024 * 1024  # MongoDB takes no document above 16 MiB

HeaderValue = str | int | bool


@dataclass(frozen=True, slots=True)
class Wait:
    """How long a message stays in its queue, a tier, and where it goes then."""

    seconds: int
    then: str


@dataclass(frozen=True, slots=True)
class Message:
    """What a publisher wants kept, and in which queue."""

    queue: str
    body: bytes
    type: str = ""
    message_id: str | None = None
    headers: Mapping[str, HeaderValue] = field(default_factory=dict)
    wait: Wait | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that an instance holds. `redelivered`: it was held before, by anyone."""

    place: Place
    holder: str
    message: Message
    redelivered: bool


def encode_message(message: Message, place: Place) -> RawBSONDocument:
    """The document of a free message.

    Encoded here, one by one, so that a message that cannot be fails alone and not those it would be written
    together with: raises GatewayError.
    """
    document = {
        "_id": place,
        "queue": message.queue,
        "body": message.body,
        "type": message.type,
        "message_id": message.message_id,
        "headers": json.dumps(dict(message.headers)),  # any name and any size of number
        "holder": FREE,
        "deliveries": 0,
    }
    if message.wait is not None:
        due = datetime.fromtimestamp(time.time() + message.wait.seconds, UTC)
        document |= {"due_at": due, "then": message.wait.then}
    try:
        encoded = encode(document)
    except (BSONError, ValueError, OverflowError) as error:
        kind = type(error).__name__
        # Without its cause, whose words hold the value.
        raise GatewayError(f"a message for {message.queue} cannot be kept: {kind}") from None
    if len(encoded) > _LARGEST_BYTES:
        raise GatewayError(f"a message for {message.queue} is larger than 15 MiB")
    return RawBSONDocument(encoded)


def taken_message(document: Mapping[str, Any], holder: str) -> Taken:
    """What `holder` has taken; `document` is as it was found before."""
    message = Message(
        queue=document["queue"],
        body=document["body"],
        type=document["type"],
        message_id=document["message_id"],
        headers=json.loads(document["headers"]),
    )
    return Taken(document["_id"], holder, message, redelivered=document["deliveries"] > 0)
