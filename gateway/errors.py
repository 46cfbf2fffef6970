"""Every error the gateway raises on purpose.

GatewayError
├── ConfigurationError        a setting, account, application or file is wrong; names it and the way out
├── RefusedError              somebody sent what cannot be taken; the sender is told why
│   ├── CallbackRefused       an HTTP request that is not the provider's, or not readable
│   └── MessageRefused        an MT that cannot be sent as it is; carries a reason code
├── UnavailableError          a server of ours is away; nothing is lost, the work is done when it is back
│   ├── BrokerUnavailable
│   │   └── Unroutable        the broker took a publication that no queue is bound for
│   └── StoreUnavailable
└── ProviderError             a provider did not take a message; its kind decides what follows
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class FailureKind(StrEnum):
    """What a failed attempt means for the message."""

    PERMANENT = "permanent"  # refused for good: final `failed`
    TRANSIENT = "transient"  # not taken for sure: an attempt is used, the next follows after a wait
    THROTTLED = "throttled"  # too fast: the account pauses, no attempt is used
    UNCERTAIN = "uncertain"  # may have been taken: repeated, unless the application avoids duplicates
    AUTH = "auth"  # our credentials are refused: the account is unhealthy, no attempt is used


class GatewayError(Exception):
    """The root of every error raised on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in the configuration, and where."""

    where: str  # a setting's name, or file and field: "accounts/wa.yaml: credentials.access_token"
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class ConfigurationError(GatewayError):
    """Configuration that cannot be used; holds every problem found, not only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class RefusedError(GatewayError):
    """Input that is not taken, for a reason that its sender may hear."""


class CallbackRefused(RefusedError):
    """An HTTP request on a callback URL that is not authentic (403) or not readable (400)."""

    def __init__(self, detail: str, *, status: int = 403) -> None:
        super().__init__(detail)
        self.status = status


class MessageRefused(RefusedError):
    """An MT that this account cannot carry; `code` is one of the stable reason codes."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class UnavailableError(GatewayError):
    """A server that the gateway stands on is away."""


class BrokerUnavailable(UnavailableError):
    """The broker is not connected, or did not confirm."""


class Unroutable(BrokerUnavailable):
    """A publication that no queue would have received; it has not been taken."""


class StoreUnavailable(UnavailableError):
    """The database did not answer, or not in time."""


class ProviderError(GatewayError):
    """A provider did not take a message.

    `reason` is our stable reason code; `code` and `text` are the provider's own words, kept for people;
    `retry_after_seconds` is set when the provider said how long to wait.
    """

    def __init__(
        self,
        kind: FailureKind,
        *,
        reason: str,
        code: str | None = None,
        text: str | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(f"{kind.value}: {reason} (provider code {code})")
        self.kind = kind
        self.reason = reason
        self.code = code
        self.text = text
        self.retry_after_seconds = retry_after_seconds
