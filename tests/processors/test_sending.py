"""How long a send may take, and for how long its MT is claimed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from gateway.errors import FailureKind, ProviderError
from gateway.model.address import Address
from gateway.model.base import now, to_utc_milliseconds
from gateway.model.content import TextContent
from gateway.model.receipt import Status
from gateway.store.records import Claim, MTRecord
from gateway.telemetry.metrics import Metrics
from handlers.contract import Submission
from processors.dispatch import Dispatcher
from processors.limiter import Limiter
from processors.planning import Plan
from processors.sending import Sender
from tests.processors.fakes import ACCOUNT, Provider
from tests.processors.virtual_time import in_virtual_time, virtual_now

SLOW = ACCOUNT.model_copy(update={"timeout_seconds": 10.0})
NEWS = Submission("shop/m-1", Address(kind="topic", id="news"), None, TextContent(text="Hello"))

# By how many people it is for: what its pages may take.
PAGES_SECONDS = [(0, 10), (1, 10), (1_000, 10), (1_001, 20), (2_500, 30)]


def _for(people: int) -> Submission:
    return replace(NEWS, audience=tuple(f"person-{number}" for number in range(people)))


class Hanging:
    async def send(self, submission: Submission, out: Any) -> Any:
        await asyncio.Event().wait()


@pytest.mark.parametrize(("people", "seconds"), PAGES_SECONDS)
@in_virtual_time
async def test_a_handler_that_hangs_is_ended_soon_after_the_time_of_all_pages(
    people: int, seconds: int
) -> None:
    metrics, nothing, hanging = Metrics(CollectorRegistry()), None, Hanging()
    limiter, began_at = Limiter(metrics, clock=virtual_now), virtual_now()
    limiter.configure({SLOW.account: SLOW})
    await limiter.enter(SLOW.account)
    sender = Sender(limiter, nothing, metrics)  # type: ignore[arg-type]
    answer = await sender.send(SLOW, hanging, _for(people))  # type: ignore[arg-type]
    assert isinstance(answer, ProviderError)
    assert (answer.kind, answer.reason, answer.code) == (
        FailureKind.UNCERTAIN,
        "provider_unavailable",
        "time_out",
    )
    assert virtual_now() - began_at == pytest.approx(seconds + 5)


@pytest.mark.parametrize(("people", "seconds"), PAGES_SECONDS)
def test_an_attempt_is_claimed_for_longer_than_all_pages_can_take(
    monkeypatch: pytest.MonkeyPatch, people: int, seconds: int
) -> None:
    at = now()
    monkeypatch.setattr("processors.dispatch.now", lambda: at)
    metrics, nothing = Metrics(CollectorRegistry()), None
    dispatcher = Dispatcher(nothing, Limiter(metrics), nothing, metrics, "us")  # type: ignore[arg-type]
    record = MTRecord("shop", "m-1", Status.WAITING, at, at, b"")
    planned = Plan(SLOW, Provider(), NEWS.to, (), (_for(people),), "avoid")
    until = to_utc_milliseconds(at + timedelta(seconds=seconds + 15))
    assert dispatcher.begin(record, planned, 2).claim == Claim("us", until)
