"""Fixtures for the contracts: the store with each driver, and each kind of broker."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.broker.port import Broker
from gateway.store.connect import Driver
from tests.contracts.broker_kinds import KINDS, Place, broker_at, empty_place
from tests.contracts.store_world import Store
from tests.servers.mongod import MongoServer, impatient


@pytest.fixture(params=["motor", "pymongo"])
def driver(request: pytest.FixtureRequest) -> Driver:
    name: Driver = request.param
    return name


@pytest.fixture
async def store(mongod: MongoServer, database_name: str, driver: Driver) -> AsyncIterator[Store]:
    """A store of its own, with its indexes; an operation may take two seconds."""
    async with impatient(mongod.url, database_name, driver, 2.0) as database:
        yield Store(database, mongod)


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest) -> Place:
    return empty_place(request.param, request)


@pytest.fixture
async def broker(place: Place) -> AsyncIterator[Broker]:
    async with broker_at(place) as broker:
        yield broker
