"""WhatsApp's callbacks as requests on the wire, made and signed before anything is measured."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from tests.bench.log import Sent
from tests.bench.traffic import ACCOUNT, msisdn

_METADATA = {"display_phone_number": "447700900100", "phone_number_id": "106540352242922"}


def delivered(messages: Sequence[Sent], app_secret: str) -> list[bytes]:
    """One callback for each message: a `delivered` status."""
    return [_request({"statuses": [_status(message)]}, app_secret) for message in messages]


def texts(count: int, app_secret: str) -> Iterator[bytes]:
    """One callback for each message that a person wrote; no id comes twice, in any run."""
    run = secrets.token_hex(12).upper()
    for number in range(count):
        message = {
            "from": msisdn(number),
            "id": f"wamid.HBgM{run}{number:012}",
            "timestamp": str(int(time.time())),
            "type": "text",
            "text": {"body": "Thank you! Could you leave it with the neighbours, please?"},
        }
        contact = {"profile": {"name": "A. Person"}, "wa_id": msisdn(number)}
        yield _request({"contacts": [contact], "messages": [message]}, app_secret)


def _status(message: Sent) -> dict[str, Any]:
    return {
        "id": message.provider_message_id,
        "status": "delivered",
        "timestamp": str(int(time.time())),
        "recipient_id": message.to,
        "biz_opaque_callback_data": message.reference,
        "pricing": {
            "billable": False,
            "pricing_model": "PMP",
            "type": "free_customer_service",
            "category": "service",
        },
    }


def _request(value: dict[str, Any], app_secret: str) -> bytes:
    change = {"field": "messages", "value": {"messaging_product": "whatsapp", "metadata": _METADATA, **value}}
    entry = {"id": "102290129340398", "changes": [change]}
    body = orjson.dumps({"object": "whatsapp_business_account", "entry": [entry]})
    signature = hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()
    head = (
        f"POST /callbacks/{ACCOUNT} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: facebookexternalua\r\n"
        f"Accept: */*\r\nContent-Type: application/json\r\nX-Hub-Signature-256: sha256={signature}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def body_of(request: bytes) -> bytes:
    """What a request carries."""
    return request.partition(b"\r\n\r\n")[2]
