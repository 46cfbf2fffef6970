"""The store when its server is killed, hangs, refuses, or only half does what it was asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import structlog
from pydantic import SecretStr
from pymongo import AsyncMongoClient

from gateway.errors import ConfigurationError, StoreUnavailable
from gateway.model.receipt import Status
from gateway.store.catalog import CatalogueStore
from gateway.store.connect import Database, Driver
from gateway.store.indexes import ensure_indexes
from gateway.store.secrets import SecretBox
from gateway.store.transactions import Change
from gateway.store.watch import StoreWatch
from tests.contracts.store_world import AT, Store, accepted, mo, receipt
from tests.servers.mongod import MongoServer, impatient, opened
from tests.waiting import eventually

pytestmark = pytest.mark.mongodb


@pytest.fixture
async def store(mongod: MongoServer, database_name: str, driver: Driver) -> AsyncIterator[Store]:
    """As elsewhere, but with less patience."""
    async with impatient(mongod.url, database_name, driver, 1.0) as database:
        yield Store(database, mongod)


def everything(store: Store) -> dict[str, Awaitable[Any]]:
    """Everything that can be asked of the store, by name."""
    record = accepted()
    catalogue = CatalogueStore(store.database, SecretBox(SecretStr(SecretBox.new_key())))
    transactions, inbound = store.transactions, store.inbound
    return {
        "ping": store.database.ping(),
        "insert": transactions.insert(record),
        "get": transactions.get(record.reference),
        "by_provider_id": transactions.by_provider_id("acme", "p-1"),
        "move": transactions.move(record, Change(Status.SENDING, 1)),
        "due": transactions.due(AT, 10),
        "sent_to": transactions.sent_to("acme/447700900001", AT, [Status.SUBMITTED]),
        "postpone": transactions.postpone([record.reference], AT),
        "totals": transactions.totals(),
        "find": transactions.find("m-1"),
        "count_retried_then_taken": transactions.count_retried_then_taken(),
        "add_mo": inbound.add_mo(mo()),
        "add_receipt": inbound.add_receipt(receipt()),
        "receipts_of": inbound.receipts_of(record.reference),
        "count_mo": inbound.count_mo(),
        "count_unmatched": inbound.count_unmatched(),
        "note": store.sessions.note("acme", "447700900001", AT),
        "last": store.sessions.last("acme", "447700900001"),
        "load": catalogue.load(),
        "version": catalogue.version(),
        "put": catalogue.put({"shop": {}}, {"acme": {}}, prune=True),
        "ensure_indexes": ensure_indexes(store.database),
    }


async def outcomes(asked: dict[str, Awaitable[Any]]) -> dict[str, type[Any]]:
    """What each came to: the kind of its error, or None's."""
    results = await asyncio.gather(*asked.values(), return_exceptions=True)
    return {
        name: type(result if isinstance(result, BaseException) else None)
        for name, result in zip(asked, results, strict=True)
    }


async def works(store: Store) -> bool:
    try:
        await store.transactions.insert(accepted("works"))
    except StoreUnavailable:
        return False
    return True


async def test_a_server_that_was_killed_is_away_and_is_there_again_once_it_is_restarted(store: Store) -> None:
    record = await store.added(accepted())
    await store.server.kill()
    asked = everything(store)
    assert await outcomes(asked) == dict.fromkeys(asked, StoreUnavailable)
    await store.server.restart()
    await eventually(lambda: works(store))
    assert await store.stored(record) == record
    asked = everything(store)
    assert await outcomes(asked) == dict.fromkeys(asked, type(None))


async def test_a_server_that_hangs_is_away_once_the_time_limit_is_over_and_there_again_later(
    store: Store,
) -> None:
    record = await store.added(accepted())
    store.server.suspend()
    asked = everything(store)
    async with asyncio.timeout(30):  # some ask twice, and the machine may be slow
        assert await outcomes(asked) == dict.fromkeys(asked, StoreUnavailable)
    store.server.resume()
    await eventually(lambda: works(store))
    assert (await store.stored(record)).reference == record.reference


async def test_what_was_acknowledged_is_there_after_the_server_was_killed(store: Store) -> None:
    acknowledged: list[str] = []

    async def write(number: int) -> None:
        for serial in range(10_000):
            record = accepted(f"m-{number}-{serial}")
            try:
                await store.transactions.insert(record)
            except StoreUnavailable:
                return
            acknowledged.append(record.reference)

    writers = [asyncio.create_task(write(number)) for number in range(20)]

    async def under_way() -> bool:
        return len(acknowledged) > 1_000

    await eventually(under_way)
    await store.server.kill()
    await asyncio.gather(*writers)
    await store.server.restart()

    await eventually(lambda: works(store))
    records = await asyncio.gather(*(store.transactions.get(reference) for reference in acknowledged))
    assert [record.reference for record in records if record] == acknowledged


@asynccontextmanager
async def failing(store: Store, *commands: str, **how: Any) -> AsyncIterator[None]:
    """The server fails these commands of ours as it is told, for a while."""
    on = {"configureFailPoint": "failCommand", "mode": "alwaysOn"}
    data = {"failCommands": commands, "appName": "im-gateway", **how}
    async with AsyncMongoClient[dict[str, Any]](store.server.url) as client:
        await client.admin.command({**on, "data": data})
        try:
            yield
        finally:
            await client.admin.command({**on, "mode": "off"})


