"""Reads what was published on `imgw.mt`: a valid MT, one that is refused but whose sender can be told, or
neither."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import ValidationError

from gateway.broker.port import Delivery
from gateway.errors import MessageRefused
from gateway.model.message import MAX_BODY_BYTES, MTMessage
from processors.outcome import Dead

MESSAGE_ID = "x-message-id"  # given to an MT that was published without an id

_APP_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_MOST_PROBLEMS = 10


@dataclass(frozen=True, slots=True)
class Intake:
    """Who sent what. Exactly one of `mt` and `refusal` is there. `message_id` None: it needs one."""

    app_id: str
    message_id: str | None
    mt: MTMessage | None = None
    refusal: MessageRefused | None = None


def read(delivery: Delivery) -> Intake | Dead:
    """What a delivery holds. Dead when not even its sender can be made out."""
    body = delivery.body
    if len(body) <= MAX_BODY_BYTES:
        try:
            mt = MTMessage.model_validate_json(body, by_alias=True, by_name=False)
        except ValidationError as error:
            return _sender_of(delivery, MessageRefused("invalid_message", _problems(error)))
        return Intake(mt.app_id, mt.message_id or _given_id(delivery), mt=mt)
    text = f"{len(body)} bytes; at most {MAX_BODY_BYTES} are taken"
    return _sender_of(delivery, MessageRefused("invalid_message", text))


def _sender_of(delivery: Delivery, refusal: MessageRefused) -> Intake | Dead:
    try:
        document = orjson.loads(delivery.body)
    except orjson.JSONDecodeError:
        return Dead("invalid_json", refusal.detail)
    if not isinstance(document, dict) or not _matches(_APP_ID, document.get("app_id")):
        return Dead("invalid_message", refusal.detail)
    message_id = document.get("message_id")
    if message_id is None:
        message_id = _given_id(delivery)
    elif not _matches(_ID, message_id):
        return Dead("invalid_message", refusal.detail)
    return Intake(document["app_id"], message_id, refusal=refusal)


def _given_id(delivery: Delivery) -> str | None:
    value = delivery.headers.get(MESSAGE_ID)
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def _matches(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _problems(error: ValidationError) -> str:
    """Which fields are wrong and why, never with what was in them."""
    rows = error.errors(include_input=False, include_context=False, include_url=False)
    return "; ".join(
        f"{'.'.join(map(str, row['loc'])) or 'message'}: {_why(row)}" for row in rows[:_MOST_PROBLEMS]
    )


def _why(row: Any) -> str:
    # This one message of pydantic's quotes the input.
    return "unknown type" if row["type"] == "union_tag_invalid" else str(row["msg"])
