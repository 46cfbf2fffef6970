"""The connection to MongoDB, through motor or its successor, and what its errors mean for the gateway.

Motor was chosen by the project's user and has reached its end of life upstream. Only what it shares with
PyMongo's AsyncMongoClient is used, so that IMGW_STORE__DRIVER=pymongo is the whole of a move.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from bson.codec_options import CodecOptions
from pymongo import ReadPreference, WriteConcern
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
)
from pymongo.errors import ConfigurationError as UnusableOption

from gateway.errors import ConfigurationError, Problem, StoreUnavailable

Driver = Literal["motor", "pymongo"]

_SETTING = "IMGW_STORE__URL"

# What a server says while it is starting, electing or shutting down, when it cannot reach another one, or
# when a write was not made safe in time.
_PASSING_CODES = frozenset(
    {6, 7, 50, 64, 89, 91, 133, 134, 189, 262, 9001, 10107, 11600, 11601, 11602, 13388, 13435, 13436}
)
# Credentials that are refused are a person's to mend; until then nothing must be taken for undeliverable.
_REFUSED_CODES = frozenset({13, 18, 8000})

# Acknowledged writes were lost without the journal when the server was killed (measured 2026-11).
DURABLE = WriteConcern(w="majority", j=True)


class Database:
    """One database: `db` is the driver's own object, whose collections the other files of this folder use.

    Raises ConfigurationError for a URL that cannot be one; whether a server is there shows later.
    """

    def __init__(
        self, url: str, name: str, driver: Driver = "motor", *, timeout_seconds: float = 10.0
    ) -> None:
        options: dict[str, Any] = {
            "appname": "im-gateway",
            "tz_aware": True,
            "timeoutMS": int(timeout_seconds * 1_000),
            "serverSelectionTimeoutMS": int(timeout_seconds * 1_000),
            "connectTimeoutMS": 5_000,
            "maxPoolSize": 20,
        }
        self.driver = driver
        try:
            self._client: Any = _client_class(driver)(url, **options)
        except (UnusableOption, ValueError, TypeError) as error:  # their words may show a part of the URL
            what = "MongoDB's driver cannot use it: look at host, port, and %-escapes in user and password"
            raise ConfigurationError([Problem(_SETTING, what)]) from error
        codec: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)
        # Whatever the URL says: what was written must be safe, and be there when it is read.
        self.db: Any = self._client.get_database(
            name, codec_options=codec, write_concern=DURABLE, read_preference=ReadPreference.PRIMARY
        )

    async def ping(self) -> None:
        """Raises StoreUnavailable unless the server answers and takes writes."""
        with store_errors():
            answer = await self.db.command("hello")
            if not answer.get("isWritablePrimary"):
                raise StoreUnavailable("MongoDB answers but takes no writes (no primary)")

    async def aggregate(self, collection: str, pipeline: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The whole result of an aggregation; the two drivers differ in when they hand out the cursor."""
        with store_errors():
            cursor = self.db[collection].aggregate(pipeline)
            if inspect.isawaitable(cursor):
                cursor = await cursor
            return list(await cursor.to_list(None))

    async def close(self) -> None:
        closing = self._client.close()
        if inspect.isawaitable(closing):
            await closing


@contextmanager
def store_errors() -> Iterator[None]:
    """Turns what the driver raises when the server is away into StoreUnavailable; other errors pass.

    BulkWriteError and DuplicateKeyError are answers, not failures, and pass as well; except that a bulk whose
    writes were not made safe, or were cut short by a server that is going away, says what the server's
    absence says.
    """
    try:
        yield
    except BulkWriteError as error:
        if _cut_short(error):
            raise StoreUnavailable("MongoDB: writes were cut short") from error
        raise
    except DuplicateKeyError:
        raise
    except (ConnectionFailure, ExecutionTimeout) as error:
        raise StoreUnavailable(f"MongoDB: {type(error).__name__}") from error
    except OperationFailure as error:
        if error.code in _REFUSED_CODES:
            raise StoreUnavailable(f"MongoDB refuses the credentials in {_SETTING}") from error
        if error.code in _PASSING_CODES:
            raise StoreUnavailable(f"MongoDB: {type(error).__name__} {error.code}") from error
        raise
    except PyMongoError as error:
        if error.timeout:
            raise StoreUnavailable("MongoDB: no answer in time") from error
        raise


def _cut_short(error: BulkWriteError) -> bool:
    details = error.details or {}
    codes = {row["code"] for row in details.get("writeErrors", ())}
    return bool(details.get("writeConcernErrors")) or not codes.isdisjoint(_PASSING_CODES)


def _client_class(driver: Driver) -> Any:
    if driver == "motor":
        from motor.motor_asyncio import AsyncIOMotorClient

        return AsyncIOMotorClient
    from pymongo import AsyncMongoClient

    return AsyncMongoClient
