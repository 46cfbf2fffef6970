"""The frames of a message's usual way, byte by byte: published, confirmed, delivered, settled (AMQP 0-9-1).

They are what nearly all the traffic consists of, and the client library's objects for them cost several
times what the rest of a message costs (measured 2026-11), so these few are written and read here. Everything
else on a connection is the library's.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from pamqp import decode, encode
from pamqp.common import FieldTable

from gateway.broker.port import Headers, HeaderValue, Publication

METHOD, HEADER, BODY = 1, 2, 3
FRAME = struct.Struct(">BHI")  # kind, channel, size; a payload of that size and the end mark follow
END = b"\xce"
OVERHEAD_BYTES = FRAME.size + len(END)

# The first four bytes of a method's payload: its class, its number.
PUBLISH, RETURN, DELIVER, ACK, NACK = (struct.pack(">HH", 60, number) for number in (40, 50, 60, 80, 120))
CLOSE, CLOSE_OK = (struct.pack(">HH", 20, number) for number in (40, 41))

_METHOD_START = struct.Struct(">BHI4s")
_SETTLE = struct.Struct(">BHI4sQB1s")
_SETTLE_BYTES = 13
_CONTENT = struct.Struct(">HHQH")  # class, weight, the body's size, which properties follow
_TAG_AND_BIT = struct.Struct(">QB")
_MANDATORY = b"\x01"
_MULTIPLE, _REQUEUE = 1, 2

# Which properties there are, in their order.
_CONTENT_TYPE, _CONTENT_ENCODING, _HEADERS, _DELIVERY_MODE = 0x8000, 0x4000, 0x2000, 0x1000
_PRIORITY, _CORRELATION_ID, _REPLY_TO, _EXPIRATION = 0x0800, 0x0400, 0x0200, 0x0100
_MESSAGE_ID, _TIMESTAMP, _TYPE, _CONTINUED = 0x0080, 0x0040, 0x0020, 0x0001
_BEFORE_MESSAGE_ID = (_CORRELATION_ID, _REPLY_TO, _EXPIRATION)
_TIMESTAMP_BYTES = 8
_JSON = b"\x10application/json"
_PERSISTENT = b"\x02"

# What the library raises for properties that it cannot decode.
UNDECODABLE = (ValueError, ArithmeticError, LookupError, TypeError, RecursionError, struct.error)
# What RabbitMQ adds while it redelivers and dead-letters; no publisher's words, and different each time.
_ADDED_BY_RABBITMQ = ("x-delivery-count", "x-acquired-count", "x-first-death-", "x-last-death-")


@dataclass(frozen=True, slots=True)
class Properties:
    """As much of a message's properties as the gateway looks at."""

    type: str = ""
    message_id: str | None = None
    headers: Headers = field(default_factory=dict)


def publication_frames(channel: int, publication: Publication, message_id: str, frame_max: int) -> bytes:
    """The message to publish: mandatory and persistent. Raises ValueError for a name or an id of more than
    255 bytes, TypeError for a header that is not one."""
    where = b"\0\0" + _short(publication.exchange) + _short(publication.routing_key) + _MANDATORY
    flags = _CONTENT_TYPE | _DELIVERY_MODE | _MESSAGE_ID
    headers = kind = b""
    if publication.headers:
        flags |= _HEADERS
        headers = encode.field_table({**publication.headers})
    if publication.type:
        flags |= _TYPE
        kind = _short(publication.type)
    body = publication.body
    content = b"".join(
        (_CONTENT.pack(60, 0, len(body), flags), _JSON, headers, _PERSISTENT, _short(message_id), kind)
    )
    frames = [
        _METHOD_START.pack(METHOD, channel, len(where) + 4, PUBLISH),
        where,
        END,
        FRAME.pack(HEADER, channel, len(content)),
        content,
        END,
    ]
    for part in _parts(body, frame_max - OVERHEAD_BYTES):
        frames += (FRAME.pack(BODY, channel, len(part)), part, END)
    return b"".join(frames)


