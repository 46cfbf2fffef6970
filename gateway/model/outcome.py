"""An outcome of the gateway's own making, on its way to the DR processor like any provider's receipt."""

from __future__ import annotations

from typing import Literal

from gateway.model.base import Contract, Identifier, Instant, Name
from gateway.model.receipt import Reason


class OutcomeEvent(Contract):
    """One MT has failed, expired or been rejected, says the gateway itself."""

    app_id: Name
    message_id: Identifier
    status: Literal["failed", "expired", "rejected"]
    reason: Reason
    attempt: int
    occurred_at: Instant
