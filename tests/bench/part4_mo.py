"""Part 4: what people write: callback posted, taken in by web, passed on in normal form by mo."""

from __future__ import annotations

from tests.bench.part3_dr import callbacks
from tests.bench.results import Part
from tests.bench.stage import Stage

TITLE = "MO: a callback for each message; web alone, then mo alone on what web has put on its queue"


async def run(stage: Stage) -> Part:
    return await callbacks(stage, Part(4, TITLE), "mo")
