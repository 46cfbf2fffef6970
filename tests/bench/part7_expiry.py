"""Part 7: very many MT whose time is up at once: how fast they end, and what other MT notice of it."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from gateway.broker.topology import DR
from gateway.model.base import now
from tests.bench.log import sent_documents, write_log
from tests.bench.mt_rounds import gateways
from tests.bench.part5_waiting import add_percentiles, paced_mt, warm_mt
from tests.bench.results import Part
from tests.bench.scrape import metric
from tests.bench.site import Daemon
from tests.bench.stage import Stage

TITLE = "Expiry: what is due at once, with mt and dr (which has the monitor) at work"
_SAMPLE_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class _Sample:
    """So many seconds after the start: how many were found due, and how many have ended as expired."""

    seconds: float
    found: float
    ended: float


async def run(stage: Stage) -> Part:
    sizes = stage.sizes
    rate = statistics.median(one.rate for one in await gateways(stage)) / 4
    async with stage.place() as place, place.site.running("mt"):
        await warm_mt(stage, place)
        alone = await paced_mt(stage, place, rate, sizes.paced_seconds)
        due = sent_documents(sizes.due, expires_at=now() - timedelta(minutes=1))
        await write_log(stage.mongodb_url, place.database, due)
        async with place.site.running("dr") as (dr,):
            sending = asyncio.create_task(paced_mt(stage, place, rate, sizes.due_seconds))
            samples = await _watch(stage, dr, sending)
            meanwhile = await sending
        await place.queues.purge(DR)
    part = Part(7, TITLE)
    what = f"{sizes.due:,} due at once"
    part.add(
        "expiry.found",
        f"{what}: found by the monitor",
        "MT / s",
        _rate([(s.seconds, s.found) for s in samples]),
    )
    part.add(
        "expiry.ended",
        f"{what}: ended, DR published",
        "MT / s",
        _rate([(s.seconds, s.ended) for s in samples]),
    )
    add_percentiles(part, "expiry.alone", f"publish → provider call, {rate:.0f} MT / s, nothing due", [alone])
    add_percentiles(part, "expiry.meanwhile", "the same while they end", [meanwhile])
    part.notes.append(f"{samples[-1].ended:,.0f} had ended when the {sizes.due_seconds:g} s were over.")
    return part


async def _watch(stage: Stage, dr: Daemon, sending: asyncio.Task[list[float]]) -> list[_Sample]:
    began_at, samples = time.monotonic(), []
    while True:
        over = sending.done()
        found = await metric(stage.http, dr, "imgw_expiry_due_total")
        ended = await metric(stage.http, dr, "imgw_message_status_total", 'status="expired"')
        samples.append(_Sample(time.monotonic() - began_at, found, ended))
        if over:
            return samples
        await asyncio.sleep(_SAMPLE_SECONDS)


def _rate(series: Sequence[tuple[float, float]]) -> float:
    """A second, from the first sample until the number has stopped growing."""
    (began_at, first), last = series[0], series[-1][1]
    ended_at = next(seconds for seconds, count in series if count == last)
    return (last - first) / (ended_at - began_at) if ended_at > began_at else 0.0