NOT_SAFE = {"code": 64, "codeName": "WriteConcernTimeout", "errmsg": "waiting for replication timed out"}


@pytest.mark.parametrize(
    "how",
    [
        pytest.param({"writeConcernError": NOT_SAFE}, id="writes that were not made safe"),
        pytest.param({"errorCode": 10107}, id="a server that is not the primary any more"),
        pytest.param({"errorCode": 50}, id="an operation that took too long there"),
        pytest.param({"errorCode": 6}, id="a server that does not reach another one"),
        pytest.param({"errorCode": 13}, id="credentials that are not enough"),
        pytest.param({"errorCode": 18}, id="credentials that are refused"),
        pytest.param({"closeConnection": True}, id="a connection that breaks"),
    ],
)
async def test_writes_that_may_not_be_there_are_not_acknowledged(store: Store, how: dict[str, Any]) -> None:
    record = await store.added(accepted())
    async with failing(store, "insert", "update", **how):
        attempts: dict[str, Awaitable[Any]] = {
            "insert": store.transactions.insert(accepted("m-2")),
            "move": store.transactions.move(record, Change(Status.SENDING, 1)),
            "add_mo": store.inbound.add_mo(mo()),
            "postpone": store.transactions.postpone([record.reference], AT),
        }
        assert await outcomes(attempts) == dict.fromkeys(attempts, StoreUnavailable)
    await eventually(lambda: works(store))


async def test_refused_credentials_name_the_setting_and_nothing_of_it(store: Store) -> None:
    async with failing(store, "find", errorCode=18):
        with pytest.raises(StoreUnavailable, match=r"^MongoDB refuses the credentials in IMGW_STORE__URL$"):
            await store.transactions.get("shop/m-1")


@pytest.mark.parametrize(
    "url", ["mongodb://ann:s3cret@host:port", "mongodb://ann:s3cret@/", "mongodb://s3cret%zz@host"]
)
async def test_a_url_that_cannot_be_one_is_a_problem_of_its_setting(url: str, driver: Driver) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Database(url, "imgw", driver)
    assert [problem.where for problem in caught.value.problems] == ["IMGW_STORE__URL"]
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("options", ["", "&w=0&readPreference=secondary", "&w=1&journal=false"])
async def test_every_write_is_safe_on_a_majority_whatever_the_url_says(
    mongod: MongoServer, database_name: str, driver: Driver, options: str
) -> None:
    database = Database(f"{mongod.url}{options}", database_name, driver)
    store = Store(database, mongod)
    async with opened(database):
        await ensure_indexes(database)
        await database.db.command({"profile": 2})
        try:
            record = await store.added(accepted())
            await store.transactions.move(record, Change(Status.SENDING, 1))
            await store.inbound.add_mo(mo())
            await store.inbound.add_receipt(receipt())
            profile = database.db["system.profile"]
            seen = await profile.find({"op": {"$in": ["insert", "command"]}}).to_list(None)
        finally:
            await database.db.command({"profile": 0})
    writes = [each["command"] for each in seen if {"insert", "update"} & each["command"].keys()]
    assert len(writes) >= 3
    durable = {"w": "majority", "j": True}
    assert [each["writeConcern"] for each in writes] == [durable] * len(writes)


async def trouble_of(watch: StoreWatch, *, is_there: bool) -> None:
    async def it_is() -> bool:
        return (watch.trouble is not None) is is_there

    await eventually(it_is, within_seconds=30)


async def test_the_watch_says_what_is_wrong_until_it_is_not(store: Store) -> None:
    watch, started_later = StoreWatch(store.database), StoreWatch(store.database)
    assert watch.trouble == "not connected yet"
    with structlog.testing.capture_logs() as logs:
        await watch.start()
        assert watch.trouble is None
        await store.server.kill()
        await trouble_of(watch, is_there=True)
        assert str(watch.trouble).startswith("MongoDB: ")
        with pytest.raises(StoreUnavailable):
            await watch.check()
        await started_later.start()
        assert str(started_later.trouble).startswith("MongoDB: ")
        await store.server.restart()
        for each in (watch, started_later):
            await trouble_of(each, is_there=False)
            await each.stop()
    assert [line["event"] for line in logs[:2]] == ["store.connected", "store.lost"]
    assert [line["event"] for line in logs[2:]] == ["store.connected", "store.connected"]


async def test_the_watch_sees_a_server_that_hangs(store: Store) -> None:
    watch = StoreWatch(store.database)
    await watch.start()
    store.server.suspend()
    await trouble_of(watch, is_there=True)
    store.server.resume()
    await trouble_of(watch, is_there=False)
    await watch.stop()


async def test_the_watch_outlives_refused_credentials(store: Store) -> None:
    watch = StoreWatch(store.database)
    async with failing(store, "hello", errorCode=18):
        await watch.start()
        assert watch.trouble == "MongoDB refuses the credentials in IMGW_STORE__URL"
    await trouble_of(watch, is_there=False)
    await watch.stop()
