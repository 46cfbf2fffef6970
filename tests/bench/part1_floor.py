"""Part 1: an MT whose provider answers at once, against the hand-written floor, turn by turn."""

from __future__ import annotations

from tests.bench.mt_rounds import floor_round, gateway_round
from tests.bench.results import Part, ratios
from tests.bench.stage import Stage
from tests.bench.window import Measured

TITLE = "MT, provider answering at once, against the hand-written floor"


async def run(stage: Stage) -> Part:
    gateway: list[Measured] = []
    floor: list[Measured] = []
    higher: list[Measured] = []
    async with stage.place() as place:
        for _ in range(stage.sizes.rounds):
            gateway.append(await gateway_round(place, stage.sizes.steady))
            floor.append(await floor_round(stage, place, stage.sizes.steady, "aiormq"))
            higher.append(await floor_round(stage, place, stage.sizes.steady, "aio-pika"))
    stage.seen.update({"gateway": gateway, "floor": floor})
    part = Part(1, TITLE)
    part.add_work("mt.gateway", "gateway (imgw run mt)", gateway)
    part.add_work("mt.floor", "floor, on aiormq as the gateway is", floor)
    part.add_work("mt.floor_aio_pika", "floor, on aio-pika's own channels", higher)
    costs, below = ([one.cpu_per_thousand for one in found] for found in (gateway, floor))
    part.add("mt.ratio", "gateway : floor", "CPU : CPU", *ratios(costs, below))
    part.add(
        "mt.ratio_aio_pika",
        "gateway : floor on aio-pika's own channels",
        "CPU : CPU",
        *ratios(costs, [one.cpu_per_thousand for one in higher]),
    )
    return part