def ack_frame(channel: int, tag: int) -> bytes:
    """One delivery is done with."""
    return _SETTLE.pack(METHOD, channel, _SETTLE_BYTES, ACK, tag, 0, END)


def requeue_frame(channel: int, tag: int) -> bytes:
    """One delivery goes back to its queue."""
    return _SETTLE.pack(METHOD, channel, _SETTLE_BYTES, NACK, tag, _REQUEUE, END)


def confirmed(method: bytes) -> tuple[int, bool]:
    """What an ACK or NACK of RabbitMQ's is about: the number of a publication, and whether it stands for all
    before it, too."""
    tag, bits = _TAG_AND_BIT.unpack_from(method, 4)
    return tag, bool(bits & _MULTIPLE)


def delivered(method: bytes) -> tuple[int, bool]:
    """The tag of a DELIVER, and whether it is a redelivery."""
    tag, bits = _TAG_AND_BIT.unpack_from(method, 5 + method[4])  # after the consumer's tag
    return tag, bool(bits & 1)


def routing_key(method: bytes) -> str:
    """Of what a DELIVER is about: the last that it says."""
    exchange_at = 5 + method[4] + _TAG_AND_BIT.size  # after the consumer's tag
    key_at = _after_short(method, exchange_at)
    return method[key_at + 1 :].decode(errors="replace")


def body_size(header: bytes) -> int:
    """How many bytes of body follow a content header."""
    return int.from_bytes(header[4:12], "big")


def properties_in(header: bytes) -> Properties:
    """The properties in a content header; none when they cannot be read: publishers may be anybody."""
    try:
        return _properties(header)
    except UNDECODABLE:
        return Properties()


def plain(table: FieldTable) -> Headers:
    """The strings, integers and booleans of an AMQP table. Bytes count as a string when they are UTF-8."""
    headers: dict[str, HeaderValue] = {}
    for name, value in table.items():
        if isinstance(value, bytes | bytearray):
            value = _text(value)
        if isinstance(value, str | int) and not name.startswith(_ADDED_BY_RABBITMQ):
            headers[name] = value
    return headers


def _properties(header: bytes) -> Properties:
    flags, at = int.from_bytes(header[12:14], "big"), _CONTENT.size
    if flags & _CONTINUED:
        raise ValueError("properties that AMQP 0-9-1 does not have")
    for flag in (_CONTENT_TYPE, _CONTENT_ENCODING):
        at = _after_short(header, at) if flags & flag else at
    headers: Headers = {}
    if flags & _HEADERS:
        used, table = decode.field_table(header[at:])
        headers, at = plain(table), at + used
    at += (flags & _DELIVERY_MODE != 0) + (flags & _PRIORITY != 0)
    for flag in _BEFORE_MESSAGE_ID:
        at = _after_short(header, at) if flags & flag else at
    message_id = kind = ""
    if flags & _MESSAGE_ID:
        message_id, at = _read_short(header, at)
    at += _TIMESTAMP_BYTES if flags & _TIMESTAMP else 0
    if flags & _TYPE:
        kind, at = _read_short(header, at)
    return Properties(kind, message_id or None, headers)


def _short(text: str) -> bytes:
    encoded = text.encode()
    return bytes((len(encoded),)) + encoded


def _after_short(payload: bytes, at: int) -> int:
    return at + 1 + payload[at]


def _read_short(payload: bytes, at: int) -> tuple[str, int]:
    end = _after_short(payload, at)
    if end > len(payload):
        raise ValueError("cut short")
    return payload[at + 1 : end].decode(), end


def _parts(body: bytes, most: int) -> Iterator[bytes]:
    if len(body) <= most:
        return iter((body,) if body else ())
    return (body[at : at + most] for at in range(0, len(body), most))


def _text(value: bytes | bytearray) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None
