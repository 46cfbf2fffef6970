"""How much a fault test puts through and for how long it keeps things away: short for every run, long for a
soak."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """The size of one scenario. The seconds say how long something lasts at least."""

    mt: int
    mo: int
    backlog: int  # MT that are on the queue before anybody takes them
    poison: int  # bad bodies for each queue and each callback URL
    huge: int  # how many of them are of 10 MB
    spread_seconds: float  # over how long the messages are published
    away_seconds: float  # how long a server, or the network, is away
    provider_away_seconds: float
    provider_bad_seconds: float  # slow, and as long throttling
    store_timeout_seconds: float  # of the daemons; shorter than `away_seconds`
    validity_seconds: int  # of MT that no receipt comes for
    forced_closings: int  # how often RabbitMQ closes all connections, one every two seconds
    rounds: int  # how often a damage that leaves things as they were is done
    latest_receipt_seconds: int
    settle_seconds: float  # how long everything may take to come to its end after the last message
    test_seconds: int  # how long a test may take as a whole


SHORT = Scale(
    mt=240,
    mo=40,
    backlog=2_000,
    poison=200,
    huge=1,
    spread_seconds=4.0,
    away_seconds=3.5,
    provider_away_seconds=4.0,
    provider_bad_seconds=2.0,
    store_timeout_seconds=2.0,
    validity_seconds=4,
    forced_closings=2,
    rounds=1,
    latest_receipt_seconds=2,
    settle_seconds=120.0,
    test_seconds=300,
)
LONG = Scale(
    mt=3_000,
    mo=500,
    backlog=200_000,
    poison=400,
    huge=4,
    spread_seconds=45.0,
    away_seconds=20.0,
    provider_away_seconds=30.0,
    provider_bad_seconds=15.0,
    store_timeout_seconds=10.0,
    validity_seconds=12,
    forced_closings=10,
    rounds=3,
    latest_receipt_seconds=10,
    settle_seconds=420.0,
    test_seconds=900,
)


def chosen_scale() -> Scale:
    """What FAULTS_SCALE names: short (the default) or long."""
    return {"short": SHORT, "long": LONG}[os.environ.get("FAULTS_SCALE", "short")]


def chosen_seed() -> int:
    """FAULTS_SEED, or any; it is part of every failure and of every result."""
    given = os.environ.get("FAULTS_SEED")
    return int(given) if given else random.randrange(2**31)
