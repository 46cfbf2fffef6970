"""The composition root: builds what each daemon is made of, and nothing else knows how they fit together."""

from __future__ import annotations

import asyncio
import os
import platform
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from prometheus_client import CollectorRegistry

import gateway
from gateway.broker.port import Broker
from gateway.broker.topology import DR_IN, MO_IN, MT, MT_BULK, RETRY, lane, shard
from gateway.errors import BrokerUnavailable
from gateway.model.account import ProviderAccount
from gateway.settings import Settings
from gateway.store.catalog import CatalogueStore
from gateway.store.connect import Database
from gateway.store.customers import Customers
from gateway.store.inbound import InboundLog
from gateway.store.sessions import Sessions
from gateway.store.threads import Threads
from gateway.store.tokens import SharedTokens
from gateway.store.topics import Topics
from gateway.store.transactions import Transactions
from gateway.store.watch import StoreWatch
from gateway.telemetry.metrics import Metrics
from gateway.transports.port import Transports
from gateway.web.health import HealthRoutes
from handlers.registry import Registry
from processors.catalogue import Catalogue, CatalogueFollower
from processors.dispatch import Dispatcher
from processors.dr import DRProcessor
from processors.expiry import ExpiryMonitor
from processors.instrument import instrumented
from processors.lanes import Lanes
from processors.limiter import Limiter
from processors.loop import Loop
from processors.mo import MOProcessor
from processors.mt import MTProcessor
from processors.outcome import Processor
from processors.retry import RetryProcessor
from processors.rtm.inbound import InAppInbound
from processors.rtm.outbound import InAppOutbound
from processors.rtm.receipts import InAppReceipts
from processors.servers import secret_box

Role = Literal["mt", "mo", "dr", "retry", "web", "rtm"]
ROLES: tuple[Role, ...] = get_args(Role)


def process_name(roles: Sequence[Role]) -> str:
    """A name for this process, in claims and events: `mt-host-4711-3f2a`."""
    kind = "all" if len(roles) > 1 else roles[0]
    return f"{kind}-{platform.node()}-{os.getpid()}-{secrets.token_hex(2)}"


@dataclass(frozen=True, slots=True)
class Parts:
    """What every daemon has, whatever it does."""

    settings: Settings
    metrics: Metrics
    database: Database
    watch: StoreWatch
    broker: Broker
    catalogue: CatalogueFollower
    limiter: Limiter
    transactions: Transactions
    inbound: InboundLog
    sessions: Sessions
    customers: Customers
    threads: Threads
    topics: Topics
    tokens: SharedTokens
    name: str

    async def available(self) -> None:
        """Raises UnavailableError while a server that the work needs is away."""
        if self.broker.trouble is not None:
            raise BrokerUnavailable(self.broker.trouble)
        await self.watch.check()


def build_metrics() -> Metrics:
    metrics = Metrics(CollectorRegistry())
    metrics.build.labels(gateway.__version__, platform.python_version()).set(1)
    return metrics


def build_parts(
    settings: Settings, metrics: Metrics, database: Database, broker: Broker, roles: Sequence[Role]
) -> Parts:
    name, limiter = process_name(roles), Limiter(metrics)

    def take_over(catalogue: Catalogue) -> None:
        limiter.configure(catalogue.accounts)
        metrics.catalogue_version.set(catalogue.version)

    box = secret_box(settings)
    store = CatalogueStore(database, box)
    return Parts(
        settings=settings,
        metrics=metrics,
        database=database,
        watch=StoreWatch(database),
        broker=broker,
        catalogue=CatalogueFollower(store, Registry.discover(), settings.catalogue.poll_seconds, take_over),
        limiter=limiter,
        transactions=Transactions(database, name),
        inbound=InboundLog(database),
        sessions=Sessions(database),
        customers=Customers(database),
        threads=Threads(database),
        topics=Topics(database),
        tokens=SharedTokens(database, box),
        name=name,
    )


