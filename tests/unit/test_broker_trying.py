"""What goes wrong between the gateway and RabbitMQ is tried again, whatever it is."""

from __future__ import annotations

import pytest

from gateway.broker.rabbitmq import trying
from gateway.broker.rabbitmq.errors import broker_errors
from gateway.broker.rabbitmq.trying import until_it_works
from gateway.errors import BrokerUnavailable


def test_a_server_that_hangs_up_before_its_first_word_is_away() -> None:
    with pytest.raises(BrokerUnavailable, match=r"^connecting: it is closed$"), broker_errors("connecting"):
        raise StopAsyncIteration


async def test_an_error_that_nobody_expected_is_tried_again_and_told_by_its_kind_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trying, "_FIRST_SECONDS", 0.001)
    failures: list[Exception] = [LookupError("words that may hold a secret"), BrokerUnavailable("not there")]
    told: list[str] = []

    async def attempt() -> str:
        if failures:
            raise failures.pop(0)
        return "open"

    assert await until_it_works(attempt, told.append, (Exception,)) == "open"
    assert told == ["unexpected LookupError", "not there"]
