"""The people of the in-app parts: each with one device, and MT to them in turn."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import orjson

from gateway.broker.topology import TYPE_MT
from gateway.rtm.names import Device
from tests.bench.queues import Letter
from tests.bench.traffic import correlation_id, scattered

APP = "chat"
ACCOUNT = "rtm-chat"
_TEXT = "Your order 4711 is on its way. It will be with you tomorrow between 9 and 12 o'clock."


def device(number: int) -> Device:
    """The device of one of the people."""
    return Device(APP, f"u{number:05}", "phone")


def mt_letters(count: int, people: int) -> Iterator[Letter]:
    """Text messages to all people in turn; no id comes twice, in any run."""
    run = secrets.token_hex(5)
    for number in range(count):
        message_id = f"{scattered(number):08x}-{run}"
        mt = {
            "message_id": message_id,
            "app_id": APP,
            "channel": "rtm",
            "to": device(number % people).user_id,
            "content": {"type": "text", "text": _TEXT},
            "correlation_id": correlation_id(number),
        }
        yield Letter(orjson.dumps(mt), TYPE_MT, message_id)
