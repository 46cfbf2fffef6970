"""One round of MT: a queue filled with messages, then a process started that works them off."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.broker.topology import DR, MT
from tests.bench.floor import IN_QUEUE, OUT_QUEUE
from tests.bench.stage import Place, Stage
from tests.bench.traffic import mt_letters
from tests.bench.window import Extent, Measured, measure, until


async def gateway_round(place: Place, extent: Extent, processes: int = 1) -> Measured:
    """So many mt processes at work together."""
    await place.queues.fill(MT, mt_letters(extent.all))
    async with place.site.running(*["mt"] * processes) as daemons:
        return await work_off(place, DR, extent, [daemon.pid for daemon in daemons])


async def floor_round(stage: Stage, place: Place, extent: Extent, client: str) -> Measured:
    """The floor at work, on the same messages."""
    await place.queues.fill(IN_QUEUE, mt_letters(extent.all))
    async with stage.floor(place, client) as pid:
        return await work_off(place, OUT_QUEUE, extent, [pid])


async def work_off(place: Place, out_queue: str, extent: Extent, pids: Sequence[int]) -> Measured:
    """Measure what comes out; everything has, and the queue is empty again, when it returns."""

    async def done() -> int:
        return await place.queues.depth(out_queue)

    seen = await measure(done, extent, pids)
    await until(done, extent.all)
    await place.queues.purge(out_queue)
    return seen


async def gateways(stage: Stage) -> list[Measured]:
    """An mt process whose provider answers at once: as part 1 has seen it, or measured now."""
    if "gateway" not in stage.seen:
        async with stage.place() as place:
            rounds = range(stage.sizes.few)
            stage.seen["gateway"] = [await gateway_round(place, stage.sizes.steady) for _ in rounds]
    return stage.seen["gateway"]


async def floors(stage: Stage) -> list[Measured]:
    """The floor, as part 1 has seen it, or measured now."""
    if "floor" not in stage.seen:
        async with stage.place() as place:
            rounds = range(stage.sizes.few)
            stage.seen["floor"] = [
                await floor_round(stage, place, stage.sizes.steady, "aiormq") for _ in rounds
            ]
    return stage.seen["floor"]