@dataclass(frozen=True, slots=True)
class Work:
    """What takes deliveries in this process: a loop for each queue, and the lanes where this process
    sends."""

    loops: list[Loop]
    lanes: Lanes | None

    @property
    def consuming(self) -> bool:
        lanes = self.lanes is None or self.lanes.consuming
        return lanes and all(loop.consuming for loop in self.loops)

    def start(self) -> None:
        for loop in self.loops:
            loop.start()
        if self.lanes is not None:
            self.lanes.start()

    async def stop(self) -> None:
        stopping = [loop.stop() for loop in self.loops]
        if self.lanes is not None:
            stopping.append(self.lanes.stop())
        await asyncio.gather(*stopping)


def build_work(parts: Parts, roles: Sequence[Role], ways_out: Transports) -> Work:
    """The work of these roles. Those that send share the transports and the accounts' limits."""
    transactions, sessions, limiter, metrics = (
        parts.transactions,
        parts.sessions,
        parts.limiter,
        parts.metrics,
    )
    dispatcher = Dispatcher(transactions, limiter, ways_out, metrics, parts.name)

    def catalogue() -> Catalogue:
        return parts.catalogue.current

    outbound = InAppOutbound(parts.customers, parts.threads, parts.topics, catalogue)
    mt = MTProcessor(transactions, sessions, outbound, dispatcher, limiter, parts.catalogue)
    retry = RetryProcessor(transactions, sessions, outbound, dispatcher, limiter, catalogue)
    in_app = InAppInbound(
        parts.inbound, parts.customers, parts.threads, parts.topics, parts.catalogue, metrics
    )
    mo = MOProcessor(parts.inbound, transactions, sessions, in_app, parts.catalogue, metrics)
    reported = InAppReceipts(transactions, parts.customers, parts.catalogue, metrics)
    dr = DRProcessor(transactions, parts.inbound, reported, parts.catalogue, metrics)
    processors: list[tuple[Role, str, Processor]] = [
        ("mt", MT, mt),
        ("mt", MT_BULK, mt),
        *(("mt", shard(number), mt) for number in range(parts.settings.broker.mt_shards)),
        ("retry", RETRY, retry),
        ("mo", MO_IN, mo),
        ("dr", DR_IN, dr),
    ]
    workers = parts.settings.processor.workers
    loops = [
        queue_loop(parts, queue, processor, workers) for role, queue, processor in processors if role in roles
    ]
    if "mt" not in roles and "retry" not in roles:
        return Work(loops, None)

    def loop_of(account: ProviderAccount) -> Loop:
        patient = RetryProcessor(
            transactions, sessions, outbound, dispatcher, limiter, catalogue, patient=True
        )
        return queue_loop(parts, lane(account.account), patient, min(workers, account.max_in_flight))

    lanes = Lanes(parts.broker, limiter, catalogue, loop_of if "mt" in roles else None)
    return Work(loops, lanes)


def build_expiry(parts: Parts) -> ExpiryMonitor:
    expiry = parts.settings.expiry
    return ExpiryMonitor(
        parts.transactions,
        parts.broker,
        parts.metrics,
        interval_seconds=expiry.interval_seconds,
        batch=expiry.batch,
    )


def add_checks(health: HealthRoutes, parts: Parts) -> None:
    """What every daemon's readiness depends on."""

    def accounts() -> str | None:
        unhealthy = parts.limiter.unhealthy()
        return f"credentials refused: {', '.join(unhealthy)}" if unhealthy else None

    catalogue = parts.catalogue
    health.checks |= {
        "broker": lambda: parts.broker.trouble,
        "store": lambda: parts.watch.trouble,
        "catalogue": lambda: catalogue.trouble if catalogue.current.version == 0 else None,
    }
    health.details |= {"accounts": accounts, "configuration": lambda: catalogue.trouble}
    # Looked at when they are scraped: nobody need ask about readiness for them to be true.
    up = parts.metrics.dependency_up
    up.labels("broker").set_function(lambda: parts.broker.trouble is None)
    up.labels("store").set_function(lambda: parts.watch.trouble is None)


def queue_loop(parts: Parts, queue: str, processor: Processor, workers: int) -> Loop:
    """What works a queue off, counted and timed."""
    return Loop(
        parts.broker,
        queue,
        instrumented(processor, queue, parts.metrics),
        workers=workers,
        grace_seconds=parts.settings.processor.grace_seconds,
        available=parts.available,
    )
