"""Measures what the gateway costs and how fast it is: `make bench`.

Starts a RabbitMQ, a mongod and a provider of its own, and the daemons as a user would; prints tables, writes
them as JSON. Asserts no time: its exit code is 0 whenever everything could be measured.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import os
import platform
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import uvloop
from rich.console import Console

from gateway import __version__
from tests.bench import (
    part1_floor,
    part2_latency,
    part3_dr,
    part4_mo,
    part5_waiting,
    part6_growth,
    part7_expiry,
    part8_two,
    part9_embedded,
    part10_rtm,
)
from tests.bench.results import Part
from tests.bench.sizes import FULL, QUICK, Sizes
from tests.bench.stage import Stage, open_stage
from tests.bench.tables import Report, as_json, markdown, show
from tests.bench.targets import verdicts

PARTS: Mapping[int, Callable[[Stage], Awaitable[Part]]] = {
    1: part1_floor.run,
    2: part2_latency.run,
    3: part3_dr.run,
    4: part4_mo.run,
    5: part5_waiting.run,
    6: part6_growth.run,
    7: part7_expiry.run,
    8: part8_two.run,
    9: part9_embedded.run,
    10: part10_rtm.run,
}


def main() -> int:
    arguments = _arguments()
    console = Console(width=150)
    sizes = QUICK if arguments.quick else FULL
    if arguments.rounds:
        sizes = dataclasses.replace(sizes, rounds=arguments.rounds, few=arguments.rounds)
    load, began_at = os.getloadavg()[0], time.monotonic()
    parts = uvloop.run(_measure(sizes, arguments.only, console))
    minutes = (time.monotonic() - began_at) / 60
    report = Report(_about(arguments, minutes, load), verdicts(parts), parts)
    show(report, console)
    arguments.json.write_bytes(as_json(report))
    if arguments.markdown:
        arguments.markdown.write_text(markdown(report))
    return 0


async def _measure(sizes: Sizes, numbers: Sequence[int], console: Console) -> list[Part]:
    parts = []
    measuring = asyncio.current_task()
    if measuring is not None:  # what was started is ended, too
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, measuring.cancel)
    async with open_stage(sizes) as stage:
        for number in numbers:
            began_at = time.monotonic()
            console.print(f"part {number} …")
            parts.append(await PARTS[number](stage))
            console.print(f"part {number}: {time.monotonic() - began_at:.0f} s")
    return parts


def _about(arguments: argparse.Namespace, minutes: float, load: float) -> str:
    """What was run, and on what. `load` is the machine's when it began: near 0 when nothing else ran."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    sizes = f"quick, with {QUICK.documents:,} documents and {QUICK.backlog:,} queued instead"
    scale = sizes if arguments.quick else "full"
    return (
        f"im-gateway {__version__}, {datetime.now(UTC):%Y-%m-%d}, {minutes:.0f} min, {scale}; "
        f"Python {platform.python_version()}, {os.cpu_count()} CPUs, {memory:.0f} GiB, "
        f"Linux {platform.machine()}, servers and provider on the same machine; load before: {load:.1f}"
    )


def _numbers(text: str) -> list[int]:
    numbers = [int(word) for word in text.split(",")]
    unknown = set(numbers) - PARTS.keys()
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no part {', '.join(map(str, sorted(unknown)))}")
    return numbers


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller numbers and fewer rounds")
    parser.add_argument("--only", type=_numbers, default=list(PARTS), help="parts, as in 1,3 (default: all)")
    parser.add_argument("--rounds", type=int, help="of everything")
    parser.add_argument("--json", type=Path, default=Path("bench.json"), help="(default: bench.json)")
    parser.add_argument("--markdown", type=Path, help="write the tables to this file, too")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
