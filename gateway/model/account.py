"""An account: one set of credentials, sender identity and limits at one provider."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, HttpUrl, StringConstraints, field_validator

from gateway.model.base import Contract, Name

# The waits there are between attempts, in seconds; each is one queue (gateway/broker/topology.py).
WAIT_TIERS_SECONDS = (1, 5, 30, 120, 600, 3_600, 21_600)
DEFAULT_RETRY_SECONDS = (5, 30, 120, 600, 3_600)

SenderId = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class Settings(Contract):
    """The base of everything that is read from a configuration file."""


class NoSettings(Settings):
    """A section that a provider has no use for; anything in it is refused."""


class RetrySchedule(Settings):
    """How often a message is tried again after passing failures, and after how long each time."""

    intervals_seconds: Annotated[tuple[int, ...], Field(max_length=32)] = DEFAULT_RETRY_SECONDS
    """The waits between attempts, in order; each one of 1, 5, 30, 120, 600, 3600, 21600. Empty: one attempt
    only."""

    @field_validator("intervals_seconds")
    @classmethod
    def _only_tiers(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        unknown = [seconds for seconds in value if seconds not in WAIT_TIERS_SECONDS]
        if unknown:
            tiers = ", ".join(map(str, WAIT_TIERS_SECONDS))
            raise ValueError(f"each interval is one of {tiers}; not {', '.join(map(str, unknown))}")
        return value

    @property
    def max_attempts(self) -> int:
        return len(self.intervals_seconds) + 1


class ProviderAccount(Settings):
    """What every account has, whatever its provider. Handlers narrow the sections that differ."""

    account: Name
    """Its name: in `accounts` of applications, in callback URLs, in metrics."""
    provider: Name
    """Whose API carries it; see `imgw providers`."""
    channel: Name
    """What the person uses; given by the provider, except where one provider carries several."""
    brand: str | None = None
    """Only for messages with this value in `attributes.brand`; without it, for any."""
    conditions: Annotated[dict[str, str], Field(max_length=2)] = {}
    """Up to two message attributes and the value each must have for this account to be chosen."""
    senders: tuple[SenderId, ...] = Field((), alias="from")
    """The sender identities, where the channel has them; the first is the default."""
    mo_application: Name | None = None
    """The application that what people write to this account goes to."""
    url: HttpUrl | None = None
    """Where the provider's API is, when not at its usual place."""
    credentials: Any = None
    """What the gateway proves itself with; see the provider. Secrets only as ${env:NAME} or ${file:PATH}."""
    callback: Any = None
    """What the provider proves its callbacks with; see the provider."""
    parameters: Any = None
    """What else the provider needs; see the provider."""
    session_window: Literal["enforce", "provider"] = "enforce"
    """Where the channel has a session window: "enforce" sends nothing free-form to a person who, as far as
    the gateway knows, has not written within it; "provider" leaves that to the provider, as while what people
    write also goes to another system."""
    retry: RetrySchedule = RetrySchedule()
    max_tps: Annotated[float, Field(gt=0, le=10_000)] | None = None
    """At most this many sends per second; without it, no limit."""
    max_in_flight: Annotated[int, Field(ge=1, le=10_000)] = 50
    """At most this many sends under way at once."""
    timeout_seconds: Annotated[float, Field(gt=0, le=300)] = 30.0
    """How long one attempt may take before its outcome counts as unknown; in-app, for each 1,000 followers of
    a topic."""
    enabled: bool = True

    @field_validator("account")
    @classmethod
    def _not_a_queue(cls, value: str) -> str:
        if value == "bulk":
            raise ValueError("bulk is taken: its lane would be the queue imgw.mt.bulk")
        return value

    @property
    def base_url(self) -> str | None:
        """`url` without a trailing slash."""
        return str(self.url).rstrip("/") if self.url else None
