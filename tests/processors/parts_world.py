"""What the tests of MT that go in several messages share."""

from __future__ import annotations

from typing import Any

from gateway.broker.port import Delivery, Publication
from gateway.errors import FailureKind, ProviderError
from handlers.contract import Submitted
from tests.processors.conftest import World, done
from tests.processors.fakes import mt, seen

FIRST, SECOND = "a" * 100, "b" * 50


def long(parts: int = 2, **fields: Any) -> Delivery:
    """An MT that goes in so many messages."""
    return mt(content={"type": "text", "text": FIRST * (parts - 1) + SECOND}, **fields)


def failure(kind: FailureKind, after: float | None = None) -> ProviderError:
    return ProviderError(kind, reason="provider_error", code="E1", retry_after_seconds=after)


def taken(number: int) -> Submitted:
    return Submitted((f"p-{number}",))


def told(publications: list[Publication]) -> list[tuple[str, bool, list[str]]]:
    """What the platform is told: the status, whether it is final, and the provider's ids."""
    rows = [dr for _, dr in seen(publications)]
    return [(dr["status"], dr["final"], dr["provider_message_ids"]) for dr in rows]


def parts_sent(world: World) -> list[int]:
    return [submission.part for submission in world.provider.sent]


async def half_sent(world: World, *, parts: int = 2, **fields: Any) -> Publication:
    """The repeat of an MT of which the provider has taken the first message and throttled the second."""
    world.provider.answers = [taken(1), failure(FailureKind.THROTTLED)]
    [wait] = await done(world.mt, long(parts, **fields))
    return wait
