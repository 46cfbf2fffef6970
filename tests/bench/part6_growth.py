"""Part 6: what a message costs, and how much memory is taken, when log and queue have grown."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.broker.topology import DR, DR_IN, MT
from gateway.model.base import now
from handlers.providers.whatsapp_cloud.inbound import split
from processors.callback_items import item_again
from tests.bench.log import finished_documents, sent_documents, write_log
from tests.bench.mt_rounds import gateway_round, work_off
from tests.bench.queues import Letter
from tests.bench.results import Part, ratios
from tests.bench.stage import Place, Stage
from tests.bench.traffic import ACCOUNT, mt_letters
from tests.bench.webhooks import body_of, delivered
from tests.bench.window import Extent, Measured, measure

TITLE = "Growth: a log and a queue that are small, and ones that are not"
SMALL = 1_000


async def run(stage: Stage) -> Part:
    sizes = stage.sizes
    found: dict[str, list[Measured]] = {name: [] for name in ("mt.small", "mt.large", "dr.small", "dr.large")}
    queued: list[Measured] = []
    async with stage.place() as large, stage.place() as backlog:
        seconds = await _grow(stage, large, backlog)
        for _ in range(sizes.few):
            async with stage.place() as small:
                await write_log(stage.mongodb_url, small.database, finished_documents(SMALL))
                for name, place in (("small", small), ("large", large)):
                    found[f"mt.{name}"].append(await gateway_round(place, sizes.steady))
                    found[f"dr.{name}"].append(await dr_round(stage, place, sizes.steady))
            queued.append(await _backlog_round(backlog, sizes.steady))
        left = await backlog.queues.depth(MT)
        await backlog.queues.purge(MT)
    part = Part(6, TITLE)
    _add_rows(part, sizes.documents, found)
    part.add_work("backlog", f"mt, {sizes.backlog:,} MT on the queue", queued)
    costs = [one.cpu_per_thousand for one in queued]
    few = [one.cpu_per_thousand for one in found["mt.small"]]
    part.add(
        "backlog.ratio",
        f"mt, {sizes.backlog:,} queued : {sizes.steady.all:,}",
        "CPU : CPU",
        *ratios(costs, few),
    )
    part.notes.append(
        f"Log and queue were filled in {seconds:.0f} s; {left:,} MT were left on the queue at the end."
    )
    return part


def _add_rows(part: Part, documents: int, found: dict[str, list[Measured]]) -> None:
    for role in ("mt", "dr"):
        small, large = found[f"{role}.small"], found[f"{role}.large"]
        part.add_work(f"growth.{role}.small", f"{role}, {SMALL:,} MT in the log", small)
        part.add_work(f"growth.{role}.large", f"{role}, {documents:,} MT in the log", large)
        costs = [[one.cpu_per_thousand for one in measured] for measured in (large, small)]
        part.add(f"growth.{role}.ratio", f"{role}, {documents:,} : {SMALL:,}", "CPU : CPU", *ratios(*costs))


async def _grow(stage: Stage, large: Place, backlog: Place) -> float:
    """Fill one place's log and the other one's queue; the seconds it took."""
    began_at = now()
    await write_log(stage.mongodb_url, large.database, finished_documents(stage.sizes.documents))
    await backlog.queues.fill(MT, mt_letters(stage.sizes.backlog))
    return (now() - began_at).total_seconds()


async def _backlog_round(place: Place, extent: Extent) -> Measured:
    """As a round of MT is, but what waits behind it does not come to an end."""
    async with place.site.running("mt") as (mt,):
        seen = await measure(lambda: place.queues.depth(DR), extent, [mt.pid])
    await place.queues.purge(DR)
    return seen


async def dr_round(stage: Stage, place: Place, extent: Extent, processes: int = 1) -> Measured:
    """dr processes at work on receipts that are on their queue as web puts them there."""
    messages = await write_log(stage.mongodb_url, place.database, sent_documents(extent.all))
    await place.queues.fill(DR_IN, _items(delivered(messages, place.site.app_secret)))
    async with place.site.running(*["dr"] * processes) as daemons:
        return await work_off(place, DR, extent, [daemon.pid for daemon in daemons])


def _items(requests: list[bytes]) -> Iterator[Letter]:
    for request in requests:
        for item in split(body_of(request)):
            made = item_again(ACCOUNT, item.body, now())
            yield Letter(made.body, made.type, made.message_id, made.headers)
