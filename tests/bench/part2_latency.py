"""Part 2: MT to a provider that takes its time: how much of what the in-flight limit allows is reached."""

from __future__ import annotations

import statistics
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.bench.mt_rounds import gateway_round, gateways
from tests.bench.results import Part
from tests.bench.site import IN_FLIGHT
from tests.bench.stage import Stage
from tests.bench.window import Measured

TITLE = "MT, provider answering after 50 and after 200 ms, one mt process"
LATENCIES_MS = (50, 200)


async def run(stage: Stage) -> Part:
    most = statistics.median(one.rate for one in await gateways(stage))
    found: dict[int, list[Measured]] = {latency: [] for latency in LATENCIES_MS}
    async with stage.place() as place:
        for _ in range(stage.sizes.few):
            for latency in LATENCIES_MS:
                async with answering_after(stage, latency):
                    extent = stage.sizes.steady if latency < 100 else stage.sizes.slow
                    found[latency].append(await gateway_round(place, extent))
    part = Part(2, TITLE)
    for latency, measured in found.items():
        limit = 1_000 * IN_FLIGHT / latency
        part.add(f"latency.{latency}.rate", f"{latency} ms", "messages / s", *(one.rate for one in measured))
        part.add(
            f"latency.{latency}.limit", f"{latency} ms: {IN_FLIGHT} in flight allow", "messages / s", limit
        )
        shares = [one.rate / min(limit, most) for one in measured]
        part.add(f"latency.{latency}.share", f"{latency} ms: share of what limit and CPU allow", "", *shares)
        part.add(
            f"latency.{latency}.cpu",
            f"{latency} ms",
            "CPU s / 1,000",
            *(one.cpu_per_thousand for one in measured),
        )
    part.notes.append(f"CPU alone, with a provider that answers at once, allows {most:,.0f} messages / s.")
    return part


@asynccontextmanager
async def answering_after(stage: Stage, milliseconds: float) -> AsyncIterator[None]:
    await stage.provider.latency(milliseconds / 1_000)
    try:
        yield
    finally:
        await stage.provider.latency(0)
