"""An application profile: who may send and receive, and how its messages are treated by default."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.model.account import Settings
from gateway.model.base import Name
from gateway.model.message import MAX_VALIDITY_SECONDS, Duplicates
from gateway.model.receipt import DEFAULT_RECEIPTS, DRStatus


class Application(Settings):
    """One sending and receiving application."""

    app_id: Name
    """Carried by every message of it."""
    name: str = ""
    """For people."""
    accounts: tuple[str, ...] = ("*",)
    """The accounts it may use, by name; "*" stands for all."""
    validity_seconds: Annotated[int, Field(ge=1, le=MAX_VALIDITY_SECONDS)] = 86_400
    """How long an MT is worth delivering, unless it says so itself."""
    receipts: tuple[DRStatus, ...] = DEFAULT_RECEIPTS
    """Which DR are published besides the final one, unless the MT says so itself."""
    duplicates: Duplicates = "allow"
    """After an attempt with unknown outcome: "allow" sends again, "avoid" gives up; unless the MT says so."""
    retention_days: Annotated[int, Field(ge=1, le=3_650)] = 90
    """How long transactions are kept after they ended."""
    enabled: bool = True

    def may_use(self, account: str) -> bool:
        return "*" in self.accounts or account in self.accounts
