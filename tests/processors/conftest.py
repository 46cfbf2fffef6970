"""The processors over a real store and a provider that does as it is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from gateway.broker.port import Delivery, Publication
from gateway.model.account import ProviderAccount
from gateway.model.application import Application
from gateway.store.connect import Database
from gateway.store.customers import Customers
from gateway.store.inbound import InboundLog
from gateway.store.indexes import ensure_indexes
from gateway.store.records import MTRecord
from gateway.store.sessions import Sessions
from gateway.store.threads import Threads
from gateway.store.topics import Topics
from gateway.store.transactions import Transactions
from gateway.telemetry.metrics import Metrics
from gateway.transports.port import Transports
from processors.catalogue import Catalogue
from processors.dispatch import Dispatcher
from processors.dr import DRProcessor
from processors.limiter import Limiter
from processors.mo import MOProcessor
from processors.mt import MTProcessor
from processors.outcome import Dead, Done, Processor
from processors.retry import RetryProcessor
from processors.rtm.inbound import InAppInbound
from processors.rtm.outbound import InAppOutbound
from processors.rtm.receipts import InAppReceipts
from tests.handlers.fake_http import FakeHttp, FakeTokens
from tests.handlers.fake_mqtt import FakeMqtt
from tests.processors.fakes import Provider, catalogue_of, delivery_of
from tests.processors.rtm_world import configure, populate


@dataclass
class World:
    """All processors of one process."""

    provider: Provider
    catalogue: Catalogue
    database: Database
    transactions: Transactions
    inbound: InboundLog
    sessions: Sessions
    metrics: Metrics
    limiter: Limiter
    dispatcher: Dispatcher
    customers: Customers
    threads: Threads
    topics: Topics
    mqtt: FakeMqtt
    news: Catalogue | None = None  # what was configured meanwhile, and this process does not know yet
    mt: MTProcessor = field(init=False)
    retry: RetryProcessor = field(init=False)
    lane: RetryProcessor = field(init=False)
    dr: DRProcessor = field(init=False)
    mo: MOProcessor = field(init=False)

    def __post_init__(self) -> None:
        def catalogue() -> Catalogue:
            return self.catalogue

        people = (self.customers, self.threads, self.topics)
        outbound = InAppOutbound(*people, catalogue)
        parts = (self.transactions, self.sessions, outbound, self.dispatcher, self.limiter)
        self.mt = MTProcessor(*parts, self)
        self.retry = RetryProcessor(*parts, catalogue)
        self.lane = RetryProcessor(*parts, catalogue, patient=True)
        reported = InAppReceipts(self.transactions, self.customers, self, self.metrics)
        self.dr = DRProcessor(self.transactions, self.inbound, reported, self, self.metrics)
        inbound = InAppInbound(self.inbound, *people, self, self.metrics)
        self.mo = MOProcessor(self.inbound, self.transactions, self.sessions, inbound, self, self.metrics)

    def configure(
        self, *, account: ProviderAccount | None = None, application: Application | None = None
    ) -> None:
        given: dict[str, Any] = {"account": account, "application": application}
        self.catalogue = catalogue_of(self.provider, **{k: v for k, v in given.items() if v is not None})
        self.limiter.configure(self.catalogue.accounts)

    @property
    def current(self) -> Catalogue:
        return self.catalogue

    async def catch_up(self) -> None:
        """What `news` brings is known from now on."""
        if self.news is not None:
            self.catalogue, self.news = self.news, None
            self.limiter.configure(self.catalogue.accounts)

    async def record(self, reference: str = "shop/m-1") -> MTRecord:
        record = await self.transactions.get(reference)
        assert record is not None
        return record

    async def follow(self, publications: list[Publication]) -> list[Publication]:
        """Hand on what was published, until only DR for the platform are left."""
        told: list[Publication] = []
        while publications:
            publication = publications.pop(0)
            processor = self._reader_of(publication)
            if processor is None:
                told.append(publication)
            else:
                publications += await done(processor, delivery_of(publication))
        return told

    def _reader_of(self, publication: Publication) -> Processor | None:
        readers: dict[str, Processor] = {
            "imgw.retry": self.retry,
            "imgw.dr.in": self.dr,
            "imgw.mt": self.mt,
            "imgw.mt.acme": self.lane,
            "imgw.mt.rtm-1": self.lane,
        }
        return readers.get(publication.routing_key)


async def done(processor: Processor, delivery: Delivery) -> list[Publication]:
    """What a processor publishes for a delivery that it can deal with."""
    outcome = await processor.process(delivery)
    assert isinstance(outcome, Done), outcome
    return list(outcome.publish)


async def dead(processor: Processor, delivery: Delivery) -> Dead:
    outcome = await processor.process(delivery)
    assert isinstance(outcome, Dead), outcome
    return outcome


@pytest.fixture
async def world(database: Database) -> World:
    await ensure_indexes(database)
    provider, metrics = Provider(), Metrics(CollectorRegistry())
    limiter, transactions = Limiter(metrics), Transactions(database, "test")
    http, mqtt = FakeHttp(), FakeMqtt()
    ways_out = Transports(http=http, http2=http, mqtt=mqtt, tokens=FakeTokens())
    dispatcher = Dispatcher(transactions, limiter, ways_out, metrics, "test")
    catalogue = catalogue_of(provider)
    limiter.configure(catalogue.accounts)
    return World(
        provider,
        catalogue,
        database,
        transactions,
        InboundLog(database),
        Sessions(database),
        metrics,
        limiter,
        dispatcher,
        Customers(database),
        Threads(database),
        Topics(database),
        mqtt,
    )


@pytest.fixture
async def rtm(world: World) -> World:
    """A world whose account is an MQTT broker, with a few people and topics."""
    configure(world)
    await populate(world)
    return world


@pytest.fixture
def quick(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world in which being throttled does not pause the account."""
    monkeypatch.setattr("processors.sending.pause_of", lambda error: 0.0)
    return world
