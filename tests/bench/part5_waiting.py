"""Part 5: how long MT, answers to callbacks, and DR are waited for at half of the highest rate."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence

import orjson

from gateway.broker.topology import DR, MT, TYPE_MT
from tests.bench.callback_rounds import requests_for
from tests.bench.log import sent_documents, write_log
from tests.bench.mt_rounds import gateways
from tests.bench.poster import on_time, open_poster, paced
from tests.bench.queues import Letter
from tests.bench.results import Part, percentile
from tests.bench.stage import Place, Stage
from tests.bench.traffic import APP, mt_bodies
from tests.bench.webhooks import delivered
from tests.bench.window import until

TITLE = "Waiting at half of the highest rate"
PERCENTILES = (50, 95, 99)


async def run(stage: Stage) -> Part:
    part = Part(5, TITLE)
    most = statistics.median(one.rate for one in await gateways(stage))
    to_provider: list[list[float]] = []
    answered: list[list[float]] = []
    told: list[list[float]] = []
    async with stage.place() as place, stage.place() as other:
        # First, since the log that is written for the receipts below keeps the database busy for a while.
        for _ in range(stage.sizes.few):
            async with place.site.running("mt"):
                await warm_mt(stage, place)
                to_provider.append(await paced_mt(stage, place, most / 2, stage.sizes.paced_seconds))
        chain = await highest_rate(stage, other)
        for _ in range(stage.sizes.few):
            async with other.site.running("web", "dr"):
                await warm_callbacks(stage, other)
                both = await paced_callbacks(stage, other, chain / 2)
            answered.append(both[0])
            told.append(both[1])
    add_percentiles(part, "publish.call", f"publish → provider call, at {most / 2:.0f} MT / s", to_provider)
    what = f"at {chain / 2:.0f} callbacks / s"
    add_percentiles(part, "callback.answered", f"callback → answered, {what}", answered)
    add_percentiles(part, "callback.told", f"callback → DR on imgw.dr, {what}", told)
    part.notes.append(
        f"Highest rates: {most:.0f} MT / s; {chain:.0f} callbacks / s through web and dr together."
    )
    return part


def add_percentiles(part: Part, key: str, what: str, rounds: Sequence[Sequence[float]]) -> None:
    """A row for each percentile of the milliseconds of each round."""
    for percent in PERCENTILES:
        values = (percentile(milliseconds, percent) for milliseconds in rounds)
        part.add(f"{key}.p{percent}", f"{what}, p{percent}", "ms", *values)


async def warm_mt(stage: Stage, place: Place) -> None:
    """The first messages of a process find nothing ready: no connection, no cache."""
    await place.queues.purge(DR)
    count = stage.sizes.slow.warm
    for message_id, body in mt_bodies(count):
        await place.queues.publish(MT, Letter(body, TYPE_MT, message_id))
    await until(lambda: place.queues.depth(DR), count)
    await place.queues.purge(DR)


async def paced_mt(stage: Stage, place: Place, rate: float, seconds: float) -> list[float]:
    """Milliseconds from when each MT was due to be published until the provider had its request."""
    bodies = list(mt_bodies(int(rate * seconds)))
    due_at: dict[str, int] = {}
    await stage.provider.forget()
    with on_time():
        async for number, at in paced(len(bodies), rate):
            message_id, body = bodies[number]
            due_at[f"{APP}/{message_id}"] = at
            await place.queues.publish(MT, Letter(body, TYPE_MT, message_id))
        await until(stage.provider.count, len(bodies))
    arrived_at = await stage.provider.arrivals()
    return [(arrived_at[reference] - at) / 1e6 for reference, at in due_at.items()]


async def highest_rate(stage: Stage, place: Place) -> float:
    """Callbacks a second through web and dr while both have all they can do."""
    extent = stage.sizes.steady
    requests = await requests_for(stage, place, "dr", extent.all)
    async with place.site.running("web", "dr"), open_poster(place.site.web_url) as poster:
        posting = asyncio.create_task(poster.all(requests))
        first = await until(lambda: place.queues.depth(DR), extent.warm)
        began_at = time.monotonic()
        last = await until(lambda: place.queues.depth(DR), extent.warm + extent.count)
        seconds = time.monotonic() - began_at
        await posting
        await until(lambda: place.queues.depth(DR), extent.all)
        await place.queues.purge(DR)
    return (last - first) / seconds


async def warm_callbacks(stage: Stage, place: Place) -> None:
    requests = await requests_for(stage, place, "dr", stage.sizes.slow.warm)
    async with open_poster(place.site.web_url) as poster:
        await poster.all(requests)
        await until(lambda: place.queues.depth(DR), len(requests))
    await place.queues.purge(DR)


async def paced_callbacks(stage: Stage, place: Place, rate: float) -> tuple[list[float], list[float]]:
    """Milliseconds from when each callback was due until it was answered, and until its DR had come."""
    count = int(rate * stage.sizes.paced_seconds)
    messages = await write_log(stage.mongodb_url, place.database, sent_documents(count))
    requests = delivered(messages, place.site.app_secret)
    told_at: dict[str, int] = {}

    def note(body: bytes) -> None:
        told_at.setdefault(orjson.loads(body)["message_id"], time.monotonic_ns())

    async def told() -> int:
        return len(told_at)

    async with place.queues.taking(DR, note), open_poster(place.site.web_url) as poster:
        with on_time():
            times = await poster.paced(requests, rate)
            await until(told, count)
    answered = [(answered_at - due_at) / 1e6 for due_at, answered_at in times]
    ids = (message.reference.removeprefix(f"{APP}/") for message in messages)
    return answered, [(told_at[id] - due_at) / 1e6 for id, (due_at, _) in zip(ids, times, strict=True)]
