"""One round of callbacks: posted to web as fast as it answers, then worked off by their processor."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gateway.broker.topology import DR, DR_IN, MO, MO_IN
from tests.bench.log import sent_documents, write_log
from tests.bench.mt_rounds import work_off
from tests.bench.poster import open_poster
from tests.bench.stage import Place, Stage
from tests.bench.webhooks import delivered, texts
from tests.bench.window import Extent, Measured, measure, until

Kind = Literal["dr", "mo"]
IN_QUEUES = {"dr": DR_IN, "mo": MO_IN}
OUT_QUEUES = {"dr": DR, "mo": MO}


@dataclass(frozen=True, slots=True)
class CallbackRound:
    """What the two processes on the way of a callback cost, each measured with nothing else at work."""

    web: Measured
    processor: Measured


async def requests_for(stage: Stage, place: Place, kind: Kind, count: int) -> list[bytes]:
    """Signed requests: a receipt each for as many MT that the log is given, or an MO each."""
    if kind == "mo":
        return list(texts(count, place.site.app_secret))
    messages = await write_log(stage.mongodb_url, place.database, sent_documents(count))
    return delivered(messages, place.site.app_secret)


async def callback_round(
    stage: Stage, place: Place, kind: Kind, extent: Extent, processes: int = 1
) -> CallbackRound:
    """With so many processes of the kind that works the queue off."""
    web = await take_in(place, kind, extent, await requests_for(stage, place, kind, extent.all))
    async with place.site.running(*[kind] * processes) as daemons:
        pids = [daemon.pid for daemon in daemons]
        return CallbackRound(web, await work_off(place, OUT_QUEUES[kind], extent, pids))


async def take_in(place: Place, kind: Kind, extent: Extent, requests: Sequence[bytes]) -> Measured:
    """Post all; when it returns they are on their queue, and no daemon runs."""
    async with place.site.running("web") as (daemon,), open_poster(place.site.web_url) as poster:

        async def answered() -> int:
            return poster.answered

        async def queued() -> int:
            return await place.queues.depth(IN_QUEUES[kind])

        posting = asyncio.create_task(poster.all(requests))
        seen = await measure(answered, extent, [daemon.pid])
        await posting
        await until(queued, len(requests))
    return seen
