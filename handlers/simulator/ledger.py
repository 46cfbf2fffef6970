"""What the simulator saw and did: every send, every call, every callback the gateway accepted. No texts."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Literal

MAX_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class SendSeen:
    """One request to send, however it was answered."""

    seq: int
    entry: Literal["send"]
    provider: str
    account: str | None  # None: the credentials are nobody's
    recipient: str | None  # None: the request was not readable
    reference: str | None  # the sender's own id, where the provider has a field for it
    attempt: int  # counted per account, reference and recipient
    answered: str  # accepted, throttle, refuse:<code>, server_error …
    taken: bool  # whether the simulated provider acts on it
    message_ids: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class CallbackAccepted:
    """One receipt or message that the gateway answered with 2xx."""

    seq: int
    entry: Literal["callback"]
    provider: str
    account: str
    kind: Literal["receipt", "message"]
    status: str  # the provider's word: sent, delivered, read, failed, or the type of message
    message_id: str
    posts: int  # how often it had to be sent
    at: datetime


@dataclass(frozen=True, slots=True)
class CallSeen:
    """A request that sends nothing: a method of the provider's API that the gateway called on the way."""

    seq: int
    entry: Literal["call"]
    provider: str
    account: str
    method: str
    answered: str
    at: datetime


Entry = SendSeen | CallbackAccepted | CallSeen


class Ledger:
    """The entries in their order, numbered from 1; of more than `capacity`, the oldest are forgotten."""

    def __init__(self, capacity: int) -> None:
        self._entries: deque[Entry] = deque(maxlen=capacity)
        self._last = 0
        self._attempts: Counter[tuple[str | None, str | None, str | None]] = Counter()
        self._counts: Counter[tuple[str, ...]] = Counter()
        self.bare_sends = 0

    def attempt(self, account: str | None, reference: str | None, recipient: str | None) -> int:
        """The number of this try, and count it."""
        key = (account, reference, recipient)
        self._attempts[key] += 1
        return self._attempts[key]

    def send(
        self,
        *,
        provider: str,
        account: str | None,
        recipient: str | None,
        reference: str | None,
        attempt: int,
        answered: str,
        message_ids: Sequence[str] = (),
    ) -> None:
        self._counts["sends", account or "", answered] += 1
        self._counts["taken", account or ""] += bool(message_ids)
        self._add(
            SendSeen(
                self._next(),
                "send",
                provider,
                account,
                recipient,
                reference,
                attempt,
                answered,
                bool(message_ids),
                tuple(message_ids),
                datetime.now(UTC),
            )
        )

    def callback(
        self,
        *,
        provider: str,
        account: str,
        kind: Literal["receipt", "message"],
        status: str,
        message_id: str,
        posts: int,
    ) -> None:
        self._counts["callbacks", account, status] += 1
        at = datetime.now(UTC)
        self._add(
            CallbackAccepted(self._next(), "callback", provider, account, kind, status, message_id, posts, at)
        )

    def call(self, *, provider: str, account: str, method: str, answered: str) -> None:
        self._counts["calls", account, method] += 1
        self._add(CallSeen(self._next(), "call", provider, account, method, answered, datetime.now(UTC)))

    def page(self, since: int, limit: int) -> tuple[list[Entry], int]:
        """The next entries after number `since`, and the number to ask after next time."""
        first_kept = self._last - len(self._entries) + 1
        start = max(since + 1, first_kept) - first_kept
        stop = start + min(limit, MAX_PAGE)
        page = list(islice(self._entries, start, stop))
        return page, page[-1].seq if page else max(since, 0)

    def summary(self) -> dict[str, Any]:
        """Counts by account: sends by answer, taken, callbacks by status, calls by method."""
        summary: dict[str, Any] = {"sends": {}, "taken": {}, "callbacks": {}, "calls": {}}
        for (section, account, *rest), count in sorted(self._counts.items()):
            if rest:
                summary[section].setdefault(account, {})[rest[0]] = count
            elif count:
                summary[section][account] = count
        return summary | {"bare_sends": self.bare_sends, "last_seq": self._last}

    def _next(self) -> int:
        self._last += 1
        return self._last

    def _add(self, entry: Entry) -> None:
        self._entries.append(entry)
