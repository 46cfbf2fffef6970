"""What the driver's errors mean for the gateway."""

from __future__ import annotations

import pytest
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    DuplicateKeyError,
    ExecutionTimeout,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WriteConcernError,
)

from gateway.errors import StoreUnavailable
from gateway.store.connect import store_errors

DUPLICATE = {"index": 0, "code": 11000}
INTERRUPTED_AT_SHUTDOWN = {"index": 1, "code": 11600}
NOT_REPLICATED_IN_TIME = {"code": 64, "errmsg": "waiting for replication timed out"}


@pytest.mark.parametrize(
    "error",
    [
        AutoReconnect("connection closed"),
        NetworkTimeout("timed out"),
        ServerSelectionTimeoutError("connection refused"),
        ExecutionTimeout("operation exceeded time limit", 50),
        WriteConcernError("waiting for replication timed out", 64),
        OperationFailure("interrupted at shutdown", 11600),
        BulkWriteError({"writeErrors": [], "writeConcernErrors": [NOT_REPLICATED_IN_TIME]}),
        BulkWriteError({"writeErrors": [DUPLICATE], "writeConcernErrors": [NOT_REPLICATED_IN_TIME]}),
        BulkWriteError({"writeErrors": [DUPLICATE, INTERRUPTED_AT_SHUTDOWN], "writeConcernErrors": []}),
    ],
    ids=repr,
)
def test_a_server_that_is_away_or_going_is_unavailable(error: PyMongoError) -> None:
    with pytest.raises(StoreUnavailable) as caught, store_errors():
        raise error
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [
        DuplicateKeyError("E11000", 11000),
        BulkWriteError({"writeErrors": [DUPLICATE], "writeConcernErrors": []}),
        OperationFailure("unknown operator", 2),
    ],
    ids=repr,
)
def test_an_answer_passes_as_it_is(error: PyMongoError) -> None:
    with pytest.raises(type(error)) as caught, store_errors():
        raise error
    assert caught.value is error
