"""The limiter: each account's rate, its sends under way, and its pauses, all in virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from gateway.model.account import ProviderAccount
from gateway.telemetry.metrics import Metrics
from processors.breaker import TRIPS_AFTER
from processors.limiter import LONGEST_WAIT_SECONDS, Limiter
from tests.processors.virtual_time import in_virtual_time, virtual_now


def account(**limits: Any) -> ProviderAccount:
    return ProviderAccount(account="acme", provider="scripted", channel="sms", **limits)


class Bench:
    """A limiter with one account, and what those who asked it were told."""

    def __init__(self, **limits: Any) -> None:
        self.registry = CollectorRegistry()
        self.limiter = Limiter(Metrics(self.registry), clock=virtual_now)
        self.configure(**limits)
        self.began_at = virtual_now()
        self.let_in: list[tuple[str, float]] = []  # who, and how long after the beginning
        self.told: dict[str, float] = {}

    def configure(self, **limits: Any) -> None:
        self.limiter.configure({"acme": account(**limits)})

    async def enter(self, who: str = "somebody") -> float:
        seconds = await self.limiter.enter("acme")
        self.told[who] = seconds
        if seconds == 0:
            self.let_in.append((who, round(virtual_now() - self.began_at, 6)))
        return seconds

    async def send(self, who: str, seconds: float) -> None:
        if await self.enter(who) == 0:
            await asyncio.sleep(seconds)
            self.leave()

    def leave(self) -> None:
        self.limiter.leave("acme")

    def asking(self, *names: str) -> list[asyncio.Task[float]]:
        return [asyncio.create_task(self.enter(name)) for name in names]

    def in_flight(self) -> float | None:
        return self.registry.get_sample_value("imgw_in_flight", {"account": "acme"})

    def health(self) -> float | None:
        return self.registry.get_sample_value("imgw_account_healthy", {"account": "acme"})


async def turn() -> None:
    """Let every task go as far as it can without time passing."""
    for _ in range(20):
        await asyncio.sleep(0)


@in_virtual_time
async def test_without_a_rate_nobody_waits() -> None:
    bench = Bench()
    for number in range(50):
        assert await bench.enter(str(number)) == 0
    assert virtual_now() == bench.began_at


@in_virtual_time
async def test_sends_are_spaced_evenly_by_the_rate() -> None:
    bench = Bench(max_tps=4)
    await asyncio.gather(*bench.asking(*"abcde"))
    assert bench.let_in == [("a", 0.0), ("b", 0.25), ("c", 0.5), ("d", 0.75), ("e", 1.0)]


@in_virtual_time
async def test_a_rate_that_was_not_used_is_not_saved_up() -> None:
    bench = Bench(max_tps=2)
    await bench.enter("a")
    await asyncio.sleep(60)
    await asyncio.gather(*bench.asking("b", "c"))
    assert bench.let_in == [("a", 0.0), ("b", 60.0), ("c", 60.5)]


@in_virtual_time
async def test_who_would_wait_too_long_is_told_when_to_ask_again_and_takes_no_turn() -> None:
    bench = Bench(max_tps=1)
    await asyncio.gather(*bench.asking("a", "b", "c", "d", "e"))
    assert bench.told == {"a": 0, "b": 0, "c": 0, "d": 3.0, "e": 3.0}
    assert virtual_now() - bench.began_at == LONGEST_WAIT_SECONDS
    assert bench.in_flight() == 3
    assert await bench.enter("f") == 0
    assert bench.let_in[-1] == ("f", 3.0)


@in_virtual_time
async def test_a_rate_below_one_a_second_sends_the_second_one_away() -> None:
    bench = Bench(max_tps=0.1)
    assert [await bench.enter(), await bench.enter()] == [0, 10.0]


@in_virtual_time
async def test_no_more_are_under_way_than_allowed() -> None:
    bench = Bench(max_in_flight=2)
    first, second, third = bench.asking("a", "b", "c")
    await turn()
    assert (first.done(), second.done(), third.done(), bench.in_flight()) == (True, True, False, 2)
    bench.leave()
    assert await third == 0
    assert bench.in_flight() == 2


@in_virtual_time
async def test_slots_are_given_in_the_order_in_which_they_were_asked_for() -> None:
    bench = Bench(max_in_flight=1)
    await asyncio.gather(*(bench.send(name, 0.25) for name in "abcdef"))
    assert bench.let_in == [("a", 0.0), ("b", 0.25), ("c", 0.5), ("d", 0.75), ("e", 1.0), ("f", 1.25)]


@in_virtual_time
async def test_nobody_overtakes_those_who_wait() -> None:
    bench = Bench(max_in_flight=1)
    await bench.enter("a")
    [waiting] = bench.asking("b")
    await turn()
    bench.leave()
    [late] = bench.asking("c")  # asks before b has noticed that it may go
    await turn()
    assert (waiting.done(), late.done()) == (True, False)
    bench.leave()
    assert await late == 0
    assert [who for who, _ in bench.let_in] == ["a", "b", "c"]


@in_virtual_time
async def test_who_waits_too_long_for_a_slot_is_told_so_and_forgotten() -> None:
    bench = Bench(max_in_flight=1)
    await bench.enter("a")
    assert await bench.enter("b") == LONGEST_WAIT_SECONDS
    assert virtual_now() - bench.began_at == LONGEST_WAIT_SECONDS
    bench.leave()
    assert await bench.enter("c") == 0
    assert bench.in_flight() == 1


@in_virtual_time
async def test_a_cancelled_wait_for_a_slot_frees_its_place() -> None:
    bench = Bench(max_in_flight=1)
    await bench.enter("a")
    second, third = bench.asking("b", "c")
    await turn()
    second.cancel()
    await turn()
    bench.leave()
    assert await third == 0
    assert (second.cancelled(), bench.in_flight()) == (True, 1)


@in_virtual_time
async def test_a_wait_that_is_cancelled_at_the_moment_it_is_let_in_gives_its_slot_on() -> None:
    bench = Bench(max_in_flight=1)
    await bench.enter("a")
    second, third = bench.asking("b", "c")
    await turn()
    bench.leave()  # lets b in, which has not run since
    second.cancel()
    assert await third == 0
    bench.leave()
    assert await bench.enter("d") == 0
    assert (second.cancelled(), bench.in_flight()) == (True, 1)


@in_virtual_time
async def test_a_cancelled_wait_for_the_rate_frees_its_slot() -> None:
    bench = Bench(max_tps=1, max_in_flight=2)
    await bench.enter("a")
    second, third = bench.asking("b", "c")
    await turn()
    second.cancel()
    assert await third == 0
    assert (second.cancelled(), bench.in_flight()) == (True, 2)


@in_virtual_time
async def test_turns_do_not_pile_up_while_all_slots_are_taken() -> None:
    bench = Bench(max_tps=10, max_in_flight=2)
    hanging = [asyncio.create_task(bench.send(name, 1.5)) for name in "ab"]
    waiting = [asyncio.create_task(bench.send(name, 0.0)) for name in "cdef"]
    await asyncio.gather(*hanging, *waiting)
    starts = [at for _, at in bench.let_in]
    assert starts == [0.0, 0.1, 1.5, 1.6, 1.7, 1.8]


@in_virtual_time
async def test_a_pause_lets_nobody_in_and_says_how_long_it_lasts() -> None:
    bench = Bench()
    bench.limiter.pause("acme", 30)
    assert await bench.enter("a") == 30
    await asyncio.sleep(20)
    assert await bench.enter("b") == 10
    await asyncio.sleep(10)
    assert await bench.enter("c") == 0


@in_virtual_time
async def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    bench = Bench()
    bench.limiter.pause("acme", 30)
    bench.limiter.pause("acme", 1)
    assert await bench.enter() == 30


@in_virtual_time
async def test_a_pause_also_stops_those_who_wait_for_a_slot() -> None:
    bench = Bench(max_in_flight=1)
    await bench.enter("a")
    waiting = bench.asking("b", "c")
    await turn()
    bench.limiter.pause("acme", 30)
    bench.leave()
    assert await asyncio.gather(*waiting) == [30, 30]
    assert bench.in_flight() == 0
    await asyncio.sleep(30)
    assert await bench.enter("d") == 0


@in_virtual_time
async def test_a_pause_also_stops_those_who_wait_for_their_turn() -> None:
    bench = Bench(max_tps=1)
    await bench.enter("a")
    [waiting] = bench.asking("b")
    await turn()
    bench.limiter.pause("acme", 30)
    assert await waiting == 29
    assert bench.in_flight() == 1


@in_virtual_time
async def test_accounts_do_not_disturb_each_other() -> None:
    bench = Bench(max_in_flight=1)
    other = account(max_in_flight=1).model_copy(update={"account": "other"})
    bench.limiter.configure({"acme": account(max_in_flight=1), "other": other})
    await bench.enter("a")
    bench.limiter.pause("acme", 30)
    assert await bench.limiter.enter("other") == 0


@in_virtual_time
async def test_more_slots_are_given_to_those_who_wait_at_once() -> None:
    bench = Bench(max_in_flight=1)
    await bench.enter("a")
    waiting = bench.asking("b", "c", "d")
    await turn()
    bench.configure(max_in_flight=3)
    await turn()
    assert [task.done() for task in waiting] == [True, True, False]
    assert virtual_now() == bench.began_at


@in_virtual_time
async def test_fewer_slots_hold_as_soon_as_enough_have_left() -> None:
    bench = Bench(max_in_flight=3)
    for name in "abc":
        await bench.enter(name)
    bench.configure(max_in_flight=1)
    [waiting] = bench.asking("d")
    for _ in range(2):
        bench.leave()
        await turn()
        assert not waiting.done()
    bench.leave()
    assert await waiting == 0
    assert bench.in_flight() == 1


@in_virtual_time
async def test_a_higher_rate_holds_at_once() -> None:
    bench = Bench(max_tps=0.1)
    await bench.enter("a")
    bench.configure(max_tps=10)
    assert await bench.enter("b") == 0
    assert bench.let_in == [("a", 0.0), ("b", 0.1)]


@in_virtual_time
async def test_an_account_that_is_configured_no_more_can_still_be_left() -> None:
    bench = Bench()
    await bench.enter()
    bench.limiter.healthy("acme", False)
    assert (bench.limiter.unhealthy(), bench.health()) == (["acme"], 0)
    bench.limiter.configure({})
    assert (bench.limiter.unhealthy(), bench.health()) == ([], None)
    bench.leave()
    assert bench.in_flight() == 0


@in_virtual_time
async def test_an_account_is_stalled_when_half_of_its_slots_are_taken_and_none_comes_back() -> None:
    bench, seen = Bench(max_in_flight=4), []
    stalled = bench.limiter.stalled

    async def after(seconds: float) -> None:
        await asyncio.sleep(seconds)
        seen.append(stalled("acme"))

    await bench.enter()
    await after(5)  # one of four
    await bench.enter()
    await after(0.5)
    await asyncio.sleep(0.6)
    bench.leave()
    await bench.enter()
    await after(0.5)  # one came back
    await after(0.6)
    bench.leave()
    await after(0)
    assert seen == [False, True, False, True, False]


@in_virtual_time
async def test_what_is_told_beside_messages_waits_for_none_of_them() -> None:
    bench = Bench(max_tps=10, max_in_flight=2)
    queue = [asyncio.create_task(bench.limiter.enter("acme", patient=True)) for _ in range(50)]
    await asyncio.sleep(5)  # all slots are taken, by sends that last
    told = [await bench.limiter.enter("acme", beside=True) for _ in range(2)]
    assert (told, virtual_now() - bench.began_at, bench.in_flight()) == ([0, 0], 5, 4)
    assert await bench.limiter.enter("acme", beside=True) == LONGEST_WAIT_SECONDS  # no more than two of these
    assert (bench.limiter.stalled("acme"), bench.limiter.stalled("acme", beside=True)) == (True, True)
    bench.limiter.leave("acme", beside=True)
    assert (bench.limiter.stalled("acme"), bench.limiter.stalled("acme", beside=True)) == (True, False)
    bench.limiter.stop()
    await asyncio.gather(*queue, return_exceptions=True)


@in_virtual_time
async def test_a_pause_and_the_breaker_are_for_what_is_told_beside_messages_too() -> None:
    bench = Bench()
    bench.limiter.pause("acme", 7)
    assert await bench.limiter.enter("acme", beside=True) == 7
    await asyncio.sleep(7)
    for _ in range(TRIPS_AFTER):
        assert await bench.limiter.enter("acme", beside=True) == 0
        bench.limiter.failed("acme")
        bench.limiter.leave("acme", beside=True)
    assert await bench.enter() == await bench.limiter.enter("acme", beside=True) > 0


@pytest.mark.parametrize("limits", [{}, {"max_tps": 50, "max_in_flight": 3}, {"max_in_flight": 1}])
@in_virtual_time
async def test_after_a_crowd_with_cancellations_nothing_is_left_behind(limits: dict[str, Any]) -> None:
    bench = Bench(**limits)
    crowd = [asyncio.create_task(bench.send(str(number), 0.01 * (number % 7))) for number in range(200)]
    for number, task in enumerate(crowd):
        if number % 3 == 0:
            await asyncio.sleep(0.003)
            task.cancel()
    await asyncio.wait(crowd)
    cancelled_in_the_middle = sum(
        task.cancelled() and str(number) in bench.told for number, task in enumerate(crowd)
    )
    assert bench.in_flight() == cancelled_in_the_middle  # they were let in and did not leave
    for _ in range(cancelled_in_the_middle):
        bench.leave()
    await asyncio.sleep(10)
    assert await bench.enter("the next") == 0
    assert bench.let_in[-1][0] == "the next"
