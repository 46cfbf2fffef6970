"""The results as tables for people, on a terminal and as Markdown, and as JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from rich import box
from rich.console import Console
from rich.table import Table

from tests.bench.results import Part, Row
from tests.bench.targets import Verdict

_TARGET_COLUMNS = ("what", "must", "aim", "measured", "met")
_ROW_COLUMNS = ("what", "unit", "median (min - max)", "rounds")


@dataclass(frozen=True, slots=True)
class Report:
    """A whole run: where and when, the targets, and everything that was measured."""

    about: str
    verdicts: Sequence[Verdict]
    parts: Sequence[Part]


def number(value: float) -> str:
    """Three digits that count: 0.482, 1.53, 12.4, 1,234."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    digits = 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return f"{value:.{digits}f}"


def spread(row: Row) -> str:
    """`median (min - max)`, or the value alone when there is one."""
    if len(row.values) == 1:
        return number(row.values[0])
    return f"{number(row.median)} ({number(min(row.values))} - {number(max(row.values))})"


def target_rows(verdicts: Sequence[Verdict]) -> list[tuple[str, ...]]:
    rows = []
    for verdict in verdicts:
        target, sign = verdict.target, "≥" if verdict.target.at_least else "≤"
        measured = "" if verdict.measured is None else spread(verdict.measured) + target.unit
        limits = (f"{sign} {limit:g}{target.unit}" for limit in (target.must, target.aim))
        rows.append((target.what, *limits, measured, verdict.met))
    return rows


def part_rows(part: Part) -> list[tuple[str, ...]]:
    return [(row.what, row.unit, spread(row), str(len(row.values))) for row in part.rows]


def show(report: Report, console: Console) -> None:
    console.print(report.about)
    console.print(_table(_TARGET_COLUMNS, target_rows(report.verdicts)))
    for part in report.parts:
        console.print(f"\n{part.number}. {part.title}")
        console.print(_table(_ROW_COLUMNS, part_rows(part)))
        for note in part.notes:
            console.print(f"  {note}")


def markdown(report: Report) -> str:
    blocks = [report.about, _markdown_table(_TARGET_COLUMNS, target_rows(report.verdicts))]
    for part in report.parts:
        blocks += [f"**{part.number}. {part.title}**", _markdown_table(_ROW_COLUMNS, part_rows(part))]
        blocks += ["\n".join(part.notes)] if part.notes else []
    return "\n\n".join(blocks) + "\n"


def as_json(report: Report) -> bytes:
    document = {
        "about": report.about,
        "targets": [
            {
                "what": verdict.target.what,
                "must": verdict.target.must,
                "aim": verdict.target.aim,
                "at_least": verdict.target.at_least,
                "measured": verdict.measured and verdict.measured.median,
                "met": verdict.met,
            }
            for verdict in report.verdicts
        ],
        "parts": [
            {
                "number": part.number,
                "title": part.title,
                "notes": part.notes,
                "rows": [
                    {
                        "key": row.key,
                        "what": row.what,
                        "unit": row.unit,
                        "median": row.median,
                        "values": row.values,
                    }
                    for row in part.rows
                ],
            }
            for part in report.parts
        ],
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(*columns, box=box.SIMPLE_HEAD)
    for row in rows:
        table.add_row(*row)
    return table


def _markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)
