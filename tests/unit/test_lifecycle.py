"""The state of an MT: every change there is, and what holds whatever news comes in whatever order."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.lifecycle import Advance, Report, advance, is_end
from gateway.model.receipt import NEGATIVE_ENDS, RANK, Status

A, S, W = Status.ACCEPTED, Status.SENDING, Status.WAITING
SUB, DEL, READ = Status.SUBMITTED, Status.DELIVERED, Status.READ
F, E, R = Status.FAILED, Status.EXPIRED, Status.REJECTED


def told(
    current: Status, news: Status, ended_as: Status | None = None, *, receipts: bool = True
) -> Advance | None:
    return advance(current, news, ended_as=ended_as, provider_sends_receipts=receipts)


def test_the_way_of_a_message_that_is_delivered_and_read() -> None:
    assert told(A, S) == Advance(S, (Report(S, final=False),), None)
    assert told(S, SUB) == Advance(SUB, (Report(SUB, final=False),), None)
    assert told(SUB, DEL) == Advance(DEL, (Report(DEL, final=True),), DEL)
    assert told(DEL, READ, DEL) == Advance(READ, (Report(READ, final=False),), DEL)


@pytest.mark.parametrize("current", [A, S, W, SUB])
@pytest.mark.parametrize("end", [F, E, R])
def test_a_message_under_way_can_end_badly_from_anywhere(current: Status, end: Status) -> None:
    assert told(current, end) == Advance(end, (Report(end, final=True),), end)


@pytest.mark.parametrize("current", [A, S, W])
@pytest.mark.parametrize("news", [SUB, DEL])
def test_a_receipt_that_overtakes_is_taken_at_its_word(current: Status, news: Status) -> None:
    final = news is DEL
    assert told(current, news) == Advance(news, (Report(news, final=final),), DEL if final else None)


@pytest.mark.parametrize("current", [A, S, W, SUB])
def test_read_implies_delivered_which_is_the_final_one(current: Status) -> None:
    assert told(current, READ) == Advance(READ, (Report(DEL, final=True), Report(READ, final=False)), DEL)


@pytest.mark.parametrize("end", [F, E])
def test_delivered_after_a_bad_end_is_late_and_not_final(end: Status) -> None:
    assert told(end, DEL, end) == Advance(DEL, (Report(DEL, final=False, late=True),), end)
    assert told(DEL, READ, end) == Advance(READ, (Report(READ, final=False, late=True),), end)


@pytest.mark.parametrize("end", [F, E])
def test_read_after_a_bad_end_brings_both_late(end: Status) -> None:
    late = (Report(DEL, final=False, late=True), Report(READ, final=False, late=True))
    assert told(end, READ, end) == Advance(READ, late, end)


@pytest.mark.parametrize("news", list(Status))
def test_nothing_follows_a_message_that_was_never_tried(news: Status) -> None:
    assert told(R, news, R) is None


@pytest.mark.parametrize("current", [DEL, READ])
@pytest.mark.parametrize("news", [A, S, W, SUB, F, E, R, DEL])
def test_nothing_overtakes_proof_of_delivery(current: Status, news: Status) -> None:
    assert told(current, news, DEL) is None


@pytest.mark.parametrize("first", [F, E])
@pytest.mark.parametrize("second", [A, S, W, SUB, F, E, R])
def test_the_first_bad_end_stands(first: Status, second: Status) -> None:
    assert told(first, second, first) is None


@pytest.mark.parametrize("status", list(Status))
def test_the_same_news_again_is_no_news(status: Status) -> None:
    assert told(status, status) is None


@pytest.mark.parametrize("current", [SUB, F, E, R, DEL, READ])
@pytest.mark.parametrize("news", [A, S, W])
def test_a_message_does_not_go_back(current: Status, news: Status) -> None:
    assert told(current, news) is None


def test_where_no_receipts_come_submitted_is_the_end() -> None:
    assert told(S, SUB, receipts=False) == Advance(SUB, (Report(SUB, final=True),), SUB)


@pytest.mark.parametrize("end", [F, E, R])
def test_where_no_receipts_come_nothing_bad_overtakes_submitted(end: Status) -> None:
    assert told(SUB, end, SUB, receipts=False) is None


def test_where_no_receipts_come_proof_of_delivery_is_passed_on_all_the_same() -> None:
    assert told(SUB, DEL, SUB, receipts=False) == Advance(DEL, (Report(DEL, final=False),), SUB)
    both = (Report(DEL, final=False), Report(READ, final=False))
    assert told(SUB, READ, SUB, receipts=False) == Advance(READ, both, SUB)


@pytest.mark.parametrize("status", list(Status))
def test_the_ends_are_delivery_and_the_bad_ones_and_submitted_without_receipts(status: Status) -> None:
    assert is_end(status, provider_sends_receipts=True) is (status in (DEL, READ, F, E, R))
    assert is_end(status, provider_sends_receipts=False) is (status in (SUB, DEL, READ, F, E, R))


Story = tuple[list[Status], list[Report], list[Status | None]]


def lived(news: list[Status], *, receipts: bool) -> Story:
    """The statuses a message went through, what was reported, and what had been told as final after each."""
    status, ended_as = A, None
    statuses: list[Status] = [status]
    reports: list[Report] = []
    ends: list[Status | None] = [None]
    for each in news:
        step = advance(status, each, ended_as=ended_as, provider_sends_receipts=receipts)
        if step is not None:
            status, ended_as = step.status, step.ended_as
            reports += step.reports
            statuses.append(status)
            ends.append(ended_as)
    return statuses, reports, ends


NEWS = st.lists(st.sampled_from(list(Status)), max_size=12)


@given(NEWS, st.booleans())
def test_at_most_one_report_is_final_and_it_is_told_as_long_as_the_message_lives(
    news: list[Status], receipts: bool
) -> None:
    statuses, reports, ends = lived(news, receipts=receipts)
    final = [report.status for report in reports if report.final]
    assert final == ([ends[-1]] if ends[-1] else [])
    assert bool(final) is is_end(statuses[-1], provider_sends_receipts=receipts)
    assert all(after == before for before, after in pairwise(ends) if before is not None)


@given(NEWS, st.booleans())
def test_no_status_is_reported_twice(news: list[Status], receipts: bool) -> None:
    reported = [report.status for report in lived(news, receipts=receipts)[1]]
    assert len(reported) == len(set(reported))


@given(NEWS, st.booleans())
def test_the_rank_only_rises(news: list[Status], receipts: bool) -> None:
    ranks = [RANK[status] for status in lived(news, receipts=receipts)[0]]
    assert all(before < after for before, after in pairwise(ranks))


@given(NEWS, st.booleans())
def test_whoever_hears_of_read_has_heard_of_delivered_before(news: list[Status], receipts: bool) -> None:
    reported = [report.status for report in lived(news, receipts=receipts)[1]]
    if READ in reported:
        assert DEL in reported[: reported.index(READ)]


@given(NEWS, st.booleans())
def test_late_is_said_of_delivered_and_read_after_a_bad_end_and_of_nothing_else(
    news: list[Status], receipts: bool
) -> None:
    _, reports, ends = lived(news, receipts=receipts)
    for report in reports:
        expected = ends[-1] in NEGATIVE_ENDS and report.status in (DEL, READ)
        assert report.late is expected
        assert not (report.late and report.final)


@given(st.permutations([SUB, DEL, READ]), st.booleans())
def test_receipts_in_any_order_lead_to_the_same_state(news: list[Status], receipts: bool) -> None:
    statuses, reports, _ = lived([S, *news], receipts=receipts)
    assert statuses[-1] is READ
    assert {DEL, READ} <= {report.status for report in reports}
