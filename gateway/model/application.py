"""An application profile: who may send and receive, and how its messages are treated by default."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr, StringConstraints

from gateway.model.account import Settings
from gateway.model.base import Name
from gateway.model.message import MAX_VALIDITY_SECONDS, Duplicates
from gateway.model.receipt import DEFAULT_RECEIPTS, DRStatus

AttributeName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
PushPlatform = Literal["android", "ios", "web"]
# HS256 signs with it: as long as what it makes (RFC 7518, section 3.2).
Secret = Annotated[SecretStr, Field(min_length=32, max_length=256)]


class AttributeRule(Settings):
    """What an attribute of the application's customers is."""

    type: Literal["text", "integer", "number", "boolean", "time"] = "text"
    """What values it takes; others are refused."""
    indexed: bool = False
    """Whether customers can be found by it."""


class Application(Settings):
    """One sending and receiving application."""

    app_id: Name
    """Carried by every message of it."""
    name: str = ""
    """For people."""
    brand: str | None = None
    """The brand it speaks for; for people."""
    group: str | None = None
    """The group of people that it belongs to; for people."""
    team: str | None = None
    """The team in that group; for people."""
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
    stream: Name | None = None
    """Which service its in-app MO are for: the last part of their routing key, mo.<app_id>.rtm.<stream>.
    Several applications may name one stream."""
    secrets: Annotated[tuple[Secret, ...], Field(max_length=2)] = ()
    """What the tokens of its clients are signed with, of 32 characters or more: the first signs, both are
    taken, so that one can be replaced while clients hold tokens of the other. In files only as ${env:NAME}
    or ${file:PATH}; a file without them leaves those that there are."""
    attributes: Annotated[dict[AttributeName, AttributeRule], Field(max_length=64)] = {}
    """What is known of its customers' attributes, by name; others are free, and cannot be searched for."""
    device_sync: bool = False
    """Whether a person's MO and receipts are told to that person's other devices, too. Where a thread is
    about a topic, they are told to all who follow it, always."""
    push: dict[PushPlatform, Name] = {}
    """Which account wakes devices of which platform, when an MT has a notification and no device of its
    recipient is connected: one of a push channel. It need not be among `accounts`, by which MT are sent."""
    enabled: bool = True

    def may_use(self, account: str) -> bool:
        return "*" in self.accounts or account in self.accounts

    def serves(self, account: str) -> bool:
        """Whether its clients may come by this account: another account's broker may let in whomever it
        likes."""
        return self.enabled and self.may_use(account)
