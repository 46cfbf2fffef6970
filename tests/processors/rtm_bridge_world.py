"""Slots, sessions at an MQTT broker and what devices publish, all in memory, for tests of the bridge."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson
from prometheus_client import CollectorRegistry

from gateway.errors import StoreUnavailable
from gateway.model.application import Application
from gateway.rtm.account import RtmAccount
from gateway.rtm.names import Device, UpKind
from gateway.rtm.wire import Request
from gateway.store.bridge_slots import Slot
from gateway.telemetry.metrics import Metrics
from gateway.transports.mqtt.received import Received
from processors.catalogue import EMPTY, Catalogue
from processors.rtm.uplinks import Uplinks
from tests.processors.fake_broker import FakeBroker

PHONE = Device("shop", "alice", "phone")
MO: dict[str, Any] = {"id": "mo-1", "content": {"type": "text", "text": "hello"}}
SHOP = Application(app_id="shop")


def account(**parameters: Any) -> RtmAccount:
    document = {
        "account": "app",
        "provider": "rtm",
        "channel": "rtm",
        "url": "mqtt://127.0.0.1:1883",
        "parameters": parameters,
    }
    return RtmAccount.model_validate(document)


@dataclass
class Publishing:
    """What devices publish; `acknowledged` holds the payloads that the bridge has acknowledged, in order."""

    acknowledged: list[bytes] = field(default_factory=list)

    def of(self, device: Device, kind: UpKind, document: Any, **properties: Any) -> Received:
        payload = document if isinstance(document, bytes) else orjson.dumps(document)
        return self.on(device.up(kind), payload, **properties)

    def on(
        self,
        topic: str,
        payload: bytes,
        *,
        response_topic: str | None = None,
        correlation: bytes | None = None,
        properties: tuple[tuple[str, str], ...] = (),
        retained: bool = False,
    ) -> Received:
        return Received(
            topic=topic,
            payload=payload,
            retained=retained,
            response_topic=response_topic,
            correlation_data=correlation,
            user_properties=properties,
            acknowledge=lambda: self.acknowledged.append(payload),
        )


class FakeCustomers:
    """Keeps what it is told; while `away`, the store is."""

    def __init__(self) -> None:
        self.away = False
        self.told: list[tuple[Any, ...]] = []

    async def touch(self, device: Device, at: datetime, **known: Any) -> None:
        self._tell("touch", device, known)

    async def presence(
        self, device: Device, *, online: bool, session: str, at: datetime, retained: bool = False
    ) -> None:
        self._tell("presence", device, online, session, *(("retained",) if retained else ()))

    def _tell(self, *what: Any) -> None:
        if self.away:
            raise StoreUnavailable("MongoDB: no answer in time")
        self.told.append(what)


@dataclass
class FakeRequests:
    """Serves every request with its own action, or fails as it is told."""

    failure: Exception | None = None
    padding: int = 0  # bytes that each answer has beside
    served: list[tuple[Device, Request]] = field(default_factory=list)

    async def serve(self, device: Device, request: Request, at: datetime) -> dict[str, Any]:
        if self.failure is not None:
            raise self.failure
        self.served.append((device, request))
        return {"served": request.action} | ({"padding": "." * self.padding} if self.padding else {})


@dataclass
class FakeResponses:
    sent: list[tuple[Device, dict[str, Any], bytes | None]] = field(default_factory=list)

    async def send(self, device: Device, payload: Mapping[str, Any], correlation: bytes | None) -> None:
        self.sent.append((device, dict(payload), correlation))


class Known:
    """What is configured, as far as the bridge knows; `news` is what it does not know yet."""

    def __init__(self, *applications: Application) -> None:
        self.current = _of(*applications)
        self.news: tuple[Application, ...] = ()

    async def catch_up(self) -> None:
        if self.news:
            self.current = _of(*self.news)


def _of(*applications: Application) -> Catalogue:
    return replace(EMPTY, applications={application.app_id: application for application in applications})


class UplinkWorld:
    def __init__(self, *applications: Application) -> None:
        self.broker = FakeBroker()
        self.customers = FakeCustomers()
        self.requests = FakeRequests()
        self.responses = FakeResponses()
        self.registry = CollectorRegistry()
        self.devices = Publishing()
        self.known = Known(*(applications or (SHOP,)))
        broker: Any = self.broker  # as much of them as is needed
        customers: Any = self.customers
        self.uplinks = Uplinks(
            account(),
            broker,
            customers,
            self.requests,
            self.responses,
            self.known,
            Metrics(self.registry),
        )

    def unacknowledged(self) -> float | None:
        """How many publications the metric says are in hand."""
        return self.registry.get_sample_value("imgw_rtm_unacknowledged", {"account": "app"})

    def received(self) -> dict[tuple[str, str], float]:
        """How many publications there were, by kind and outcome."""
        return {
            (sample.labels["kind"], sample.labels["outcome"]): sample.value
            for metric in self.registry.collect()
            for sample in metric.samples
            if sample.name == "imgw_rtm_received_total"
        }


class FakeListener:
    """A session at the broker: how it was begun, and how it ended."""

    def __init__(self, client_id: str, filters: Sequence[str], take: Callable[[Received], None]) -> None:
        self.client_id = client_id
        self.filters = tuple(filters)
        self.take = take
        self.trouble: str | None = "not connected yet"
        self.unacknowledged = 0
        self.subscribed = True
        self.ended: str | None = None
        self.failure: Exception | None = None  # what unsubscribing fails with
        self.quiet_since: float | None = None

    @property
    def quiet_seconds(self) -> float:
        if self.quiet_since is None:
            return 0.0
        return asyncio.get_running_loop().time() - self.quiet_since

    def start(self) -> None:
        self.trouble, self.quiet_since = None, asyncio.get_running_loop().time()

    async def unsubscribe(self) -> None:
        if self.failure is not None:
            raise self.failure
        self.subscribed = False

    async def stop(self, *, end_session: bool) -> None:
        self.trouble = "stopped"
        self.ended = "forgotten" if end_session else "kept"


@dataclass
class FakeSlots:
    """Whose slots there are: `in_use` by this process, `abandoned_slots` by nobody any more. `stays` says
    whether somebody else stays when one leaves."""

    away: bool = False
    free: int = 0
    stays: bool = False
    lost: bool = False
    bug: Exception | None = None
    abandoned_slots: list[int] = field(default_factory=list)
    formerly: str | None = None  # the name of the account that these are of, where it is another one
    told: list[tuple[str, int]] = field(default_factory=list)
    in_use: set[Slot] = field(default_factory=set)

    async def claim(self, account: str, seconds: float, *, place: str) -> int:
        self._check()
        self.told.append(("claim", self.free))
        self.in_use.add(Slot(account, self.free))
        return self.free

    async def renew(self, account: str, slot: int, seconds: float) -> bool:
        self._check()
        if self.bug is not None:
            raise self.bug
        return not self.lost

    async def abandoned(self, account: str, seconds: float, *, place: str) -> Slot | None:
        self._check()
        if not self.abandoned_slots:
            return None
        found = Slot(self.formerly or account, self.abandoned_slots.pop(0))
        self.in_use.add(found)
        return found

    def let_go(self, account: str, slot: int) -> None:
        self.in_use.discard(Slot(account, slot))

    async def release(self, account: str, slot: int) -> None:
        self.let_go(account, slot)
        self._check()
        self.told.append(("release", slot))

    async def leave(self, account: str, slot: int) -> bool:
        self._check()
        self.told.append(("leave", slot))
        return self.stays

    def _check(self) -> None:
        if self.away:
            raise StoreUnavailable("MongoDB: no answer in time")
