"""What a failed attempt leads to. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.broker.topology import tier_for
from gateway.errors import FailureKind, ProviderError
from gateway.model.account import WAIT_TIERS_SECONDS, RetrySchedule
from gateway.model.message import Duplicates
from gateway.model.receipt import Reason

# How long to wait when no attempt is used and the provider did not say, by how often it has waited before.
_THROTTLED_SECONDS = (1, 5, 30, 120, 600)
_AUTH_SECONDS = (30, 30, 120, 600)


@dataclass(frozen=True, slots=True)
class Wait:
    """Try again as attempt number `attempt`, after the wait tier of `seconds`."""

    seconds: int
    attempt: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Final `failed`, for this reason."""

    reason: Reason


def after_failure(
    error: ProviderError,
    *,
    attempt: int,
    waits: int,
    schedule: RetrySchedule,
    duplicates: Duplicates,
    idempotent: bool,
) -> Wait | GiveUp:
    """What follows from the failure of attempt number `attempt`, which had waited `waits` times without being
    used.

    THROTTLED and AUTH use no attempt; they are bounded by the message's expiry. After an UNCERTAIN outcome
    the message is sent again, unless duplicates are to be avoided and the provider would not recognise one.
    """
    reason = Reason(code=error.reason, kind=error.kind, provider_code=error.code, provider_text=error.text)
    asked = error.retry_after_seconds or 0.0
    if error.kind is FailureKind.PERMANENT:
        return GiveUp(reason)
    if error.kind is FailureKind.THROTTLED:
        return Wait(tier_for(asked or _nth(_THROTTLED_SECONDS, waits)), attempt, reason)
    if error.kind is FailureKind.AUTH:
        return Wait(tier_for(max(asked, _nth(_AUTH_SECONDS, waits))), attempt, reason)
    if error.kind is FailureKind.UNCERTAIN and duplicates == "avoid" and not idempotent:
        return GiveUp(reason.model_copy(update={"code": "outcome_unknown"}))
    if attempt >= schedule.max_attempts:
        return GiveUp(reason)
    return Wait(tier_for(max(asked, schedule.intervals_seconds[attempt - 1])), attempt + 1, reason)


def pause_of(error: ProviderError) -> float:
    """For how many seconds the whole account should send nothing after this failure; 0 for no pause.

    At most the longest wait tier, whatever the provider says.
    """
    usual = {FailureKind.THROTTLED: _THROTTLED_SECONDS[0], FailureKind.AUTH: _AUTH_SECONDS[0]}.get(error.kind)
    if usual is None:
        return 0.0
    return min(error.retry_after_seconds or float(usual), float(WAIT_TIERS_SECONDS[-1]))


def _nth(seconds: tuple[int, ...], waits: int) -> int:
    return seconds[min(waits, len(seconds) - 1)]
