"""An MO or a receipt of a device as a callback item; and as a dead letter, where dealing with it met a bug:
the same item can be made of that later."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson

from gateway.broker.port import Headers, HeaderValue, Publication, StoredMessage
from gateway.broker.topology import DR_IN, MO_IN, TYPE_CALLBACK
from gateway.errors import RefusedError
from gateway.model.base import rfc3339, uuid7
from gateway.rtm.names import Device, UpKind, read_up
from gateway.telemetry.tracing import TRACE, trace_in
from gateway.transports.mqtt.received import Received
from gateway.web.callbacks import ACCOUNT, KIND, RECEIVED_AT
from processors.rtm.reading import document_in

BURIED_FROM = "mqtt"
"""What such a dead letter has where others have the queue that they came from."""
TOPIC = "x-mqtt-topic"
_ANSWER = "x-mqtt-answer"
_CORRELATION = "x-mqtt-correlation"  # in hexadecimal
_MAX_CORRELATION_BYTES = 256
_KINDS = {"up": "mo", "rcpt": "dr"}
_NOT_AGAIN = {
    "req": "a request, and its device waits for no answer any more",
    "presence": "presence, which may have changed since",
}


def correlation_of(received: Received) -> bytes | None:
    """What is too long is left out: the answer's `of` tells as much."""
    given = received.correlation_data
    return given if given and len(given) <= _MAX_CORRELATION_BYTES else None


def told_by(
    received: Received, account: str, at: datetime, *, always_answers: bool
) -> dict[str, HeaderValue]:
    """All that an item needs to have of a publication beside its payload. Nothing is made of it here that
    could fail: it is also for burying what cannot be dealt with."""
    own, _, _ = received.topic.rpartition("/")
    told: dict[str, HeaderValue] = {
        **trace_in(dict(received.user_properties)),
        ACCOUNT: account,
        RECEIVED_AT: rfc3339(at),
        TOPIC: received.topic,
        _ANSWER: always_answers or received.response_topic == f"{own}/res",  # as Device.responses
    }
    correlation = correlation_of(received)
    if correlation is not None:
        told[_CORRELATION] = correlation.hex()
    return told


def callback_item(
    device: Device, kind: UpKind, document: Any, told: Headers, message_id: str | None = None
) -> Publication:
    """What an MO or a receipt is on its queue, for its processor; `told` is by `told_by`."""
    body = {
        "app_id": device.app_id,
        "user_id": device.user_id,
        "device_id": device.device_id,
        "payload": document,
        "answer": told.get(_ANSWER, False),
    }
    if _CORRELATION in told:
        body["correlation"] = told[_CORRELATION]
    headers = {name: told[name] for name in (*TRACE, ACCOUNT, RECEIVED_AT) if name in told}
    headers[KIND] = _KINDS[kind]
    queue = MO_IN if kind == "up" else DR_IN
    return Publication("", queue, orjson.dumps(body), TYPE_CALLBACK, message_id or uuid7(), headers)


def item_again(letter: StoredMessage) -> Publication:
    """The item of an MO or a receipt that was buried. Raises RefusedError, which says why there is none.

    Its processor checks it as it does any other. It has the letter's id, the same each time.
    """
    found = read_up(str(letter.headers.get(TOPIC, "")))
    if found is None:
        raise RefusedError("its topic is none that a device publishes to")
    device, kind = found
    if kind in _NOT_AGAIN:
        raise RefusedError(_NOT_AGAIN[kind])
    document = document_in(letter.body)
    try:
        return callback_item(device, kind, document, letter.headers, letter.message_id)
    except orjson.JSONEncodeError as error:
        raise RefusedError("its payload is nested too deep") from error
