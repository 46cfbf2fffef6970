"""The floor's group commit: it is only a floor if nothing is lost in it."""

from __future__ import annotations

import asyncio

import pytest

from tests.bench.floor import Group


async def test_what_is_asked_for_during_a_write_goes_together_with_the_next_one() -> None:
    written: list[list[int]] = []
    writing, go_on = asyncio.Event(), asyncio.Event()

    async def write(numbers: list[int]) -> None:
        writing.set()
        await go_on.wait()
        written.append(numbers)

    group = Group(write)
    tasks = [asyncio.create_task(group.do(0))]
    await writing.wait()
    tasks += [asyncio.create_task(group.do(number)) for number in range(1, 4)]
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(*tasks)
    await group.do(4)
    assert written == [[0], [1, 2, 3], [4]]


async def test_a_write_that_fails_is_told_to_all_who_wait_for_it() -> None:
    async def write(_: list[int]) -> None:
        raise OSError("the disk is full")

    group = Group(write)
    results = await asyncio.gather(*(group.do(number) for number in range(3)), return_exceptions=True)
    assert [str(result) for result in results] == ["the disk is full"] * 3
    with pytest.raises(OSError, match="full"):
        await group.do(3)
