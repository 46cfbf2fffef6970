"""The arithmetic of the bench: percentiles, ratios, targets, and what the tables show of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import orjson
import pytest

from tests.bench.results import Part, Row, percentile, ratios
from tests.bench.tables import Report, as_json, markdown, number, part_rows, spread, target_rows
from tests.bench.targets import TARGETS, Target, Verdict, verdicts
from tests.bench.usage import MachineTime
from tests.bench.window import Extent, Measured, measure

RATIO = Target("gateway : floor", ("mt.ratio",), must=1.5, aim=1.0)
SHARE = Target("share", ("share",), must=0.8, aim=0.95, unit=" x", at_least=True)


@pytest.mark.parametrize(
    ("percent", "expected"), [(0, 1), (50, 50), (95, 95), (99, 99), (99.5, 100), (100, 100)]
)
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(percent: float, expected: int) -> None:
    assert percentile([*range(100, 0, -1)], percent) == expected


def test_every_percentile_of_one_value_is_that_value() -> None:
    assert [percentile([7.0], percent) for percent in (0, 50, 99, 100)] == [7.0] * 4


def test_nothing_has_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_ratios_are_taken_round_by_round() -> None:
    assert ratios([3.0, 1.0], [2.0, 4.0]) == (1.5, 0.25)


def test_rounds_that_have_no_partner_are_an_error() -> None:
    with pytest.raises(ValueError, match="longer"):
        ratios([3.0], [2.0, 4.0])


def test_a_measurement_gives_the_cost_of_a_thousand_messages_and_their_rate() -> None:
    seen = Measured(messages=500, seconds=2.0, cpu_seconds=0.4, machine_busy=0.5, megabytes=90.0)
    assert (seen.rate, seen.cpu_per_thousand) == (250.0, 0.8)


def test_the_machine_is_busy_for_the_share_of_time_that_it_was_not_idle() -> None:
    before, after = MachineTime(busy=10, idle=10), MachineTime(busy=13, idle=11)
    assert (after.busy_share_since(before), before.busy_share_since(before)) == (0.75, 0.0)


async def test_what_comes_out_before_and_after_the_window_is_not_counted() -> None:
    counts: Iterator[int] = iter([0, 4, 6, 6, 9, 15, 99])

    async def done() -> int:
        await asyncio.sleep(0)
        return next(counts)

    assert (await measure(done, Extent(warm=5, count=8, rest=2), [])).messages == 15 - 6


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.4821, "0.482"), (1.534, "1.53"), (12.36, "12.4"), (1234.4, "1,234"), (0.0, "0.000")],
)
def test_a_number_shows_the_digits_that_count(value: float, shown: str) -> None:
    assert number(value) == shown


def test_a_row_shows_its_median_and_its_extremes() -> None:
    row = Row("cost", "cost", "s", (0.9, 0.5, 0.6))
    assert (spread(row), spread(Row("cost", "cost", "s", (0.5,)))) == ("0.600 (0.500 - 0.900)", "0.500")


@pytest.mark.parametrize(("value", "met"), [(0.9, "aim"), (1.0, "aim"), (1.5, "must"), (1.51, "no")])
def test_less_is_better_for_a_target_of_cost(value: float, met: str) -> None:
    assert Verdict(RATIO, Row("mt.ratio", "", "", (value,))).met == met


@pytest.mark.parametrize(("value", "met"), [(1.02, "aim"), (0.95, "aim"), (0.8, "must"), (0.79, "no")])
def test_more_is_better_for_a_target_of_speed(value: float, met: str) -> None:
    assert Verdict(SHARE, Row("share", "", "", (value,))).met == met


def test_what_no_part_has_measured_is_said_so() -> None:
    assert {verdict.met for verdict in verdicts([])} == {"not measured"}


def test_of_several_quantities_the_worst_counts() -> None:
    part = Part(6, "growth")
    part.add("growth.mt.ratio", "mt", "", 1.0, 1.1)
    part.add("growth.dr.ratio", "dr", "", 1.2, 1.4)
    (growth,) = [verdict for verdict in verdicts([part]) if verdict.measured]
    assert (growth.measured, growth.met) == (part.rows[1], "no")


def test_every_target_has_a_quantity_of_its_own() -> None:
    keys = [key for target in TARGETS for key in target.keys]
    assert len(keys) == len(set(keys))


def report() -> Report:
    part = Part(1, "MT", notes=["Said beside it."])
    part.add("mt.ratio", "gateway | floor", "CPU : CPU", 2.0, 1.0, 3.0)
    found = [Verdict(RATIO, part.rows[0]), Verdict(SHARE, None)]
    return Report("about", found, [part])


def test_the_table_of_targets_says_which_way_is_better() -> None:
    assert target_rows(report().verdicts) == [
        ("gateway : floor", "≤ 1.5", "≤ 1", "2.00 (1.00 - 3.00)", "no"),
        ("share", "≥ 0.8 x", "≥ 0.95 x", "", "not measured"),
    ]


def test_a_part_shows_each_quantity_with_its_unit_and_rounds() -> None:
    assert part_rows(report().parts[0]) == [("gateway | floor", "CPU : CPU", "2.00 (1.00 - 3.00)", "3")]


def test_the_markdown_is_one_whole_document() -> None:
    assert markdown(report()) == (
        "about\n\n"
        "| what | must | aim | measured | met |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| gateway : floor | ≤ 1.5 | ≤ 1 | 2.00 (1.00 - 3.00) | no |\n"
        "| share | ≥ 0.8 x | ≥ 0.95 x |  | not measured |\n\n"
        "**1. MT**\n\n"
        "| what | unit | median (min - max) | rounds |\n"
        "| --- | --- | --- | --- |\n"
        "| gateway / floor | CPU : CPU | 2.00 (1.00 - 3.00) | 3 |\n\n"
        "Said beside it.\n"
    )


def test_the_json_has_every_value() -> None:
    assert orjson.loads(as_json(report())) == {
        "about": "about",
        "targets": [
            {
                "what": "gateway : floor",
                "must": 1.5,
                "aim": 1.0,
                "at_least": False,
                "measured": 2.0,
                "met": "no",
            },
            {
                "what": "share",
                "must": 0.8,
                "aim": 0.95,
                "at_least": True,
                "measured": None,
                "met": "not measured",
            },
        ],
        "parts": [
            {
                "number": 1,
                "title": "MT",
                "notes": ["Said beside it."],
                "rows": [
                    {
                        "key": "mt.ratio",
                        "what": "gateway | floor",
                        "unit": "CPU : CPU",
                        "median": 2.0,
                        "values": [2.0, 1.0, 3.0],
                    }
                ],
            }
        ],
    }
