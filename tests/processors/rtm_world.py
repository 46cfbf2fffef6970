"""What the tests of the in-app channel share: an account that is an MQTT broker, and what devices send."""

from __future__ import annotations

from typing import Any, Protocol

import orjson

from gateway.broker.port import Delivery, Publication
from gateway.model.application import Application
from gateway.model.base import now
from gateway.rtm.account import RtmAccount
from gateway.rtm.names import Device
from gateway.store.customers import Customers
from gateway.store.threads import ThreadRecord
from gateway.store.topics import TopicRecord, Topics
from gateway.telemetry.metrics import Metrics
from handlers.providers.rtm import Rtm
from processors.catalogue import Catalogue
from processors.limiter import Limiter
from tests.processors.fakes import catalogue_of, delivery_of, mt

BROKER = RtmAccount(account="rtm-1", provider="rtm", channel="rtm", url="mqtt://broker.example")  # type: ignore[arg-type]
PUSH = {"android": "fcm-1"}
TRACE = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
PHONE = Device("shop", "ann", "phone")
TABLET = Device("shop", "ann", "tablet")
BOBS = Device("shop", "bob", "phone")
RECEIVED_AT = "2026-11-22T10:00:00.000Z"


class Configured(Protocol):
    catalogue: Catalogue
    limiter: Limiter
    customers: Customers
    topics: Topics


def configure(world: Configured, **application: Any) -> None:
    """The shop, whose only account is the broker."""
    shop = Application(app_id="shop", **application)
    handler: Any = Rtm(BROKER)  # its accounts are of a class of their own
    world.catalogue = catalogue_of(handler, account=BROKER, application=shop)
    world.limiter.configure(world.catalogue.accounts)


async def populate(world: Configured) -> None:
    """Ann with two devices and Bob with one; news, which both follow, and sport, which only Ann does."""
    for device in (PHONE, TABLET, BOBS):
        await world.customers.touch(device, now())
    for topic, followers in (("news", ["ann", "bob"]), ("sport", ["ann"])):
        await world.topics.add(TopicRecord("shop", topic, now()))
        await world.customers.follow("shop", topic, followers, now())


def thread(id: str = "t-1", **fields: Any) -> ThreadRecord:
    """A conversation of Ann's."""
    mine: dict[str, Any] = {"type": "conversation", "user_id": "ann", "created_at": now()}
    fields = {**mine, **fields}
    if "topic" in fields:
        fields["user_id"] = None
    return ThreadRecord(app_id="shop", thread_id=id, updated_at=fields["created_at"], **fields)


def to_ann(**fields: Any) -> Delivery:
    """An MT to Ann, or to whom `to` says."""
    return mt(channel="rtm", **{"to": "ann", **fields})


def to_topic(topics: str = "news", **fields: Any) -> Delivery:
    return to_ann(to={"kind": "topic", "id": topics}, **fields)


def up(device: Device = PHONE, *, key: str = "i-1", answer: bool = False, **fields: Any) -> Delivery:
    """An MO, as the bridge puts it on its queue."""
    payload = {"id": "c-1", "content": {"type": "text", "text": "hi"}, **fields}
    extra = {"answer": True, "correlation": "0a0b"} if answer else {}
    return _item(device, payload, "mo", key, extra)


def receipt_of(
    status: str, device: Device = PHONE, *, id: str = "m-1", key: str = "r-1", **fields: Any
) -> Delivery:
    """A receipt, likewise."""
    return _item(device, {"message_id": id, "status": status, **fields}, "dr", key, {"correlation": "0a0b"})


def downlinks(publications: list[Publication]) -> list[dict[str, Any]]:
    """What devices are told, but for how long that is worth telling."""
    found = [orjson.loads(each.body) for each in publications if each.routing_key == "imgw.rtm.out"]
    return [{name: value for name, value in each.items() if name != "expires_at"} for each in found]


def answer(payload: dict[str, Any], device: Device = PHONE) -> dict[str, Any]:
    """The downlink that answers a device with this."""
    return {
        "account": "rtm-1",
        "kind": "response",
        "app_id": device.app_id,
        "user_id": device.user_id,
        "device_id": device.device_id,
        "payload": payload,
        "correlation": "0a0b",
    }


def others(publications: list[Publication]) -> list[Publication]:
    """What is not for devices."""
    return [each for each in publications if each.routing_key != "imgw.rtm.out"]


def refusals(metrics: Metrics) -> dict[str, float]:
    """How often devices were refused, by the code."""
    samples = [sample for metric in metrics.rtm_refusals.collect() for sample in metric.samples]
    return {each.labels["code"]: each.value for each in samples if each.name == "imgw_rtm_refusals_total"}


def _item(device: Device, payload: dict[str, Any], kind: str, key: str, extra: dict[str, Any]) -> Delivery:
    item = {
        "app_id": device.app_id,
        "user_id": device.user_id,
        "device_id": device.device_id,
        "payload": payload,
        **extra,
    }
    headers = {"x-account": "rtm-1", "x-kind": kind, "x-received-at": RECEIVED_AT, **TRACE}
    queue = f"imgw.{kind}.in"
    return delivery_of(Publication("", queue, orjson.dumps(item), "imgw.callback.v1", key, headers))
