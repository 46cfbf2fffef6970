"""Lanes, order and the breaker: an account that cannot take its messages now holds up nobody else's."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from gateway.errors import BrokerUnavailable, FailureKind, ProviderError
from gateway.model.account import ProviderAccount
from gateway.model.receipt import Status
from gateway.telemetry.metrics import Metrics
from gateway.transports.port import Transports
from handlers.contract import Submission, Submitted
from processors import lanes
from processors.breaker import TRIPS_AFTER, Breaker
from processors.limiter import Limiter
from processors.sequencer import Sequencer
from tests.processors.conftest import World, done
from tests.processors.fakes import ACCOUNT, Provider, catalogue_of, delivery_of, mt, seen


@pytest.mark.mongodb
async def test_an_mt_for_an_account_with_a_backlog_joins_its_lane_without_being_tried(world: World) -> None:
    world.limiter.set_backlog("acme", True)
    [publication] = await done(world.mt, mt())
    assert (publication.routing_key, world.provider.sent) == ("imgw.mt.acme", [])
    assert (await world.record()).status is Status.WAITING
    [(key, _)] = seen(await done(world.lane, delivery_of(publication)))
    assert key == "dr.shop.submitted"


@pytest.mark.mongodb
async def test_an_mt_that_waits_too_long_for_a_slot_joins_the_lane_and_others_follow(world: World) -> None:
    world.configure(account=ACCOUNT.model_copy(update={"max_in_flight": 1}))
    assert await world.limiter.enter("acme") == 0
    [first] = await done(world.mt, mt(message_id="m-1"))
    [second] = await done(world.mt, mt(message_id="m-2"))
    assert [first.routing_key, second.routing_key] == ["imgw.mt.acme", "imgw.mt.acme"]
    assert [event["status"] for event in (await world.record("shop/m-1")).events] == ["sending", "waiting"]
    assert [event["status"] for event in (await world.record("shop/m-2")).events] == ["waiting"]


@pytest.mark.mongodb
async def test_a_repeat_for_an_account_with_a_backlog_joins_the_lane_untouched(world: World) -> None:
    world.provider.answers = [ProviderError(FailureKind.TRANSIENT, reason="provider_error")]
    [repeat] = await done(world.mt, mt())
    world.limiter.set_backlog("acme", True)
    before = await world.record()
    [publication] = await done(world.retry, delivery_of(repeat))
    assert (publication.routing_key, publication.headers) == ("imgw.mt.acme", repeat.headers)
    assert await world.record() == before


@pytest.mark.mongodb
async def test_in_a_lane_an_mt_waits_for_a_pause_to_end(world: World) -> None:
    world.limiter.set_backlog("acme", True)
    [publication] = await done(world.mt, mt())
    world.limiter.pause("acme", 0.3)
    [(key, _)] = seen(await done(world.lane, delivery_of(publication)))
    assert key == "dr.shop.submitted"


class SlowProvider(Provider):
    """Takes ever less time for each message, so that without an order of ours they would overtake each
    other."""

    async def send(self, submission: Submission, out: Transports) -> Submitted:
        await asyncio.sleep(max(0.0, 0.05 - 0.01 * len(self.sent)))
        return await super().send(submission, out)


@pytest.mark.mongodb
@pytest.mark.parametrize("backlog", [False, True])
async def test_mt_of_one_application_to_one_recipient_keep_their_order(world: World, backlog: bool) -> None:
    world.provider = SlowProvider()
    world.configure()
    world.limiter.set_backlog("acme", backlog)
    deliveries = [mt(message_id=f"m-{number}") for number in range(8)]
    results = await asyncio.gather(*(done(world.mt, delivery) for delivery in deliveries))
    if backlog:
        lane = [delivery_of(publication) for publications in results for publication in publications]
        await asyncio.gather(*(done(world.lane, delivery) for delivery in lane))
    assert [submission.reference for submission in world.provider.sent] == [f"shop/m-{n}" for n in range(8)]


@pytest.mark.mongodb
async def test_a_provider_that_does_not_answer_is_left_alone_and_probed(world: World) -> None:
    away = ProviderError(FailureKind.TRANSIENT, reason="provider_unavailable")
    world.provider.answers = [away] * TRIPS_AFTER
    for number in range(TRIPS_AFTER):
        await done(world.mt, mt(message_id=f"m-{number}"))
    [waiting] = await done(world.mt, mt(message_id="later"))
    assert (waiting.routing_key, len(world.provider.sent)) == ("imgw.mt.acme", TRIPS_AFTER)
    [(key, _)] = seen(await done(world.lane, delivery_of(waiting)))  # the probe, after the breaker's rest
    assert key == "dr.shop.submitted"
    [(key, _)] = seen(await done(world.mt, mt(message_id="afterwards")))
    assert key == "dr.shop.submitted"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def _tripped() -> tuple[Breaker, Clock]:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(TRIPS_AFTER):
        assert breaker.blocked_seconds() == 0
        breaker.sending()
        breaker.failed()
    return breaker, clock


def test_failures_in_a_row_open_the_breaker() -> None:
    breaker, _ = _tripped()
    assert (breaker.tripped, breaker.blocked_seconds()) == (True, 2.0)


def test_an_answer_ends_the_row() -> None:
    breaker = Breaker(Clock())
    for _ in range(TRIPS_AFTER - 1):
        breaker.failed()
    breaker.answered()
    breaker.failed()
    assert not breaker.tripped


def test_only_one_may_probe() -> None:
    breaker, clock = _tripped()
    clock.now += 2.0
    assert breaker.blocked_seconds() == 0
    breaker.sending()
    assert breaker.blocked_seconds() > 0


def test_a_probe_that_is_answered_closes_and_one_that_fails_rests_twice_as_long() -> None:
    breaker, clock = _tripped()
    clock.now += 2.0
    breaker.sending()
    breaker.failed()
    assert breaker.blocked_seconds() == 4.0
    clock.now += 4.0
    breaker.sending()
    breaker.answered()
    assert (breaker.tripped, breaker.blocked_seconds()) == (False, 0.0)


def test_the_rest_never_grows_beyond_a_minute() -> None:
    breaker, clock = _tripped()
    for _ in range(12):
        clock.now += breaker.blocked_seconds()
        breaker.sending()
        breaker.failed()
    assert breaker.blocked_seconds() == 60.0


def test_failures_of_sends_that_were_under_way_do_not_lengthen_the_rest() -> None:
    breaker, clock = _tripped()
    clock.now += 1.0
    breaker.failed()
    assert breaker.blocked_seconds() == 1.0


def test_a_probe_that_says_nothing_lets_another_one_probe() -> None:
    breaker, clock = _tripped()
    clock.now += 2.0
    breaker.sending()
    breaker.unclear()
    assert breaker.blocked_seconds() == 0


async def test_turns_come_in_the_order_in_which_they_were_taken_whatever_becomes_of_them() -> None:
    sequencer, came = Sequencer(), []

    async def take(name: str, turn: object, *, fails: bool = False) -> None:
        try:
            await turn.come()  # type: ignore[attr-defined]
            came.append(name)
            if fails:
                raise RuntimeError(name)
        finally:
            turn.done()  # type: ignore[attr-defined]

    first = sequencer.take("key")
    tasks = [asyncio.create_task(take(str(n), sequencer.take("key"), fails=n == 1)) for n in (1, 2, 3)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    await take("other", sequencer.take("other"))
    first.done()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert came == ["other", "1", "3"]


def test_the_lane_of_an_account_cannot_be_another_queue() -> None:
    with pytest.raises(ValueError, match="bulk is taken"):
        ProviderAccount(account="bulk", provider="scripted", channel="sms")


class ForgetfulBroker:
    """Goes away in the middle of the first look at a lane."""

    def __init__(self) -> None:
        self.declared: list[str] = []
        self.looks = 0

    async def declare_queue(self, queue: str, bindings: dict[str, str], **_: bool) -> None:
        self.declared.append(queue)

    async def depth(self, queue: str) -> int:
        self.looks += 1
        if self.looks == 1:
            raise BrokerUnavailable("it is away")
        return 0


class StartedLoop:
    """A loop that only notes that it was started."""

    consuming = True

    def __init__(self) -> None:
        self.started = asyncio.Event()

    def start(self) -> None:
        self.started.set()

    async def stop(self) -> None:
        """Nothing to do."""


async def test_a_lane_is_worked_off_though_the_broker_went_away_when_it_was_declared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lanes, "_LOOK_SECONDS", 0.01)
    broker, loop, limiter = ForgetfulBroker(), StartedLoop(), Limiter(Metrics(CollectorRegistry()))
    catalogue = catalogue_of(Provider())
    limiter.configure(catalogue.accounts)
    kept = lanes.Lanes(broker, limiter, lambda: catalogue, lambda _: loop)  # type: ignore[arg-type,return-value]
    kept.start()
    async with asyncio.timeout(5):
        await loop.started.wait()
    await kept.stop()
    assert broker.declared == ["imgw.mt.acme"] * 2
