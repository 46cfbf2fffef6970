"""The messages of the bench: MT as a platform publishes them, each with an id and a recipient of its own."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import orjson

from gateway.broker.topology import TYPE_MT
from tests.bench.queues import Letter

APP = "shop"
ACCOUNT = "wa-shop"
_TEXT = "Your order 4711 is on its way. It will be with you tomorrow between 9 and 12 o'clock."


def mt_bodies(count: int) -> Iterator[tuple[str, bytes]]:
    """(message id, MT) of `count` text messages; no id comes twice, in any run."""
    run = secrets.token_hex(5)
    for number in range(count):
        message_id = f"{scattered(number):08x}-{run}"
        mt = {
            "message_id": message_id,
            "app_id": APP,
            "channel": "whatsapp",
            "to": msisdn(number),
            "content": {"type": "text", "text": _TEXT},
            "correlation_id": correlation_id(number),
        }
        yield message_id, orjson.dumps(mt)


def mt_letters(count: int) -> Iterator[Letter]:
    return (Letter(body, TYPE_MT, message_id) for message_id, body in mt_bodies(count))


def msisdn(number: int) -> str:
    """One of a million telephone numbers."""
    return f"447700{number % 1_000_000:06}"


def correlation_id(number: int) -> str:
    return f"order-{number:07}"


def scattered(number: int) -> int:
    """Another number below 2**32 for each: ids that follow each other lie as far apart in an index as those
    of real platforms and providers do."""
    return number * 2_654_435_761 % 2**32
