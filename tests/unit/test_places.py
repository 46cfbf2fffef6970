"""Places in a queue sort as the queue is to be worked off."""

from __future__ import annotations

import pytest

from gateway.store import places
from gateway.store.places import Place, Places

SECOND = 1_000_000_000


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000 * SECOND

    def time_ns(self) -> int:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(places, "time", clock)
    return clock


def test_places_of_one_process_follow_each_other_whatever_the_clock_does(clock: Clock) -> None:
    source = Places()
    given: list[Place] = []
    for step in (0, 0, 1, 0, -3600 * SECOND, 0, 1, 3601 * SECOND, 0):
        clock.now += step
        given.append(source.next())
    assert given == sorted(set(given))


def test_more_places_than_one_millisecond_holds_still_follow_each_other(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "LARGEST_COUNT", 3)
    source = Places()
    given = [source.next() for _ in range(10)]
    assert given == sorted(set(given))


def test_two_processes_interleave_by_time(clock: Clock) -> None:
    one, other = Places(), Places()
    first = one.next()
    clock.now += SECOND
    second = other.next()
    clock.now += SECOND
    third = one.next()
    assert first < second < third


def test_a_message_that_waits_comes_after_what_is_published_meanwhile(clock: Clock) -> None:
    source = Places()
    waiting = source.in_seconds(5)
    clock.now += 4 * SECOND
    meanwhile = source.next()
    clock.now += 2 * SECOND
    afterwards = source.next()
    assert meanwhile < waiting < afterwards


def test_messages_that_wait_as_long_keep_their_order_and_no_place_is_given_twice(clock: Clock) -> None:
    source = Places()
    waiting = [source.in_seconds(1) for _ in range(3)]
    clock.now += SECOND
    published = [source.next() for _ in range(3)]
    assert waiting == sorted(waiting)
    assert len({*waiting, *published}) == 6
