"""Names, kinds and bindings of every exchange and queue: the only place that knows them.

Declared idempotently at each start. Arguments here are what makes the topology what it is (queue type,
dead-lettering, the delay of a wait tier); what an operator may want to tune (lengths, delivery limits)
belongs in policies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.broker.port import Publication
from gateway.model.account import WAIT_TIERS_SECONDS

MT = "imgw.mt"
MT_BULK = "imgw.mt.bulk"
RETRY = "imgw.retry"
MO_IN = "imgw.mo.in"
DR_IN = "imgw.dr.in"
MO = "imgw.mo"
DR = "imgw.dr"
RTM_IN = "imgw.rtm.in"  # what devices publish at RabbitMQ's MQTT plugin; declared by who reads it
RTM_OUT = "imgw.rtm.out"
RTM_WAKE = "imgw.rtm.wake"
DEAD = "imgw.dead"

OUT = "imgw.out"  # topic: mo.<app_id>.<channel> and dr.<app_id>.<status>
MT_EXCHANGE = "imgw.mt"  # direct: submit and bulk
MT_SHARDED = "imgw.mt-sharded"  # consistent hash: whatever names the recipient, as <app_id>/<to>

TYPE_MT = "imgw.mt.v1"
TYPE_MO = "imgw.mo.v1"
TYPE_DR = "imgw.dr.v1"
TYPE_CALLBACK = "imgw.callback.v1"  # an item of a callback, in the provider's words
TYPE_OUTCOME = "imgw.outcome.v1"  # an outcome of our own making: failed, rejected, expired
TYPE_DOWNLINK = "imgw.downlink.v1"  # what devices are told beside MT
TYPE_WAKE = "imgw.wake.v1"  # an MT whose recipient is to be woken by push

# Also those of the queues that platforms have declared for them (Broker.declare_queue).
# RabbitMQ 4 drops a quorum queue's message after 20 deliveries unless it has somewhere to go.
SAFE_ARGUMENTS: Mapping[str, str | int | bool] = {
    "x-queue-type": "quorum",
    "x-dead-letter-exchange": "",
    "x-dead-letter-routing-key": DEAD,
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
}


@dataclass(frozen=True, slots=True)
class Queue:
    """A durable quorum queue. `wait_seconds` makes it a tier: after that long its messages go on, by routing
    key."""

    name: str
    arguments: Mapping[str, str | int | bool]
    wait_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """A durable exchange and the queues bound to it, as {routing pattern: queue}."""

    name: str
    kind: str  # topic, direct or fanout
    bindings: Mapping[str, str] = field(default_factory=dict)


def lane(account: str) -> str:
    """The queue of an account's MT that wait for it: `imgw.mt.<account>`."""
    return f"{MT}.{account}"


def shard(number: int) -> str:
    """A queue of the sharded intake: `imgw.mt-shard.0`."""
    return f"imgw.mt-shard.{number}"


def wait_tier(seconds: int) -> str:
    """The name of a wait tier's exchange and of its queue: `imgw.wait.30s`."""
    return f"imgw.wait.{seconds}s"


def _tier(seconds: int) -> Queue:
    arguments: dict[str, str | int] = {
        "x-queue-type": "quorum",
        "x-message-ttl": seconds * 1_000,
        "x-dead-letter-exchange": "",  # back to the queue named by the routing key it was published with
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    return Queue(wait_tier(seconds), arguments, wait_seconds=seconds)


QUEUES: tuple[Queue, ...] = (
    # What is dead must stay, however often people look at it.
    Queue(DEAD, {"x-queue-type": "quorum", "x-delivery-limit": 1_000_000}),
    *(Queue(name, SAFE_ARGUMENTS) for name in (MT, MT_BULK, RETRY, MO_IN, DR_IN, RTM_OUT, RTM_WAKE, MO, DR)),
    *(_tier(seconds) for seconds in WAIT_TIERS_SECONDS),
)

EXCHANGES: tuple[Exchange, ...] = (
    Exchange(OUT, "topic", {"mo.#": MO, "dr.#": DR}),
    Exchange(MT_EXCHANGE, "direct", {"submit": MT, "bulk": MT_BULK}),
    *(Exchange(wait_tier(seconds), "fanout", {"": wait_tier(seconds)}) for seconds in WAIT_TIERS_SECONDS),
)


def tier_for(seconds: float) -> int:
    """The shortest wait tier that is at least this long; the longest one when none is."""
    return next((tier for tier in WAIT_TIERS_SECONDS if tier >= seconds), WAIT_TIERS_SECONDS[-1])


def after(seconds: int, then: str, publication: Publication) -> Publication:
    """The same publication, sent to wait `seconds` (a tier) and then to go to the queue `then`."""
    return Publication(
        exchange=wait_tier(seconds),
        routing_key=then,
        body=publication.body,
        type=publication.type,
        message_id=publication.message_id,
        headers=publication.headers,
    )
