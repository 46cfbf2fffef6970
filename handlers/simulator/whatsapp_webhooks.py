"""The webhooks of the WhatsApp Cloud API: statuses and messages, their envelope and their signature.

Source: Meta's "Webhooks" reference for the Cloud API (status, text, interactive, media, location), version
25.0, read in 2026. As documented from version 24.0 on, statuses carry no `conversation`; `pricing` comes with
`sent` and with one of `delivered` and `read`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from handlers.simulator.callbacks import Sealed
from handlers.simulator.config import WhatsAppAccount
from handlers.simulator.plan import Stage
from handlers.simulator.speech import Speech
from handlers.simulator.whatsapp_errors import MetaError, in_status


def message_id(number: str, *, inbound: bool = False) -> str:
    """A new id in the form that WhatsApp's have: "wamid." and the Base64 of number, direction and a random
    part."""
    unique = secrets.token_hex(9).upper().encode()
    direction = b"\x15\x02\x00\x12\x18\x12" if inbound else b"\x15\x02\x00\x11\x18\x12"
    head = b"\x1c\x18" + bytes([len(number)]) + number.encode()
    return "wamid." + base64.b64encode(head + direction + unique + b"\x00").decode()


def status(
    wamid: str, recipient: str, stage: Stage, *, opaque: str | None, category: str, error: MetaError | None
) -> dict[str, Any]:
    """`value` of a change that tells what became of a message."""
    entry: dict[str, Any] = {
        "id": wamid,
        "status": stage,
        "timestamp": str(int(time.time())),
        "recipient_id": recipient,
    }
    if opaque is not None:
        entry["biz_opaque_callback_data"] = opaque
    if stage in ("sent", "delivered"):
        free = category == "service"
        kind = "free_customer_service" if free else "regular"
        entry["pricing"] = {"billable": not free, "pricing_model": "PMP", "type": kind, "category": category}
    if error is not None:
        entry["errors"] = [in_status(error)]
    return {"statuses": [entry]}


def message(account: WhatsAppAccount, wamid: str, speech: Speech) -> dict[str, Any]:
    """`value` of a change that brings what a person wrote."""
    entry: dict[str, Any] = {"from": speech.sender, "id": wamid, "timestamp": str(int(time.time()))}
    if speech.in_reply_to is not None:
        entry["context"] = {"from": account.display_phone_number, "id": speech.in_reply_to}
    entry |= _content(speech)
    contact = {"profile": {"name": speech.name}, "wa_id": speech.sender}
    return {"contacts": [contact], "messages": [entry]}


def seal(account: WhatsAppAccount, values: Sequence[Mapping[str, Any]]) -> Sealed:
    """One signed request with one change: all statuses, or all messages, that wait for this number."""
    value: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "metadata": {
            "display_phone_number": account.display_phone_number,
            "phone_number_id": account.phone_number_id,
        },
    }
    for part in values:
        for name, entries in part.items():
            value.setdefault(name, []).extend(entries)
    change = {"value": value, "field": "messages"}
    body = orjson.dumps(
        {"object": "whatsapp_business_account", "entry": [{"id": account.waba_id, "changes": [change]}]}
    )
    signature = hmac.new(account.app_secret.get_secret_value().encode(), body, hashlib.sha256).hexdigest()
    return Sealed(body, {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signature}"})


def _content(speech: Speech) -> dict[str, Any]:
    if speech.button is not None:
        reply = {"id": speech.button.id, "title": speech.button.title}
        return {"type": "interactive", "interactive": {"type": "button_reply", "button_reply": reply}}
    if speech.row is not None:
        row = {"id": speech.row.id, "title": speech.row.title}
        return {"type": "interactive", "interactive": {"type": "list_reply", "list_reply": row}}
    if speech.location is not None:
        return {"type": "location", "location": speech.location.model_dump(exclude_none=True)}
    if speech.media is not None:
        return {"type": speech.media.type, speech.media.type: _media(speech)}
    return {"type": "text", "text": {"body": speech.text}}


def _media(speech: Speech) -> dict[str, Any]:
    media = speech.media
    if media is None:
        return {}
    digest = base64.b64encode(hashlib.sha256(media.id.encode()).digest()).decode()
    shown = {"id": media.id, "mime_type": media.mime_type, "sha256": digest}
    extra = {"caption": speech.text, "filename": media.filename}
    return shown | {name: value for name, value in extra.items() if value is not None}
