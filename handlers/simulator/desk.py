"""The course of one send, the same at every simulated provider: judge it, note it, act on it, answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from aiohttp import web

from handlers.simulator.callbacks import Callback, Courier, Step
from handlers.simulator.ledger import Ledger
from handlers.simulator.plan import Due, Habits, Stage, receipts, split_early
from handlers.simulator.rules import ReplyRule, Rulebook, Verdict

# How long an early receipt may hold back the answer of the send that it belongs to.
EARLY_SECONDS = 5.0
# How often a request that is never answered looks whether its sender has gone.
GONE_EVERY_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider answers."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"

    def response(self) -> web.Response:
        return web.Response(
            status=self.status, body=self.body, headers=self.headers, content_type=self.content_type
        )


# A complete answer with status 200 that is not what any of these providers would say.
GARBAGE = Answer(200, b"<!doctype html><title>Welcome</title>", content_type="text/html")


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer, the words the ledger has for it, and the ids when the message was taken."""

    answer: Answer
    answered: str
    message_ids: tuple[str, ...] = ()


class Letter(Protocol):
    """One valid request to send, read and understood by its provider's module."""

    @property
    def provider(self) -> str: ...

    @property
    def account(self) -> str: ...

    @property
    def recipient(self) -> str: ...

    @property
    def reference(self) -> str | None:
        """The sender's own id, where the provider has a field for it."""

    def post(self) -> tuple[str, ...]:
        """Take it: the provider's ids from now on."""

    def accepted(self) -> Answer:
        """The answer to a message that was taken."""

    def fault(self, verdict: Verdict) -> tuple[Answer, str]:
        """The answer of a provider that refuses or fails, and the provider's code for it."""

    def receipt(self, stage: Stage, case: str | None) -> Callback | None:
        """The callback for this stage; None where the provider has none. `case` says why it failed."""

    def replies(self, rule: ReplyRule) -> Sequence[Callback]:
        """What the person does who answers this message."""


@dataclass(frozen=True, slots=True)
class Manners:
    """How the simulated providers behave where no rule says otherwise."""

    habits: Habits
    reply_share: float
    seed: int
    bare: bool
    latency_seconds: float


class Desk:
    """Where every send arrives."""

    def __init__(self, manners: Manners, rulebook: Rulebook, ledger: Ledger, courier: Courier) -> None:
        self._manners = manners
        self._rulebook = rulebook
        self._ledger = ledger
        self._courier = courier
        self._closing = asyncio.Event()

    @property
    def bare(self) -> bool:
        return self._manners.bare

    def close(self) -> None:
        """Let go of every request that would never be answered."""
        self._closing.set()

    async def bare_answer(self, answer: Answer) -> web.Response:
        """For benchmarks: count, and answer."""
        self._ledger.bare_sends += 1
        if self._manners.latency_seconds:
            await asyncio.sleep(self._manners.latency_seconds)
        return answer.response()

    def turned_away(
        self, provider: str, account: str | None, answer: Answer, code: str, recipient: str | None = None
    ) -> web.Response:
        """The answer to a request that the provider would not take from anybody; noted all the same."""
        attempt = self._ledger.attempt(account, None, recipient)
        self._ledger.send(
            provider=provider,
            account=account,
            recipient=recipient,
            reference=None,
            attempt=attempt,
            answered=f"invalid:{code}",
        )
        return answer.response()

    def noted(self, provider: str, account: str, method: str, answer: Answer) -> web.Response:
        """The answer to a call that sends nothing."""
        answered = "ok" if answer.status == 200 else f"invalid:{answer.status}"
        self._ledger.call(provider=provider, account=account, method=method, answered=answered)
        return answer.response()

    async def take(self, request: web.Request | None, letter: Letter) -> web.Response:
        """The whole course of one send. Without a request, nobody waits for the answer."""
        verdict = self._rulebook.verdict(letter.account, letter.recipient)
        attempt = self._ledger.attempt(letter.account, letter.reference, letter.recipient)
        if pause := verdict.slow_seconds + self._manners.latency_seconds:
            await asyncio.sleep(pause)
        outcome = _outcome(letter, verdict)
        self._ledger.send(
            provider=letter.provider,
            account=letter.account,
            recipient=letter.recipient,
            reference=letter.reference,
            attempt=attempt,
            answered=outcome.answered,
            message_ids=outcome.message_ids,
        )
        if outcome.message_ids:
            await self._act(letter, verdict, attempt)
        if request is not None and verdict.action == "time_out":
            await self._never_answer(request)
        if request is not None and verdict.action == "drop_connection":
            _hang_up(request)
        return outcome.answer.response()

    async def _act(self, letter: Letter, verdict: Verdict, attempt: int) -> None:
        """Everything that follows from a message that was taken."""
        chance = Random(f"{self._manners.seed}/{letter.account}/{letter.recipient}/{attempt}")  # noqa: S311
        due = receipts(verdict.receipts, self._manners.habits, chance)
        if verdict.receipts.early:
            early, due = split_early(due)
            await asyncio.wait([self._courier.follow(_steps(letter, early, verdict))], timeout=EARLY_SECONDS)
        reply = verdict.reply
        if reply is None and chance.random() < self._manners.reply_share:
            reply = ReplyRule()
        steps = _steps(letter, due, verdict)
        if reply is not None:
            steps += [Step(reply.after_seconds, callback) for callback in letter.replies(reply)]
        if steps:
            self._courier.follow(steps)

    async def _never_answer(self, request: web.Request) -> None:
        """Return once the sender has gone away, or the simulator stops."""
        while request.transport is not None and not request.transport.is_closing():
            if self._closing.is_set():
                _hang_up(request)
                return
            await asyncio.sleep(GONE_EVERY_SECONDS)


def _outcome(letter: Letter, verdict: Verdict) -> Outcome:
    if verdict.action == "accept":
        ids = letter.post()
        return Outcome(letter.accepted(), "accepted", ids)
    ids = letter.post() if verdict.taken else ()
    if verdict.action in ("time_out", "drop_connection"):
        return Outcome(Answer(200, b""), verdict.action, ids)
    if verdict.action == "garbage":
        return Outcome(GARBAGE, "garbage", ids)
    answer, code = letter.fault(verdict)
    return Outcome(answer, f"{verdict.action}:{code}", ids)


def _steps(letter: Letter, due: Sequence[Due], verdict: Verdict) -> list[Step]:
    steps = []
    for receipt in due:
        callback = letter.receipt(receipt.stage, verdict.receipts.fail)
        if callback is not None:
            steps.append(Step(receipt.after_seconds, callback))
    return steps


def _hang_up(request: web.Request) -> None:
    """Close the connection without a word (a reset, as from a machine that went down)."""
    if request.transport is not None:
        request.transport.abort()
