"""The state of an MT and every way it can change: pure, and the only place that decides.

    accepted ─► sending(n) ─► submitted ─► delivered ─► read
        │          │  └► waiting(n+1) ─► sending(n+1)…
        └──────────┴────────┴──► failed │ expired │ rejected

`advance` says what a piece of news means in a given state. The store applies the result only if the state is
still the one that was looked at (compare and swap on `rev`), so two processes never both act on the same
news.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.model.receipt import NEGATIVE_ENDS, RANK, Status


@dataclass(frozen=True, slots=True)
class Report:
    """One DR that follows from a change of state."""

    status: Status
    final: bool
    late: bool = False


@dataclass(frozen=True, slots=True)
class Advance:
    """What news leads to: the next status and the DR to publish."""

    status: Status
    reports: tuple[Report, ...]
    ended_as: Status | None  # the status that has been told as final, once these reports are out


def advance(
    current: Status, news: Status, *, ended_as: Status | None, provider_sends_receipts: bool
) -> Advance | None:
    """What `news` means for an MT in state `current`; None when it is not news, or no longer matters.

    `ended_as` is the status that was passed on as the final one, if any was. `read` implies `delivered`.
    Delivered or read after a negative end is passed on, marked late and not final. Where the provider sends
    no receipts, `submitted` is the end and nothing overtakes it but proof of delivery.
    """
    if RANK[news] <= RANK[current] or current is Status.REJECTED:
        return None
    if ended_as is Status.SUBMITTED and news in NEGATIVE_ENDS:
        return None
    late = ended_as in NEGATIVE_ENDS
    reached = [news]
    if news is Status.READ and RANK[current] < RANK[Status.DELIVERED]:
        reached.insert(0, Status.DELIVERED)
    reports = []
    for status in reached:
        final = ended_as is None and is_end(status, provider_sends_receipts=provider_sends_receipts)
        ended_as = status if final else ended_as
        reports.append(Report(status, final, late and RANK[status] >= RANK[Status.DELIVERED]))
    return Advance(news, tuple(reports), ended_as)


def advance_parts(
    parts: Mapping[str, Status], ids: Sequence[str], part: str, news: Status, *, more_follow: bool = False
) -> tuple[dict[str, Status], Status | None]:
    """What a receipt for one part means for a message that was sent in several, known by `ids`.

    Returns how far each part is known to have come, and the news for the message as a whole: delivered or
    read once all parts are, a negative end as soon as one part has it; None when the others are still
    awaited. With `more_follow`, not all of them are sent yet, and only a negative end is news already.
    """
    if RANK[news] < RANK[Status.DELIVERED]:
        waits_for_others = more_follow and news not in NEGATIVE_ENDS
        return dict(parts), None if waits_for_others else news
    before = parts.get(part, Status.SUBMITTED)
    after = {**parts, part: max(before, news, key=RANK.__getitem__)}
    if more_follow:
        return after, None
    slowest = min((after.get(id, Status.SUBMITTED) for id in ids), key=RANK.__getitem__)
    return after, slowest if slowest is not Status.SUBMITTED else None


def is_end(status: Status, *, provider_sends_receipts: bool) -> bool:
    """Whether an MT in this status has ended, as far as the platform is told."""
    if status is Status.SUBMITTED:
        return not provider_sends_receipts
    return RANK[status] > RANK[Status.SUBMITTED]
