"""Plays all scenarios long, round after round, and says what they came to: `make soak`.

Prints the seed, a table and the totals; writes every result as a line of JSON. Ends with 1 when any round was
not green.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

_COUNTED = ("messages", "mo", "faults", "lost", "twice", "twice_after_silence", "in_flight", "repetitions")
_COLUMNS = {
    "messages": "MT",
    "mo": "MO",
    "faults": "faults",
    "lost": "lost",
    "in_flight": "being sent then",
    "twice": "sent twice",
    "twice_after_silence": "sent again after silence",
    "repetitions": "DR and MO again",
}


def main() -> int:
    arguments = _arguments()
    console = Console(width=200)  # nothing is to be wrapped
    seed = arguments.seed if arguments.seed is not None else random.randrange(2**31)
    results: Path = arguments.results
    results.unlink(missing_ok=True)
    green, began = 0, time.monotonic()
    for number in range(arguments.rounds):
        console.print(f"round {number + 1} of {arguments.rounds}, {arguments.scale}, seed {seed + number}")
        green += _round(seed + number, arguments.scale, results)
    rows = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    minutes = (time.monotonic() - began) / 60
    console.print(table_of(rows))
    console.print(
        f"{green} of {arguments.rounds} rounds green in {minutes:.0f} min, {arguments.scale}, seed {seed}; "
        f"every scenario's result is in {results}"
    )
    return 0 if green == arguments.rounds else 1


def table_of(rows: Sequence[dict[str, Any]]) -> Table:
    """One line for each scenario, all rounds together, and one for the whole."""
    table = Table("scenario", "on", *_COLUMNS.values(), box=box.MARKDOWN)
    sums: dict[tuple[str, str], Counter[str]] = {}
    for row in rows:
        sums.setdefault((row["scenario"], row["on"]), Counter()).update(
            {name: row[name] for name in _COUNTED}
        )
    for (scenario, on), counts in sorted(sums.items(), key=lambda item: (item[0][1], item[0][0])):
        table.add_row(scenario, on, *_cells(counts))
    table.add_row("all", "", *_cells(sum(sums.values(), Counter())))
    return table


def _cells(counts: Counter[str]) -> list[str]:
    return [f"{counts[name]:,}" for name in _COLUMNS]


def _round(seed: int, scale: str, results: Path) -> bool:
    """Every fault test once; whether all of them passed."""
    environment = {
        **os.environ,
        "CI": "true",  # nothing is skipped
        "FAULTS_SCALE": scale,
        "FAULTS_SEED": str(seed),
        "FAULTS_RESULTS": str(results),
    }
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-m", "faults", "-q", "-p", "no:cacheprovider"],
        env=environment,
        check=False,
    )
    return ended.returncode == 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, help="of the first round; the next has the next (default: any)")
    parser.add_argument("--scale", choices=("short", "long"), default="long")
    parser.add_argument("--results", type=Path, default=Path("soak.jsonl"))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
