"""Hands one message to a provider, in a slot of the limiter, and lets the limiter learn from the answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from gateway.errors import FailureKind, MessageRefused, ProviderError
from gateway.model.account import ProviderAccount
from gateway.telemetry.metrics import Metrics
from gateway.transports.port import Transports
from handlers.contract import Handler, Submission, Submitted
from handlers.shared.audiences import page_count
from processors.limiter import Limiter
from processors.retry_policy import pause_of

Answer = Submitted | ProviderError | MessageRefused

_BACKSTOP_SECONDS = 5.0


class Sender:
    """Sends through any account."""

    def __init__(self, limiter: Limiter, transports: Transports, metrics: Metrics) -> None:
        self._limiter = limiter
        self._transports = transports
        self._metrics = metrics

    async def send(self, account: ProviderAccount, handler: Handler, submission: Submission) -> Answer:
        """Send it in a slot that was had before (`Limiter.enter`), and leave the slot."""
        answer: Answer
        try:
            try:
                answer = await self._send(account, handler, submission)
            except (ProviderError, MessageRefused) as error:
                answer = error
            self._learn(account, answer)
        finally:
            self._limiter.leave(account.account)
        return answer

    def _learn(self, account: ProviderAccount, answer: Answer) -> None:
        """What this answer says about the account and its provider."""
        if isinstance(answer, MessageRefused):
            outcome = "refused"
        else:
            error = answer if isinstance(answer, ProviderError) else None
            outcome = "submitted" if error is None else error.kind.value
            learn(self._limiter, account.account, error)
        self._metrics.attempts.labels(account.account, account.provider, outcome).inc()

    async def _send(self, account: ProviderAccount, handler: Handler, submission: Submission) -> Submitted:
        started = time.perf_counter()
        try:
            # The transport keeps the time; this only catches a handler that waits for something else.
            async with asyncio.timeout(longest_seconds(account, submission.audience) + _BACKSTOP_SECONDS):
                return await handler.send(submission, self._transports)
        except TimeoutError as error:
            raise ProviderError(
                FailureKind.UNCERTAIN, reason="provider_unavailable", code="time_out"
            ) from error
        finally:
            seconds = time.perf_counter() - started
            self._metrics.provider_seconds.labels(account.account, account.provider).observe(seconds)


def longest_seconds(account: ProviderAccount, audience: Sequence[str]) -> float:
    """How long one send may take: the account's time for each page of its audience."""
    return account.timeout_seconds * page_count(audience)


def learn(limiter: Limiter, account: str, error: ProviderError | None) -> None:
    """What the answer to a send says about its account; None where all was taken."""
    if error is None:
        limiter.answered(account)
        limiter.healthy(account, True)
        return
    away = error.kind in (FailureKind.TRANSIENT, FailureKind.UNCERTAIN)
    (limiter.failed if away else limiter.answered)(account)
    if error.kind is FailureKind.AUTH:
        limiter.healthy(account, False)
    limiter.pause(account, pause_of(error))
