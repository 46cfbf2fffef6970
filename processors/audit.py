"""The conservation law, computed from the log: every MT that was accepted has ended, once, or is under
way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.model.base import now
from gateway.model.receipt import RANK, Status
from gateway.store.transactions import Transactions

UNDER_WAY = frozenset({Status.ACCEPTED, Status.SENDING, Status.WAITING, Status.SUBMITTED})
_OVERDUE_LIMIT = 1_000


@dataclass(frozen=True, slots=True)
class Audit:
    """Accepted = ended + under way. `ended` counts by the status that was told as final.

    `broken` says what should never be seen, each with how many MT it is about; empty is what one wants.
    """

    accepted: int
    states: Mapping[Status, int]
    ended: Mapping[Status, int]
    under_way: Mapping[Status, int]
    overdue: int  # under way though their time has passed; the expiry monitor is about to end them
    broken: Mapping[str, int] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        return not self.broken and self.accepted == sum(self.ended.values()) + sum(self.under_way.values())


async def audit(transactions: Transactions) -> Audit:
    """Count every MT in the log, and look for what contradicts itself."""
    totals = {(Status(s), Status(e) if e else None): n for (s, e), n in (await transactions.totals()).items()}
    states: dict[Status, int] = {}
    ended: dict[Status, int] = {}
    under_way: dict[Status, int] = {}
    broken: dict[str, int] = {}
    for (status, ended_as), count in totals.items():
        states[status] = states.get(status, 0) + count
        if ended_as is not None:
            ended[ended_as] = ended.get(ended_as, 0) + count
        elif status in UNDER_WAY:
            under_way[status] = under_way.get(status, 0) + count
        else:
            broken[f"{status.value} but never told as final"] = count
        if ended_as is not None and RANK[status] < RANK[ended_as]:
            broken[f"told as {ended_as.value} but now {status.value}"] = count
    overdue = len(await transactions.due(now(), _OVERDUE_LIMIT))
    return Audit(sum(totals.values()), states, ended, under_way, overdue, broken)
