"""Group commit: one flush for many callers, and to each caller its own result."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from gateway.store.group_commit import MAX_BATCH, GroupCommit
from tests.waiting import eventually


class Server:
    """Answers each batch with the doubles of its numbers, when it is let; odd jobs as told."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.most_under_way = self._under_way = 0
        self.open = asyncio.Event()
        self.open.set()

    async def flush(self, batch: list[int]) -> Sequence[int | Exception]:
        self.batches.append(batch)
        self._under_way += 1
        self.most_under_way = max(self.most_under_way, self._under_way)
        await self.open.wait()
        await asyncio.sleep(0)
        self._under_way -= 1
        if 13 in batch:
            raise ConnectionError("13 breaks the connection")
        if 99 in batch:
            return [0]
        return [ValueError(f"{number} is negative") if number < 0 else 2 * number for number in batch]


async def asked(commit: GroupCommit[int, int], *numbers: int) -> list[asyncio.Task[int]]:
    """One caller for each number, all of them waiting."""
    callers = [asyncio.create_task(commit.do(number)) for number in numbers]
    await asyncio.sleep(0)
    return callers


async def test_a_lone_operation_is_flushed_at_once() -> None:
    server = Server()
    assert await GroupCommit(server.flush).do(4) == 8
    assert server.batches == [[4]]


async def test_what_is_asked_for_during_a_flush_goes_with_the_next_one() -> None:
    server = Server()
    server.open.clear()
    commit = GroupCommit(server.flush)
    first = await asked(commit, 1)
    later = await asked(commit, 2, 3, 4)
    server.open.set()
    assert await asyncio.gather(*first, *later) == [2, 4, 6, 8]
    assert server.batches == [[1], [2, 3, 4]]


async def test_one_flush_waits_for_the_one_before_it() -> None:
    server = Server()
    commit = GroupCommit(server.flush)
    await asyncio.gather(*(commit.do(number) for number in range(20, 25)))
    await asyncio.gather(*(commit.do(number) for number in range(20, 90)))
    assert server.most_under_way == 1


async def test_what_is_urgent_does_not_wait_for_a_flush_that_takes_long() -> None:
    server = Server()
    server.open.clear()
    commit = GroupCommit(server.flush, urgent=True)
    first = await asked(commit, 1, 2, 3, 4, 5)
    second = await asked(commit, 6)
    await eventually(lambda: _is_asked(server, [6]))
    third = await asked(commit, 7)
    server.open.set()
    assert await asyncio.gather(*first, *second, *third) == [2, 4, 6, 8, 10, 12, 14]
    assert server.batches == [[1, 2, 3, 4, 5], [6], [7]]
    assert server.most_under_way == 2


async def _is_asked(server: Server, batch: list[int]) -> bool:
    return batch in server.batches


async def test_no_batch_is_larger_than_the_limit_and_the_order_is_kept() -> None:
    server = Server()
    numbers = [1000 + number for number in range(2 * MAX_BATCH + 1)]
    commit = GroupCommit(server.flush)
    await asyncio.gather(*(commit.do(number) for number in numbers))
    assert server.batches == [numbers[:MAX_BATCH], numbers[MAX_BATCH : 2 * MAX_BATCH], numbers[-1:]]


async def test_an_error_of_one_operation_is_raised_for_its_own_caller_only() -> None:
    commit = GroupCommit(Server().flush)
    good, bad, also_good = await asyncio.gather(
        commit.do(1), commit.do(-2), commit.do(3), return_exceptions=True
    )
    assert (good, repr(bad), also_good) == (2, "ValueError('-2 is negative')", 6)


async def test_an_error_of_the_flush_is_raised_for_everyone_in_it_and_for_nobody_else() -> None:
    server = Server()
    server.open.clear()
    commit = GroupCommit(server.flush)
    doomed = await asked(commit, 12, 13)
    spared = await asked(commit, 14)
    server.open.set()
    results = await asyncio.gather(*doomed, *spared, return_exceptions=True)
    assert [type(result) for result in results] == [ConnectionError, ConnectionError, int]


async def test_a_flush_that_does_not_answer_everyone_is_an_error_for_all() -> None:
    commit = GroupCommit(Server().flush)
    results = await asyncio.gather(commit.do(98), commit.do(99), return_exceptions=True)
    assert [type(result) for result in results] == [ValueError, ValueError]
    assert await commit.do(1) == 2


async def test_the_operation_of_a_cancelled_caller_is_made() -> None:
    server = Server()
    server.open.clear()
    commit = GroupCommit(server.flush)
    (waiting,) = await asked(commit, 1)
    in_flight, queued = await asked(commit, 2, 3)
    waiting.cancel()
    queued.cancel()
    server.open.set()
    assert await in_flight == 4
    assert server.batches == [[1], [2, 3]]
    assert waiting.cancelled()
    assert queued.cancelled()


async def test_drain_returns_when_everything_asked_for_has_been_tried() -> None:
    server = Server()
    server.open.clear()
    commit = GroupCommit(server.flush)
    first = await asked(commit, 1)
    second = await asked(commit, 13)
    draining = asyncio.create_task(commit.drain())
    await asyncio.sleep(0)
    assert not draining.done()
    server.open.set()
    await draining
    assert server.batches == [[1], [13]]
    with pytest.raises(ConnectionError):
        await asyncio.gather(*first, *second)


async def test_draining_when_nothing_was_asked_for_returns_at_once() -> None:
    await GroupCommit(Server().flush).drain()
