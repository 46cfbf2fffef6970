"""What people write: in normal form, once each, to its application."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from gateway.broker.port import Delivery, Publication
from gateway.model.base import event_id
from processors.catalogue import EMPTY
from processors.outcome import Dead, Done
from tests.processors.conftest import World, dead, done
from tests.processors.fakes import ACCOUNT, again, delivery_of, mt, seen

pytestmark = pytest.mark.mongodb


def item(*rows: dict[str, Any], key: str = "i-1", account: str = "acme", kind: str = "mo") -> Delivery:
    headers = {"x-account": account, "x-kind": kind, "x-received-at": "2026-11-22T10:00:00.000Z"}
    body = json.dumps(rows).encode()
    return delivery_of(Publication("", "imgw.mo.in", body, "imgw.callback.v1", key, headers))


def message(**fields: Any) -> dict[str, Any]:
    return {
        "provider_message_id": "in-1",
        "sender": {"kind": "msisdn", "id": "447700900001", "name": "Ann"},
        "to": "447700900100",
        "content": {"type": "text", "text": "hi"},
        "sent_at": "2026-11-22T09:59:59Z",
        **fields,
    }


async def test_an_mo_goes_to_its_application_in_normal_form(world: World) -> None:
    [(key, mo)] = seen(await done(world.mo, item(message())))
    mo_id = mo.pop("mo_id")
    assert (key, len(mo_id)) == ("mo.shop.sms", 36)
    assert mo == {
        "event_id": event_id("acme", "in-1"),
        "app_id": "shop",
        "channel": "sms",
        "account": "acme",
        "provider": "scripted",
        "provider_message_id": "in-1",
        "from": {"kind": "msisdn", "id": "447700900001", "name": "Ann"},
        "to": "447700900100",
        "content": {"type": "text", "text": "hi"},
        "edited": False,
        "deleted": False,
        "sent_at": "2026-11-22T09:59:59.000Z",
        "received_at": "2026-11-22T10:00:00.000Z",
    }


async def test_the_same_mo_from_two_web_daemons_at_once_is_one_mo(world: World) -> None:
    results = await asyncio.gather(*(done(world.mo, item(message(), key=f"i-{n}")) for n in range(10)))
    assert sum(len(publications) for publications in results) == 1


async def test_a_redelivered_mo_that_may_not_have_been_passed_on_is_passed_on_unchanged(world: World) -> None:
    delivery = item(message())
    first = await done(world.mo, delivery)
    assert await done(world.mo, again(delivery)) == first


async def test_an_mo_that_quotes_one_of_ours_names_it_by_our_id(world: World) -> None:
    await done(world.mt, mt())
    [(_, ours)] = seen(await done(world.mo, item(message(in_reply_to="p-shop/m-1"))))
    [(_, theirs)] = seen(
        await done(world.mo, item(message(provider_message_id="in-2", in_reply_to="unknown")))
    )
    assert (ours["in_reply_to"], theirs["in_reply_to"]) == ("m-1", "unknown")


async def test_an_account_without_an_application_for_mo_is_said_so(world: World) -> None:
    second = world.catalogue.applications["shop"].model_copy(update={"app_id": "second"})
    world.configure(account=ACCOUNT.model_copy(update={"mo_application": None}))
    world.catalogue.applications["second"] = second  # type: ignore[index]
    outcome = await dead(world.mo, item(message()))
    assert (outcome.reason, outcome.detail) == ("no_application", "set mo_application of account acme")


async def test_an_event_without_a_normal_form_is_done_with(world: World) -> None:
    assert await world.mo.process(item(kind="event")) == Done([])


async def test_an_item_that_cannot_be_read_is_dead_without_quoting_it(world: World) -> None:
    outcome = await dead(world.mo, item({"SECRET-WORDS": 1}))
    assert (outcome.reason, "SECRET" in outcome.detail) == ("unreadable_message", False)


async def test_an_item_of_an_account_that_is_not_configured_is_dead(world: World) -> None:
    assert await dead(world.mo, item(message(), account="other")) == Dead("unknown_account", "other")


async def test_an_item_of_an_account_that_was_just_added_is_taken(world: World) -> None:
    world.catalogue, world.news = EMPTY, world.catalogue
    assert len(await done(world.mo, item(message()))) == 1
