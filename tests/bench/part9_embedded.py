"""Part 9: the embedded default, one process and a mongod of its own: rates, and how soon it is back."""

from __future__ import annotations

import asyncio
import time

from gateway.broker.topology import DR, MO, MT
from tests.bench.embedded import EmbeddedPlace, embedded_place
from tests.bench.poster import open_poster
from tests.bench.results import Part
from tests.bench.stage import Stage
from tests.bench.traffic import mt_letters
from tests.bench.webhooks import texts
from tests.bench.window import Extent, Measured, measure, until
from tests.usage import resident_megabytes

TITLE = "The embedded default: imgw run all, without any server"


async def run(stage: Stage) -> Part:
    mt: list[Measured] = []
    mo: list[Measured] = []
    restarts: dict[int, list[tuple[float, float, float]]] = {0: [], stage.sizes.embedded: []}
    place = await embedded_place(stage)
    for queued, found in restarts.items():
        await place.fill(MT, mt_letters(queued))
        for _ in range(stage.sizes.few):
            found.append(await _restart(stage, place, queued))
    for _ in range(stage.sizes.few):
        place = await embedded_place(stage)
        mt.append(await _mt_round(place, stage.sizes.steady))
        mo.append(await _mo_round(place, stage.sizes.steady))
    part = Part(9, TITLE)
    part.add_work("embedded.mt", "MT, provider answering at once", mt)
    part.add_work("embedded.mo", "MO, from the callback to imgw.mo", mo)
    for queued, found in restarts.items():
        what = f"started with {queued:,} MT queued"
        part.add(f"embedded.ready.{queued}", f"{what}: until ready", "s", *(one[0] for one in found))
        if queued:
            part.add("embedded.sent", f"{what}: until the first is sent", "s", *(one[1] for one in found))
        part.add(f"embedded.memory.{queued}", f"{what}: its memory", "MB", *(one[2] for one in found))
    return part


async def _mt_round(place: EmbeddedPlace, extent: Extent) -> Measured:
    await place.fill(MT, mt_letters(extent.all))
    async with place.site.running("all") as (process,), place.queues() as queues:
        seen = await measure(lambda: queues.depth(DR), extent, [process.pid])
        await until(lambda: queues.depth(DR), extent.all)
    return seen


async def _mo_round(place: EmbeddedPlace, extent: Extent) -> Measured:
    requests = list(texts(extent.all, place.site.app_secret))
    async with (
        place.site.running("all") as (process,),
        place.queues() as queues,
        open_poster(place.site.web_url) as poster,
    ):
        posting = asyncio.create_task(poster.all(requests))
        seen = await measure(lambda: queues.depth(MO), extent, [process.pid])
        await posting
    return seen


async def _restart(stage: Stage, place: EmbeddedPlace, queued: int) -> tuple[float, float, float]:
    """Seconds until it is ready, seconds until it sends, and its memory a little later."""
    await stage.provider.forget()
    began_at = time.monotonic()
    async with place.site.running("all") as (process,):
        ready = time.monotonic() - began_at
        if queued:
            await until(stage.provider.count, 1)
        sent = time.monotonic() - began_at
        if queued:
            await until(stage.provider.count, stage.sizes.slow.warm)
        return ready, sent, resident_megabytes(process.pid)
