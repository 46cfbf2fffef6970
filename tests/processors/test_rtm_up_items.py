"""What a bug kept from its queue stays such that the very item can be made of it later."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from gateway.broker.port import Publication, StoredMessage
from gateway.errors import RefusedError
from gateway.model.base import now
from gateway.rtm.wire import MAX_UP_BYTES
from gateway.transports.mqtt.received import Received
from processors.rtm.up_items import item_again, told_by
from tests.processors.rtm_bridge_world import MO, PHONE, Publishing, UplinkWorld

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
RECEIPT = {"message_id": "m-1", "status": "read"}


def has_a_bug(publication: Publication) -> None:
    if publication.routing_key != "imgw.dead":
        raise ZeroDivisionError


def stored(publication: Publication) -> StoredMessage:
    """What a broker shows of it."""
    return StoredMessage(publication.body, publication.headers, publication.type, publication.message_id)


def letter(topic: str, payload: bytes) -> StoredMessage:
    """One that was buried."""
    told = told_by(Publishing().on(topic, payload), "app", now(), always_answers=False)
    return StoredMessage(payload, told, message_id="7f3c")


def publication_of(kind: Any, document: Any, **properties: Any) -> Received:
    return Publishing().of(PHONE, kind, document, **properties)


@pytest.mark.parametrize(
    "received",
    [
        publication_of(
            "up",
            MO,
            response_topic=PHONE.responses,
            correlation=b"\x01\xff",
            properties=(("traceparent", TRACE), ("other", "x")),
        ),
        publication_of("up", MO, response_topic="imgw/v1/shop/u/bob/d/phone/res", correlation=b"c" * 300),
        publication_of("rcpt", RECEIPT),
    ],
    ids=["an MO with all there is", "an MO that wants no answer", "a receipt"],
)
async def test_what_met_a_bug_comes_back_as_the_item_that_it_would_have_been(received: Received) -> None:
    world, at = UplinkWorld(), now()
    await world.uplinks.deal_or_bury(received, at)
    world.broker.refuse = has_a_bug
    await world.uplinks.deal_or_bury(received, at)
    item, buried = world.broker.published
    assert (buried.routing_key, buried.body) == ("imgw.dead", received.payload)
    again = item_again(stored(buried))
    assert again == replace(item, message_id=buried.message_id)
    assert item_again(stored(buried)) == again


async def test_who_cannot_say_where_it_listens_is_answered_then_too() -> None:
    received = publication_of("up", MO)
    told = told_by(received, "app", now(), always_answers=True)
    item = item_again(StoredMessage(received.payload, told, message_id="7f3c"))
    assert orjson.loads(item.body)["answer"] is True


@pytest.mark.parametrize(
    ("buried", "why"),
    [
        (
            letter(PHONE.up("req"), b'{"id": "r-1", "action": "topics"}'),
            "a request, and its device waits for no answer any more",
        ),
        (
            letter(PHONE.up("presence"), b'{"online": true, "session": "s"}'),
            "presence, which may have changed since",
        ),
        (letter("imgw/v1/shop/u/%61lice/d/phone/up", b"{}"), "its topic is none that a device publishes to"),
        (StoredMessage(b"{}", {}), "its topic is none that a device publishes to"),
        (letter(PHONE.up("up"), b"{"), "invalid_payload: it is not JSON"),
        (
            letter(PHONE.up("up"), b" " * (MAX_UP_BYTES + 1)),
            f"too_large: it has {MAX_UP_BYTES + 1} bytes; at most {MAX_UP_BYTES} are taken",
        ),
        (letter(PHONE.up("up"), b"[" * 300 + b"]" * 300), "its payload is nested too deep"),
    ],
    ids=["a request", "presence", "a topic of nobody", "a stranger", "no JSON", "too large", "too deep"],
)
def test_what_no_item_can_be_made_of_says_why(buried: StoredMessage, why: str) -> None:
    with pytest.raises(RefusedError) as refused:
        item_again(buried)
    assert str(refused.value) == why
